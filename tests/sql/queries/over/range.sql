-- Frames of time: all rows at most so much earlier, that time included, and all of the row's own time, whatever came first.
CREATE TABLE readings (id INT, who STRING, n INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/same_times.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE bounded (id INT, c BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE unbounded (id INT, c BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE by_default (id INT, c BIGINT) WITH ('connector' = 'print');
CREATE TABLE own_time (id INT, c BIGINT) WITH ('connector' = 'print');

INSERT INTO bounded SELECT id, COUNT(*) OVER w, SUM(n) OVER w FROM readings
  WINDOW w AS (PARTITION BY who ORDER BY at RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW);
INSERT INTO unbounded SELECT id, COUNT(*) OVER w, SUM(n) OVER w FROM readings
  WINDOW w AS (PARTITION BY who ORDER BY at RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
INSERT INTO by_default SELECT id, COUNT(*) OVER (ORDER BY at) FROM readings;
INSERT INTO own_time SELECT id, COUNT(*) OVER (PARTITION BY who ORDER BY at RANGE BETWEEN CURRENT ROW AND CURRENT ROW) FROM readings;
