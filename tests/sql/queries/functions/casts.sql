-- TRY_CAST makes NULL of what cannot be read; CAST of numbers cuts fractions off, and writes TRUE and FALSE.
CREATE TABLE casts (id INT, w STRING, f STRING, b STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/casts.json', 'format' = 'json');
CREATE TABLE read_from (id INT, c1 INT, c2 BIGINT, c3 DOUBLE, c4 BOOLEAN, c5 DECIMAL(5, 2), c6 DATE) WITH ('connector' = 'print');
CREATE TABLE between_them (id INT, c1 INT, c2 STRING, c3 STRING, c4 STRING, c5 BOOLEAN, c6 DECIMAL(6, 2), c7 DOUBLE) WITH ('connector' = 'print');

INSERT INTO read_from SELECT id, TRY_CAST(w AS INT), TRY_CAST(w AS BIGINT), TRY_CAST(f AS DOUBLE), TRY_CAST(b AS BOOLEAN),
    TRY_CAST(f AS DECIMAL(5, 2)), TRY_CAST(w AS DATE)
  FROM casts;
INSERT INTO between_them SELECT id, CAST(id * 1.75E0 AS INT), CAST(id AS STRING), CAST(id > 2 AS STRING),
    CAST(id / 2.0E0 AS STRING), CAST(id - 3 AS BOOLEAN), CAST(id AS DECIMAL(6, 2)), CAST(CAST(id AS TINYINT) AS DOUBLE)
  FROM casts;
