-- Another delimiter, another quote, comments, NULL by a word, the elements of an array.
CREATE TABLE people (id INT, name STRING, tags ARRAY<STRING>, since DATE, rate DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/semicolons.csv', 'format' = 'csv', 'csv.field-delimiter' = ';',
        'csv.quote-character' = '''', 'csv.allow-comments' = 'true', 'csv.null-literal' = 'n/a',
        'csv.array-element-delimiter' = '|');
CREATE TABLE read_rows (id INT, name STRING, tags INT, since DATE, rate DOUBLE, first_tag STRING) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT id, name, CARDINALITY(tags), since, rate, tags[1] FROM people WHERE id <> 3;
