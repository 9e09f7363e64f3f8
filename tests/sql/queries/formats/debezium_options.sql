-- Changes within a payload; lines that are none are left out.
CREATE TABLE changes (id INT, n INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/wrapped.cdc.json', 'format' = 'debezium-json',
        'debezium-json.schema-include' = 'true', 'debezium-json.ignore-parse-errors' = 'true');
CREATE TABLE left_rows (id INT, n INT) WITH ('connector' = 'print');

INSERT INTO left_rows SELECT * FROM changes;
