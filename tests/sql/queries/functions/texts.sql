-- Functions of texts, by characters; NULL of NULL.
CREATE TABLE texts (id INT, s STRING, t STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/texts.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE changed (id INT, c1 STRING, c2 STRING, c3 INT, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 INT, c10 STRING, c11 STRING) WITH ('connector' = 'print');
CREATE TABLE joined (id INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 STRING, c7 STRING, c8 STRING, c9 STRING) WITH ('connector' = 'print');
CREATE TABLE parted (id INT, c1 STRING, c2 STRING, c3 STRING, c4 INT, c5 INT, c6 INT, c7 BOOLEAN, c8 STRING) WITH ('connector' = 'print');
CREATE TABLE coded (id INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING) WITH ('connector' = 'print');

INSERT INTO changed SELECT id, UPPER(s), LOWER(s), CHAR_LENGTH(s), TRIM(s), TRIM(LEADING FROM s), RTRIM(s),
    SUBSTRING(s FROM 2 FOR 3), SUBSTRING(s, 4), POSITION('l' IN s), REPLACE(s, 'l', 'LL'),
    OVERLAY(s PLACING '--' FROM 2 FOR 1)
  FROM texts;
INSERT INTO joined SELECT id, s || '/' || t, CONCAT(s, t), CONCAT_WS('-', s, t, 'z'), LPAD(s, 6, '*'), RPAD(s, 12, 'ab'),
    LEFT(s, 3), RIGHT(s, 3), REVERSE(s), REPEAT(t, 2)
  FROM texts;
INSERT INTO parted SELECT id, SPLIT_INDEX(s, ',', 1), SPLIT_INDEX(s, ' ', 0), INITCAP(s), LOCATE(t, s), INSTR(s, 'o'),
    ASCII(t), STARTSWITH(s, 'foo'), TRANSLATE(s, 'ol', '0')
  FROM texts;
INSERT INTO coded SELECT id, TO_BASE64(s), FROM_BASE64(TO_BASE64(s)), MD5(s), SHA256(t), HEX(t)
  FROM texts;
