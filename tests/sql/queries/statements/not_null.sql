-- NULL in a column that is NOT NULL drops the row, if that is said.
SET 'table.exec.sink.not-null-enforcer' = 'drop';
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE strict (id INT, a INT NOT NULL) WITH ('connector' = 'print');

INSERT INTO strict SELECT id, a FROM numbers;
