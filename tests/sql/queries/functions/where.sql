-- WHERE keeps the rows for which it is true, not those for which it is unknown.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE plus (id INT) WITH ('connector' = 'print');
CREATE TABLE not_plus (id INT) WITH ('connector' = 'print');
CREATE TABLE either_way (id INT) WITH ('connector' = 'print');
CREATE TABLE no_equal (id INT) WITH ('connector' = 'print');

INSERT INTO plus SELECT id FROM numbers WHERE a > 0;
INSERT INTO not_plus SELECT id FROM numbers WHERE NOT (a > 0);
INSERT INTO either_way SELECT id FROM numbers WHERE a > 0 OR NOT (a > 0);
INSERT INTO no_equal SELECT id FROM numbers WHERE a NOT IN (7, 3) AND b <> 5;
