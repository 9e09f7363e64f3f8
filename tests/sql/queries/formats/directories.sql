-- A directory with all below it but hidden files, and files by a pattern.
CREATE TABLE whole (id INT, t STRING) WITH ('connector' = 'filesystem', 'path' = '../data/parts', 'format' = 'csv');
CREATE TABLE some (id INT, t STRING) WITH ('connector' = 'filesystem', 'path' = '../data/parts/[ab].csv', 'format' = 'csv');
CREATE TABLE all_rows (id INT, t STRING) WITH ('connector' = 'print');
CREATE TABLE some_rows (id INT) WITH ('connector' = 'print');
CREATE TABLE counts (t STRING, n BIGINT) WITH ('connector' = 'print');

INSERT INTO all_rows SELECT * FROM whole;
INSERT INTO some_rows SELECT id FROM some;
INSERT INTO counts SELECT t, COUNT(*) FROM whole GROUP BY t;
