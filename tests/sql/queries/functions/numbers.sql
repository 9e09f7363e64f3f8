-- Arithmetic: whole numbers are divided towards zero, what is left has the sign of the first; ROUND goes away from zero.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE whole (id INT, c1 INT, c2 INT, c3 INT, c4 INT, c5 INT, c6 INT, c7 INT, c8 INT, c9 INT, c10 INT) WITH ('connector' = 'print');
CREATE TABLE fractions (id INT, c1 DOUBLE, c2 DOUBLE, c3 DOUBLE, c4 DOUBLE, c5 DOUBLE, c6 DOUBLE, c7 DOUBLE, c8 DOUBLE) WITH ('connector' = 'print');
CREATE TABLE written (id INT, c1 STRING, c2 STRING) WITH ('connector' = 'print');

INSERT INTO whole SELECT id, a + b, a - b * 2, a / b, a % b, MOD(a, b), -a, ABS(a), SIGN(a), GREATEST(a, b), LEAST(a, b, 2)
  FROM numbers;
INSERT INTO fractions SELECT id, FLOOR(x), CEIL(x), ROUND(x), ROUND(x, 1), TRUNCATE(x, 1), POWER(x, 2), SQRT(ABS(a)), x * a
  FROM numbers;
INSERT INTO written SELECT id, BIN(b), HEX(a)
  FROM numbers;
