-- Lines as they are, read and written; an empty line is a text, too.
CREATE TABLE lines (line STRING) WITH ('connector' = 'filesystem', 'path' = '../data/raw.txt', 'format' = 'raw');
CREATE TABLE shouted (line STRING) WITH ('connector' = 'filesystem', 'path' = 'out/shouted.txt', 'format' = 'raw');
CREATE TABLE lengths (n INT, x INT) WITH ('connector' = 'print');

INSERT INTO shouted SELECT UPPER(line) FROM lines WHERE line <> '';
INSERT INTO lengths SELECT CHAR_LENGTH(line), JSON_VALUE(line, '$.x' RETURNING INT) FROM lines;
