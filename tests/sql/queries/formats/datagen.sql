-- Rows that are made up: a sequence ends the table; so does a number of rows. Random values keep their bounds.
CREATE TABLE sequence (id BIGINT, n INT, t STRING, at TIMESTAMP(3))
  WITH ('connector' = 'datagen', 'rows-per-second' = '1000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '20',
        'fields.n.min' = '5', 'fields.n.max' = '9', 'fields.t.length' = '4', 'base-time' = '2024-05-01 12:00:00');
CREATE TABLE counted (n INT, x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '30', 'fields.x.null-rate' = '1');
CREATE TABLE ids (id BIGINT, at TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE bounds (rows_of BIGINT, between_them BIGINT, long BIGINT) WITH ('connector' = 'print');
CREATE TABLE counts (rows_of BIGINT, known BIGINT) WITH ('connector' = 'print');

INSERT INTO ids SELECT id, at FROM sequence WHERE MOD(id, 5) = 0;
INSERT INTO bounds SELECT COUNT(*), COUNT(*) FILTER (WHERE n BETWEEN 5 AND 9), COUNT(*) FILTER (WHERE CHAR_LENGTH(t) = 4) FROM sequence;
INSERT INTO counts SELECT COUNT(*), COUNT(x) FROM counted;
