-- The three pages that were seen most in each hour: a window, and the first rows in it.
--
--     cargo run --release -- run examples/top_pages.sql
--
-- Nine lines of the log are malformed:
-- dead letters: 9

CREATE TABLE access_log (
  ts     TIMESTAMP_LTZ(3),
  path   STRING,
  status INT,
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH (
  'connector' = 'filesystem',
  'path'      = 'examples/data/access.log',
  'format'    = 'combined-log'
);

CREATE TABLE top_pages (hour_start TIMESTAMP(3), place BIGINT, path STRING, `views` BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'out/top-pages/top_pages.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE VIEW views_by_page AS
  SELECT window_start, window_end, path, COUNT(*) AS `views`
  FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' HOUR))
  WHERE status = 200 AND path NOT LIKE '/static/%' AND path NOT LIKE '/images/%'
  GROUP BY window_start, window_end, path;

INSERT INTO top_pages
  SELECT window_start, place, path, `views`
  FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY `views` DESC, path) AS place
        FROM views_by_page)
  WHERE place <= 3;
