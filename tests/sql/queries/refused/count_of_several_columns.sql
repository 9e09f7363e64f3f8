-- refused: COUNT of several columns cannot be run; concatenate them first
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (who STRING, n BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT item, COUNT(DISTINCT who, price) FROM bids GROUP BY item;
