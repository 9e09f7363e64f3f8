-- Three-valued logic: what is neither true nor false is NULL, and WHERE keeps what is true.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE connected (id INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN, c7 BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE asked (id INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN, c5 BOOLEAN, c6 BOOLEAN, c7 BOOLEAN, c8 BOOLEAN, c9 BOOLEAN, c10 BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE chosen (id INT, c1 STRING, c2 STRING, c3 INT, c4 INT, c5 INT, c6 INT) WITH ('connector' = 'print');

INSERT INTO connected SELECT id, a > 0 AND b > 2, a > 0 OR b > 2, NOT a > 0, a = b, a <> b, a IS DISTINCT FROM b,
    a IS NOT DISTINCT FROM NULL
  FROM numbers;
INSERT INTO asked SELECT id, (a > 0) IS TRUE, (a > 0) IS NOT FALSE, (a > 0) IS UNKNOWN, a IS NULL, b IS NOT NULL,
    a BETWEEN 0 AND b, a IN (7, 9), a IN (7, NULL), a NOT IN (7, NULL), a NOT BETWEEN 0 AND 5
  FROM numbers;
INSERT INTO chosen SELECT id, CASE WHEN a > 0 THEN 'plus' WHEN a < 0 THEN 'minus' ELSE 'none' END,
    CASE b WHEN 2 THEN 'two' WHEN 3 THEN 'three' END, COALESCE(a, b, 0), NULLIF(a, b), IF(a > 0, 1, 2), IFNULL(a, -5)
  FROM numbers;
