-- refused: LAG with IGNORE NULLS or RESPECT NULLS cannot be run; leave it out
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO written SELECT id, LAG(price) IGNORE NULLS OVER (ORDER BY at) FROM bids;
