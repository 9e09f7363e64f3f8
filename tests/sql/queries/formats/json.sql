-- Members by name, rows in rows; what is missing is NULL, what is unknown is passed over. Written again as it was.
CREATE TABLE things (id INT, name STRING, price DECIMAL(8, 2), at TIMESTAMP(3), place ROW<city STRING, zip STRING>,
    tags ARRAY<STRING>, counts MAP<STRING, INT>, ok BOOLEAN)
  WITH ('connector' = 'filesystem', 'path' = '../data/nested.json', 'format' = 'json');
CREATE TABLE printed (id INT, name STRING, price DECIMAL(8, 2), at TIMESTAMP(3), city STRING, tags INT, x INT, ok BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE again (id INT, name STRING, price DECIMAL(8, 2), at TIMESTAMP(3), place ROW<city STRING, zip STRING>, tags ARRAY<STRING>,
    counts MAP<STRING, INT>, ok BOOLEAN)
  WITH ('connector' = 'filesystem', 'path' = 'out/again.json', 'format' = 'json');
CREATE TABLE short (id INT, name STRING, at TIMESTAMP(3), zip STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out/short.json', 'format' = 'json', 'json.encode.ignore-null-fields' = 'true',
        'json.timestamp-format.standard' = 'ISO-8601');

INSERT INTO printed SELECT id, name, price, at, place.city, CARDINALITY(tags), counts['x'], ok FROM things;
INSERT INTO again SELECT * FROM things;
INSERT INTO short SELECT id, name, at, place.zip FROM things;
