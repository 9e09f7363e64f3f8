-- Fields are enclosed where they hold a delimiter or a quote; NULL is empty, or the word for it; a head is written.
CREATE TABLE words (id INT, s STRING, t STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/texts.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE plain (id INT, word STRING, is_long BOOLEAN, half DOUBLE, cents DECIMAL(6, 2), `day` DATE, `list` ARRAY<INT>)
  WITH ('connector' = 'filesystem', 'path' = 'out/plain.csv', 'format' = 'csv');
CREATE TABLE other (id INT, word STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out/other.csv', 'format' = 'csv', 'csv.field-delimiter' = '|', 'csv.null-literal' = 'NULL',
        'csv.quote-character' = '''');

INSERT INTO plain SELECT id, CASE id WHEN 1 THEN 'a,b' WHEN 2 THEN 'say "hi"' WHEN 3 THEN CAST(NULL AS STRING) ELSE 'plain' END,
  id > 2, id / 2.0E0, id, DATE '2024-05-01', ARRAY[id, 2] FROM words WHERE id < 5;
INSERT INTO other SELECT id, CASE id WHEN 1 THEN 'a|b' WHEN 2 THEN 'it''s' WHEN 3 THEN CAST(NULL AS STRING) ELSE 'a,b' END
  FROM words WHERE id < 5;
