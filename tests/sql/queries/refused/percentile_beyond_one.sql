-- refused: Percentile value must be between 0.0 and 1.0 inclusive
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (who STRING, n DOUBLE) WITH ('connector' = 'print');

INSERT INTO written SELECT item, PERCENTILE(price, 1.5) FROM bids GROUP BY item;
