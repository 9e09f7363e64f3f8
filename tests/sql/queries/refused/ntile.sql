-- refused: NTILE with OVER cannot be run; use an aggregate, ROW_NUMBER, RANK, DENSE_RANK, LAG, FIRST_VALUE or LAST_VALUE
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (id INT, n BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT id, NTILE(4) OVER (PARTITION BY who ORDER BY at) FROM bids;
