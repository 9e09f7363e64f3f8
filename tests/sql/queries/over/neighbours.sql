-- The row before, with a distance and with what stands for it where there is none; the row's number.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE before_it (id INT, last INT, third INT, other INT) WITH ('connector' = 'print');
CREATE TABLE numbers (id INT, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE later (who STRING, gained INT) WITH ('connector' = 'print');

INSERT INTO before_it SELECT id, LAG(id) OVER w, LAG(id, 3) OVER w, LAG(price, 1, -1) OVER w FROM bids
  WINDOW w AS (PARTITION BY who ORDER BY at);
INSERT INTO numbers SELECT id, ROW_NUMBER() OVER (PARTITION BY item ORDER BY at) FROM bids;
INSERT INTO later SELECT who, price - last FROM (
  SELECT who, price, LAG(price) OVER (PARTITION BY who ORDER BY at) AS last FROM bids WHERE price IS NOT NULL) WHERE price > last;
