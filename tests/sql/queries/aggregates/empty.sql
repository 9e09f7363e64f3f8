-- Of no rows: a window has no result, a group neither, and without groups nothing is given before a row comes, as in Flink.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE windowed (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE grouped (who STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE all_rows (n BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_nulls (n BIGINT, total BIGINT, mean DOUBLE, most INT) WITH ('connector' = 'print');

INSERT INTO windowed SELECT window_start, COUNT(*)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND)) WHERE price > 1000 GROUP BY window_start, window_end;
INSERT INTO grouped SELECT who, COUNT(*) FROM bids WHERE price > 1000 GROUP BY who;
INSERT INTO all_rows SELECT COUNT(*), SUM(price) FROM bids WHERE price > 1000;
INSERT INTO of_nulls SELECT COUNT(price), SUM(price), AVG(price), MAX(price) FROM bids WHERE price IS NULL;
