-- refused: line 7, column 21: LEAD cannot be run; use LAG in the other direction: rows that are still to come are not known
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO written SELECT id, LEAD(price) OVER (PARTITION BY who ORDER BY at) FROM bids;
