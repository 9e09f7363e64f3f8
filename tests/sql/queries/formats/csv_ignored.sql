-- With ignore-parse-errors a field that does not fit is NULL, and a line with a field too many is left out, as in Flink.
CREATE TABLE people (id INT, name STRING, n INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/broken.csv', 'format' = 'csv', 'csv.ignore-parse-errors' = 'true');
CREATE TABLE read_rows (id INT, name STRING, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM people;
