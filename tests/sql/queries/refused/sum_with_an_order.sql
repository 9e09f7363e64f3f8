-- refused: SUM with ORDER BY cannot be run; leave the order out
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (who STRING, n BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT item, SUM(price ORDER BY id) FROM bids GROUP BY item;
