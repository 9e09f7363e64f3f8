-- With ignore-parse-errors a member that does not fit is NULL, and what is no object is left out.
CREATE TABLE things (id INT, n INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/broken.json', 'format' = 'json', 'json.ignore-parse-errors' = 'true');
CREATE TABLE read_rows (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM things;
