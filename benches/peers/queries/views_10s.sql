CREATE TABLE users (window_start TIMESTAMP(3), host STRING, hits BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{out}/users', 'format' = 'csv');

CREATE TABLE site (window_start TIMESTAMP(3), hits BIGINT, hosts BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{out}/site', 'format' = 'csv');

CREATE VIEW counted AS
SELECT window_start, window_end, host, COUNT(*) AS hits
FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, host;

EXECUTE STATEMENT SET BEGIN
  INSERT INTO users SELECT window_start, host, hits FROM counted;
  INSERT INTO site SELECT window_start, SUM(hits), COUNT(*) FROM counted GROUP BY window_start, window_end;
END;
