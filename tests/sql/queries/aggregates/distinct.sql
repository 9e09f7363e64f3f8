-- DISTINCT and UNION give each row once, NULL too; GROUP BY without aggregates is the same.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE people (who STRING) WITH ('connector' = 'print');
CREATE TABLE pairs (who STRING, item STRING) WITH ('connector' = 'print');
CREATE TABLE both (name STRING) WITH ('connector' = 'print');
CREATE TABLE grouped (item STRING) WITH ('connector' = 'print');

INSERT INTO people SELECT DISTINCT who FROM bids;
INSERT INTO pairs SELECT DISTINCT who, item FROM bids WHERE price > 5 OR price IS NULL;
INSERT INTO both SELECT who FROM bids UNION SELECT item FROM bids;
INSERT INTO grouped SELECT item FROM bids GROUP BY item;
