-- JSON in texts, by paths; a text that is no JSON is NULL, or what ON ERROR says.
CREATE TABLE docs (id INT, j STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/docs.json', 'format' = 'json');
CREATE TABLE single (id INT, c1 STRING, c2 STRING, c3 STRING, c4 INT, c5 STRING, c6 STRING) WITH ('connector' = 'print');
CREATE TABLE parts (id INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING) WITH ('connector' = 'print');
CREATE TABLE asked (id INT, c1 BOOLEAN, c2 BOOLEAN, c3 BOOLEAN, c4 BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE made (id INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING) WITH ('connector' = 'print');

INSERT INTO single SELECT id, JSON_VALUE(j, '$.a'), JSON_VALUE(j, '$.b.c[1]'), JSON_VALUE(j, '$.t'),
    JSON_VALUE(j, '$.a' RETURNING INT NULL ON ERROR),
    JSON_VALUE(j, '$.b.c[0]' DEFAULT 'none' ON EMPTY DEFAULT 'bad' ON ERROR), JSON_VALUE(j, '$[1]')
  FROM docs;
INSERT INTO parts SELECT id, JSON_QUERY(j, '$.b'), JSON_QUERY(j, '$.a'), JSON_QUERY(j, '$.a' WITH WRAPPER),
    JSON_QUERY(j, '$.b.c')
  FROM docs;
INSERT INTO asked SELECT id, JSON_EXISTS(j, '$.b.c'), j IS JSON, j IS JSON OBJECT, j IS NOT JSON ARRAY
  FROM docs;
INSERT INTO made SELECT id, JSON_OBJECT(KEY 'id' VALUE id, KEY 'n' VALUE NULLIF(id, 4)),
    JSON_OBJECT('n' VALUE NULLIF(id, 4) ABSENT ON NULL), JSON_ARRAY(id, 'x', NULLIF(id, 4)), JSON_STRING(id), JSON_QUOTE(j)
  FROM docs;
