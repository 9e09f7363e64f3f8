-- Processing time is a column, and tells which rows came first; CURRENT_TIMESTAMP may be event time, of arrival.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE, arrived AS PROCTIME())
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE first_rows (b INT, known BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE known (id INT, is_known BOOLEAN) WITH ('connector' = 'print');

INSERT INTO known SELECT id, arrived IS NOT NULL AND CURRENT_TIMESTAMP IS NOT NULL FROM numbers;
INSERT INTO first_rows SELECT b, id > 0 FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY b ORDER BY arrived) AS place FROM numbers)
  WHERE place = 1;
