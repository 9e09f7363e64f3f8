-- Arrays count from 1, maps go by their keys, rows by their names; what is not there is NULL.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE arrays (id INT, second_one INT, size INT, has BOOLEAN, beyond INT, reversed ARRAY<INT>) WITH ('connector' = 'print');
CREATE TABLE maps (id INT, a INT, none INT, size INT, `keys` ARRAY<STRING>) WITH ('connector' = 'print');
CREATE TABLE nested (id INT, r ROW<a INT, b ROW<c STRING>>, c STRING) WITH ('connector' = 'print');

INSERT INTO arrays SELECT id, ARRAY[id, b][2], CARDINALITY(ARRAY[id, b]), ARRAY_CONTAINS(ARRAY[1, 3], id), ARRAY[id][2],
    ARRAY_REVERSE(ARRAY[id, b]) FROM numbers;
INSERT INTO maps SELECT id, MAP['a', a, 'b', b]['a'], MAP['a', a]['z'], CARDINALITY(MAP['a', a, 'b', b]), MAP_KEYS(MAP['k', a]) FROM numbers;
INSERT INTO nested SELECT id, ROW(a, ROW(CAST(b AS STRING))), CAST(ROW(a, 'x') AS ROW<n INT, t STRING>).t FROM numbers WHERE id < 5;
