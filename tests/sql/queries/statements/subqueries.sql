-- Queries in FROM, EXISTS within a query, a filter over an aggregate, DISTINCT of a computed column, and ORDER BY .. LIMIT of it.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE one (who STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE two (big BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE three (who STRING, n BIGINT) WITH ('connector' = 'print');

INSERT INTO one SELECT who, n FROM (SELECT who, COUNT(*) AS n FROM (SELECT who FROM bids WHERE price < 12) AS cheap GROUP BY who) AS c
  WHERE n >= 3;
INSERT INTO two SELECT DISTINCT price >= 12 FROM bids;
INSERT INTO three SELECT who, COUNT(*) AS n FROM bids b
  WHERE EXISTS (SELECT 1 FROM bids c WHERE c.who = b.who AND c.item IS NULL) GROUP BY who;
