-- A TIMESTAMP_LTZ is an instant, shown in UTC; a time of day and zone of a text is found by CONVERT_TZ.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE told (id INT, plain TIMESTAMP(3), instant TIMESTAMP_LTZ(3), `day` DATE, `hour` BIGINT, there STRING) WITH ('connector' = 'print');

INSERT INTO told SELECT id, CAST(TO_TIMESTAMP_LTZ(id * 86400000, 3) AS TIMESTAMP(3)),
    CAST(TIMESTAMP '2024-05-01 12:00:00' AS TIMESTAMP_LTZ(3)), CAST(TO_TIMESTAMP_LTZ(id * 86400000, 3) AS DATE),
    EXTRACT(HOUR FROM TO_TIMESTAMP_LTZ(id * 3600, 0)), CONVERT_TZ('2024-05-01 12:00:00', 'UTC', 'America/Los_Angeles')
  FROM numbers WHERE id < 4;
