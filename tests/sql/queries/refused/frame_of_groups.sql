-- refused: the frame `GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW` cannot be run; use ROWS or RANGE
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (id INT, n BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT id, SUM(price) OVER (ORDER BY at GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM bids;
