-- The first rows, of each key and of all: they come and go. NULL is the least: the last if the order descends, unless said.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE top_two (who STRING, id INT, price INT) WITH ('connector' = 'print');
CREATE TABLE numbered (item STRING, id INT, place BIGINT) WITH ('connector' = 'print');
CREATE TABLE first_five (id INT, price INT) WITH ('connector' = 'print');
CREATE TABLE nulls_first_rows (id INT, price INT) WITH ('connector' = 'print');
CREATE TABLE of_sums (who STRING, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE one_of_all (id INT, place BIGINT) WITH ('connector' = 'print');

INSERT INTO top_two SELECT who, id, price FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY who ORDER BY price DESC, id DESC) AS place FROM bids) WHERE place <= 2;
INSERT INTO numbered SELECT item, id, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY price, id) AS place FROM bids) WHERE place <= 3;
INSERT INTO first_five SELECT id, price FROM bids ORDER BY price DESC, id LIMIT 5;
INSERT INTO nulls_first_rows SELECT id, price FROM bids ORDER BY price DESC NULLS FIRST, id LIMIT 4;
INSERT INTO of_sums SELECT who, total FROM (SELECT who, SUM(price) AS total FROM bids GROUP BY who) ORDER BY total DESC LIMIT 2;
INSERT INTO one_of_all SELECT id, place FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY price, id) AS place FROM bids) WHERE place <= 3;
