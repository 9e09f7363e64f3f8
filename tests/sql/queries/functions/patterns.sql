-- LIKE, SIMILAR TO and regular expressions.
CREATE TABLE texts (id INT, s STRING, t STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/texts.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE likes (id INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE matches (id INT, c1 BOOLEAN, c2 STRING, c3 STRING, c4 STRING, c5 INT, c6 INT, c7 STRING) WITH ('connector' = 'print');

INSERT INTO likes SELECT id, s LIKE '%o%', s NOT LIKE 'H____ %', s LIKE '%!%!_%' ESCAPE '!', s SIMILAR TO '(foo|a)%'
  FROM texts;
INSERT INTO matches SELECT id, REGEXP(s, '[lr]e'), REGEXP_REPLACE(s, '[aeiou]+', '_'), REGEXP_EXTRACT(s, 'foo(.*?)(bar)', 2),
    REGEXP_EXTRACT(s, '[A-Z]\w+'), REGEXP_COUNT(s, 'o'), REGEXP_INSTR(s, 'e+'), REGEXP_SUBSTR(s, 'l+')
  FROM texts;
