-- Views, temporary ones, those of views, and WITH: each is its query.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE VIEW dear AS SELECT id, who, price * 2 AS twice FROM bids WHERE price > 10;
CREATE TEMPORARY VIEW of_dear (number_of, name, twice) AS SELECT * FROM dear WHERE who IS NOT NULL;
CREATE TABLE one (id INT, who STRING, twice INT) WITH ('connector' = 'print');
CREATE TABLE two (id INT, name STRING) WITH ('connector' = 'print');
CREATE TABLE three (id INT, twice INT) WITH ('connector' = 'print');

INSERT INTO one SELECT * FROM dear;
INSERT INTO two SELECT number_of, name FROM of_dear WHERE twice > 30;
INSERT INTO three WITH pens AS (SELECT id FROM bids WHERE item = 'pen'), both_of AS (SELECT d.id, d.twice FROM dear d JOIN pens p ON d.id = p.id)
  SELECT * FROM both_of;
