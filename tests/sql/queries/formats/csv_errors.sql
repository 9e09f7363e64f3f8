-- A line that does not fit is a dead letter; the others are read. Without a word for NULL an empty field is no number.
-- dead letters: 4
CREATE TABLE people (id INT, name STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '../data/broken.csv', 'format' = 'csv');
CREATE TABLE read_rows (id INT, name STRING, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM people;
