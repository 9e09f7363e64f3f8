-- Visitors by country and day, and the page that each country saw most: by functions and a connector written in Rust.
--
--     cargo run --example sql_functions -- run examples/sql_functions.sql
--
-- needs: geo_country, most_frequent, site
--
-- Nine lines of the log are malformed:
-- dead letters: 9

CREATE TABLE access_log (
  host   STRING,
  ts     TIMESTAMP_LTZ(3),
  path   STRING,
  status INT,
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'site', 'name' = 'example.org', 'format' = 'combined-log');

CREATE TABLE countries (`day` DATE, country STRING, visitors BIGINT, `views` BIGINT, page STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out/sql-functions/countries.csv', 'format' = 'csv', 'csv.header' = 'true');

CREATE VIEW page_views AS
  SELECT ts, host, GEO_COUNTRY(host) AS country, path
  FROM access_log
  WHERE status = 200 AND path NOT LIKE '%.%';

INSERT INTO countries
  SELECT CAST(window_start AS DATE), COALESCE(country, 'unknown'), COUNT(DISTINCT host), COUNT(*), MOST_FREQUENT(path)
  FROM TABLE(TUMBLE(TABLE page_views, DESCRIPTOR(ts), INTERVAL '1' DAY))
  GROUP BY window_start, window_end, country;
