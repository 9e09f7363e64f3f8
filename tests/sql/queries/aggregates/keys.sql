-- Keys of all kinds: truth, decimals, days, arrays and rows; NULL within them; DISTINCT of them.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE of_truth (dear BOOLEAN, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_decimals (d DECIMAL(6, 1), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_days (`day` DATE, `minute` TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_arrays (a ARRAY<STRING>, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_doubles (x DOUBLE, n BIGINT) WITH ('connector' = 'print');

INSERT INTO of_truth SELECT price > 9, COUNT(*) FROM bids GROUP BY price > 9;
INSERT INTO of_decimals SELECT CAST(price AS DECIMAL(6, 1)), COUNT(*) FROM bids WHERE price < 8 GROUP BY CAST(price AS DECIMAL(6, 1));
INSERT INTO of_days SELECT CAST(at AS DATE), FLOOR(at TO MINUTE), COUNT(*) FROM bids GROUP BY CAST(at AS DATE), FLOOR(at TO MINUTE);
INSERT INTO of_arrays SELECT ARRAY[who, item], COUNT(*) FROM bids WHERE id < 10 GROUP BY ARRAY[who, item];
INSERT INTO of_doubles SELECT price * 0.0E0 * (10 - price), COUNT(*) FROM bids WHERE price <> 10 GROUP BY price * 0.0E0 * (10 - price);
