-- With fail-on-missing-field a line without a member is a dead letter; one with NULL is not.
-- dead letters: 5
CREATE TABLE things (id INT, n INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/broken.json', 'format' = 'json', 'json.fail-on-missing-field' = 'true');
CREATE TABLE read_rows (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT * FROM things;
