-- Nothing is left of a blackhole; rows that change go into tables that take changes, by the key of the query.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE nowhere (id INT) WITH ('connector' = 'blackhole');
CREATE TABLE marked (who STRING, n BIGINT, PRIMARY KEY (who) NOT ENFORCED) WITH ('connector' = 'print', 'print-identifier' = 'bids');

INSERT INTO nowhere SELECT id FROM bids WHERE price > 12;
INSERT INTO marked SELECT who, COUNT(*) FROM bids WHERE who <> 'cat' GROUP BY who;
