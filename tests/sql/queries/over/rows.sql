-- Frames of rows: the row and so many before it, or all before it. NULL counts as a row, and is not aggregated.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE sums (id INT, n BIGINT, total BIGINT, mean DOUBLE) WITH ('connector' = 'print');
CREATE TABLE extremes (id INT, least INT, most INT) WITH ('connector' = 'print');
CREATE TABLE unbounded (id INT, n BIGINT, known BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_all (id INT, total BIGINT) WITH ('connector' = 'print');

INSERT INTO sums SELECT id, COUNT(*) OVER w, SUM(price) OVER w, AVG(price) OVER w FROM bids
  WINDOW w AS (PARTITION BY who ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
INSERT INTO extremes SELECT id, MIN(price) OVER (PARTITION BY item ORDER BY at ROWS BETWEEN 3 PRECEDING AND CURRENT ROW),
    MAX(price) OVER (PARTITION BY item ORDER BY at ROWS 1 PRECEDING) FROM bids;
INSERT INTO unbounded SELECT id, COUNT(*) OVER w, COUNT(price) OVER w, SUM(price) OVER w FROM bids
  WINDOW w AS (PARTITION BY who ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
INSERT INTO of_all SELECT id, SUM(price) OVER (ORDER BY at ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) FROM bids;
