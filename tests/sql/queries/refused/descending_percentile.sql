-- refused: APPROX_PERCENTILE_CONT with DISTINCT or in descending order cannot be run; write PERCENTILE(x, p)
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (who STRING, n DOUBLE) WITH ('connector' = 'print');

INSERT INTO written SELECT item, APPROX_PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY price DESC) FROM bids GROUP BY item;
