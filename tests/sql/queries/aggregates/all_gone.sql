-- When all rows are taken back, groups are gone, and so is the result of all rows together, as in Flink.
CREATE TABLE gone (id INT, n INT) WITH ('connector' = 'filesystem', 'path' = '../data/gone.cdc.json', 'format' = 'debezium-json');
CREATE TABLE grouped (id INT, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE of_all (n BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE first_rows (id INT) WITH ('connector' = 'print');
CREATE TABLE distinct_ones (n INT) WITH ('connector' = 'print');

INSERT INTO grouped SELECT id, COUNT(*) FROM gone GROUP BY id;
INSERT INTO of_all SELECT COUNT(*), SUM(n) FROM gone;
INSERT INTO first_rows SELECT id FROM gone ORDER BY n LIMIT 1;
INSERT INTO distinct_ones SELECT DISTINCT n FROM gone;
