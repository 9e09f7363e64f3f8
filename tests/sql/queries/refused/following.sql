-- refused: the frame `ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING` cannot be run; end it with CURRENT ROW: rows that are still to come are not known
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (id INT, n BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT id, SUM(price) OVER (ORDER BY at ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM bids;
