-- A row that a function fails on is a dead letter; the others of its batch go on. CAST fails where TRY_CAST makes NULL.
-- dead letters: 3
CREATE TABLE casts (id INT, w STRING, f STRING, b STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/casts.json', 'format' = 'json');
CREATE TABLE numbers (id INT, w INT) WITH ('connector' = 'print');
CREATE TABLE shares (id INT, share BIGINT) WITH ('connector' = 'print');

INSERT INTO numbers SELECT id, CAST(w AS INT) FROM casts WHERE id <> 1 OR w = '42';
INSERT INTO shares SELECT id, 12 / (id - 3) FROM casts WHERE id < 5 AND CAST(w AS BIGINT) > -1 OR id = 3;
