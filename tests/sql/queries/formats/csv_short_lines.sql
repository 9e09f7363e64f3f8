-- With ignore-parse-errors the fields that a line has not are NULL, as in Flink.
CREATE TABLE people (id INT, name STRING, n INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/short.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true');
CREATE TABLE read_rows (id INT, name STRING, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM people;
