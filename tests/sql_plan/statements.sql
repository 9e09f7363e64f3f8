-- Settings
SET 'parallelism.default' = '2'; SET 'table.exec.state.ttl' = '1 h'; SET 'table.exec.sink.not-null-enforcer' = 'drop';
SELECT 1;
----
-- All kinds of columns
CREATE TABLE t (a STRING COMMENT 'the name', b BIGINT NOT NULL, c AS UPPER(a), `file.path` STRING NOT NULL METADATA VIRTUAL,
  o BIGINT METADATA FROM 'offset' VIRTUAL, r ROW<x INT, y ARRAY<STRING>>, m MAP<STRING, BIGINT>, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE, CONSTRAINT pk PRIMARY KEY (b) NOT ENFORCED) COMMENT 'all'
  WITH ('connector' = 'filesystem', 'path' = 't.json', 'format' = 'json');
SELECT a, c, `file.path`, o, ts FROM t;
----
-- A table is created once, with IF NOT EXISTS
CREATE TABLE IF NOT EXISTS orders (x INT) WITH ('connector' = 'print');
SELECT id FROM orders;
----
-- A view with names
CREATE TEMPORARY VIEW v (a, b) AS SELECT id, item FROM orders;
SELECT b, a FROM v;
----
-- refused: nothing known
SELEC 1;
----
-- refused: DROP
DROP TABLE orders;
----
-- refused: ALTER
ALTER TABLE orders ADD x INT;
----
-- refused: UPDATE
UPDATE orders SET id = 1;
----
-- refused: DELETE
DELETE FROM orders;
----
-- refused: USE
USE CATALOG c;
----
-- refused: SHOW
SHOW TABLES;
----
-- refused: DESCRIBE
DESCRIBE orders;
----
-- refused: RESET
RESET 'parallelism.default';
----
-- refused: ADD JAR
ADD JAR 'a.jar';
----
-- refused: CALL
CALL f();
----
-- refused: TRUNCATE
TRUNCATE TABLE orders;
----
-- refused: MERGE
MERGE INTO orders USING payments ON TRUE;
----
-- refused: EXPLAIN of a table
EXPLAIN CREATE TABLE x (a INT);
----
-- refused: INSERT OVERWRITE
INSERT OVERWRITE append_only SELECT item, id FROM orders;
----
-- refused: INSERT into a partition
INSERT INTO append_only PARTITION (a = 'x') SELECT id FROM orders;
----
-- refused: CREATE FUNCTION
CREATE FUNCTION f AS 'com.example.F';
----
-- refused: CREATE OR REPLACE
CREATE OR REPLACE TABLE t (a INT) WITH ('connector' = 'print');
----
-- refused: CREATE CATALOG
CREATE CATALOG c WITH ('type' = 'x');
----
-- refused: CREATE DATABASE
CREATE DATABASE d;
----
-- refused: CREATE MATERIALIZED
CREATE MATERIALIZED VIEW v AS SELECT 1;
----
-- refused: CREATE SOURCE
CREATE SOURCE s (a INT) WITH ('connector' = 'print');
----
-- refused: CREATE SINK
CREATE SINK s AS SELECT 1;
----
-- refused: CREATE MODEL
CREATE MODEL m;
----
-- refused: an empty statement set
EXECUTE STATEMENT SET BEGIN END;
----
-- refused: a statement set with a SELECT
EXECUTE STATEMENT SET BEGIN SELECT 1; END;
----
-- refused: an unknown setting
SET 'paralelism.default' = '2';
----
-- refused: a setting that does not fit
SET 'table.exec.sink.not-null-enforcer' = 'ignore';
----
-- refused: a zone
SET 'table.local-time-zone' = 'Europe/Berlin';
----
-- refused: a second table of the name
CREATE TABLE orders (a INT) WITH ('connector' = 'print');
----
-- refused: PARTITIONED BY
CREATE TABLE t (a INT) PARTITIONED BY (a) WITH ('connector' = 'print');
----
-- refused: DISTRIBUTED BY
CREATE TABLE t (a INT) DISTRIBUTED BY (a) WITH ('connector' = 'print');
----
-- refused: LIKE
CREATE TABLE t (a INT) LIKE orders;
----
-- refused: CREATE TABLE AS
CREATE TABLE t WITH ('connector' = 'print') AS SELECT 1;
----
-- refused: a table without options
CREATE TABLE t (a INT);
----
-- refused: a type
CREATE TABLE t (a STRNG) WITH ('connector' = 'print');
----
-- refused: a column twice
CREATE TABLE t (a INT, a INT) WITH ('connector' = 'print');
----
-- refused: an enforced key
CREATE TABLE t (a INT, PRIMARY KEY (a)) WITH ('connector' = 'print');
----
-- refused: UNIQUE
CREATE TABLE t (a INT, UNIQUE (a)) WITH ('connector' = 'print');
----
-- refused: a key of an unknown column
CREATE TABLE t (a INT, PRIMARY KEY (b) NOT ENFORCED) WITH ('connector' = 'print');
----
-- refused: a watermark of no time
CREATE TABLE t (a INT, WATERMARK FOR a AS a) WITH ('connector' = 'print');
----
-- refused: a watermark ahead of the rows
CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR a AS a + INTERVAL '1' SECOND) WITH ('connector' = 'print');
----
-- refused: a watermark of processing time
CREATE TABLE t (a INT, p AS PROCTIME(), WATERMARK FOR p AS p) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv');
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
----
-- refused: two watermarks
CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR a AS a, WATERMARK FOR a AS a) WITH ('connector' = 'print');
----
-- refused: an option twice
CREATE TABLE t (a INT) WITH ('connector' = 'print', 'connector' = 'print');
----
-- refused: an unknown connector
CREATE TABLE t (a INT) WITH ('connector' = 'printt'); SELECT * FROM t;
----
-- refused: an unknown option
CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'csv', 'csv.feld-delimiter' = ';'); SELECT * FROM t;
----
-- refused: a computed column of itself
CREATE TABLE t (a INT, b AS b + 1) WITH ('connector' = 'print');
----
-- refused: INTERVAL as a column
CREATE TABLE t (a INTERVAL DAY) WITH ('connector' = 'print');
----
-- refused: a sink is read
CREATE TABLE t (a INT) WITH ('connector' = 'print'); SELECT * FROM t;
