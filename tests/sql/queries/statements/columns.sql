-- Computed columns, names between backquotes that keep their case, comments, a primary key, and a column chosen twice.
CREATE TABLE numbers (
  id INT NOT NULL COMMENT 'the first',
  a INT, -- may be NULL
  b INT, x DOUBLE,
  `Sum of Both` AS a + b COMMENT 'computed',
  /* the key is not
     enforced */
  label AS CONCAT('n', CAST(id AS STRING)),
  PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'numbers' WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE sums (id INT, total INT, label STRING) WITH ('connector' = 'print');
CREATE TABLE twice (a INT, b INT, again BIGINT, as_text STRING) WITH ('connector' = 'print');
CREATE TABLE chosen (id INT, name STRING, more DOUBLE) WITH ('connector' = 'print');

INSERT INTO sums SELECT id, `Sum of Both`, label FROM numbers;
INSERT INTO twice SELECT id, id, CAST(id AS BIGINT), CAST(id AS STRING) FROM numbers WHERE id < 3;
INSERT INTO chosen (more, id) SELECT x, id FROM numbers WHERE x > 1;
