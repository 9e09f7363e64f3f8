-- The clocks tell one time to a row, which goes on from row to row and is not that of planning; PROCTIME() is TIMESTAMP_LTZ.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE told (id INT, same BOOLEAN, is_day BOOLEAN, is_time BOOLEAN) WITH ('connector' = 'print');

INSERT INTO told SELECT id, CURRENT_TIMESTAMP = NOW(), CURRENT_DATE = CAST(CURRENT_TIMESTAMP AS DATE),
    PROCTIME() IS NOT NULL AND LOCALTIMESTAMP >= TIMESTAMP '1970-01-01 00:00:00' FROM numbers;
