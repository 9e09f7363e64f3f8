-- What is no object, or does not fit, is a dead letter; an empty line is nothing.
-- dead letters: 4
CREATE TABLE things (id INT, n INT) WITH ('connector' = 'filesystem', 'path' = '../data/broken.json', 'format' = 'json');
CREATE TABLE read_rows (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM things;
