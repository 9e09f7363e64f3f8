-- Page views, users and visits of a website from its access log, exactly once.
--
--     cargo run --release -- run examples/pageviews.sql
--
-- reads the log bundled in examples/data and writes to out/pageviews-sql. The same as examples/pageviews.rs does in Rust.
--
-- Nine lines of the log are malformed:
-- dead letters: 9

CREATE TABLE access_log (
  host STRING,
  ts   TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path'      = 'examples/data/access.log',
  'format'    = 'combined-log'
);

CREATE TABLE users (window_start TIMESTAMP(3), window_end TIMESTAMP(3), `user` STRING, `views` BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'out/pageviews-sql/users.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE TABLE site (window_start TIMESTAMP(3), window_end TIMESTAMP(3), `views` BIGINT, users BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'out/pageviews-sql/site.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE TABLE visits (visit_start TIMESTAMP(3), visit_end TIMESTAMP(3), `user` STRING, `views` BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'out/pageviews-sql/visits.csv', 'format' = 'csv', 'csv.header' = 'true');

-- How often each user was there, every ten seconds.
CREATE VIEW by_user AS
  SELECT host AS `user`, window_start, window_end, COUNT(*) AS `views`
  FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND))
  GROUP BY host, window_start, window_end;

EXECUTE STATEMENT SET BEGIN
  INSERT INTO users SELECT window_start, window_end, `user`, `views` FROM by_user;

  -- Each user's window is one user and so many views, so no set of users is kept.
  INSERT INTO site SELECT window_start, window_end, SUM(`views`), COUNT(*) FROM by_user GROUP BY window_start, window_end;

  -- A visit ends with half an hour of silence.
  INSERT INTO visits SELECT window_start, window_end, host, COUNT(*)
    FROM TABLE(SESSION(TABLE access_log PARTITION BY host, DESCRIPTOR(ts), INTERVAL '30' MINUTE))
    GROUP BY host, window_start, window_end;
END;
