-- Aggregates without a window change row by row; compared is what is left. One group of all rows, groups by NULL, HAVING, and
-- an aggregate of an aggregate, whose groups shrink.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE all_rows (n BIGINT, total BIGINT, least INT, most INT) WITH ('connector' = 'print');
CREATE TABLE by_who (who STRING, n BIGINT, known BIGINT, total BIGINT, mean DOUBLE) WITH ('connector' = 'print');
CREATE TABLE having_rows (who STRING, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE histogram (n BIGINT, people BIGINT, names BIGINT) WITH ('connector' = 'print');
CREATE TABLE filtered (item STRING, dear BIGINT, people BIGINT) WITH ('connector' = 'print');
CREATE TABLE expressions (who STRING, is_dear BOOLEAN, share DOUBLE) WITH ('connector' = 'print');

INSERT INTO all_rows SELECT COUNT(*), SUM(price), MIN(price), MAX(price) FROM bids;
INSERT INTO by_who SELECT who, COUNT(*), COUNT(price), SUM(price), AVG(price) FROM bids GROUP BY who;
INSERT INTO having_rows SELECT who, SUM(price) FROM bids GROUP BY who HAVING SUM(price) BETWEEN 10 AND 60;
INSERT INTO histogram SELECT n, COUNT(*), COUNT(who) FROM (SELECT who, COUNT(*) AS n FROM bids GROUP BY who) GROUP BY n;
INSERT INTO filtered SELECT item, COUNT(*) FILTER (WHERE price >= 10), COUNT(DISTINCT who) FROM bids GROUP BY item;
INSERT INTO expressions SELECT UPPER(who), price > 10, SUM(price) / 2.0E0 FROM bids GROUP BY UPPER(who), price > 10;
