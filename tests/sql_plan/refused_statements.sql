-- refused: DECIMAL with too many digits
CREATE TABLE t (a DECIMAL(40, 2)) WITH ('connector' = 'print');
----
-- refused: TIME(6)
CREATE TABLE t (a TIME(6)) WITH ('connector' = 'print');
----
-- refused: TIMESTAMP WITH TIME ZONE
CREATE TABLE t (a TIMESTAMP(3) WITH TIME ZONE) WITH ('connector' = 'print');
----
-- refused: MULTISET
CREATE TABLE t (a MULTISET<INT>) WITH ('connector' = 'print');
----
-- refused: a MAP of one type
CREATE TABLE t (a MAP<INT>) WITH ('connector' = 'print');
----
-- refused: a timestamp of 10 digits
CREATE TABLE t (a TIMESTAMP(10)) WITH ('connector' = 'print');
----
-- refused: a key of a MAP
CREATE TABLE t (a MAP<INT, INT>, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'print');
----
-- refused: two primary keys
CREATE TABLE t (a INT, b INT, PRIMARY KEY (a) NOT ENFORCED, PRIMARY KEY (b) NOT ENFORCED) WITH ('connector' = 'print');
----
-- refused: a watermark of a text
CREATE TABLE t (a STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS a) WITH ('connector' = 'print');
----
-- refused: CHECK
CREATE TABLE t (a INT, CHECK (a > 3)) WITH ('connector' = 'print');
----
-- refused: a checkpoint interval of zero
SET 'execution.checkpointing.interval' = '0';
SELECT 1;
----
-- refused: a parallelism of zero
SET 'parallelism.default' = '0';
SELECT 1;
----
-- refused: a duration that is none
SET 'table.exec.state.ttl' = 'soon';
SELECT 1;
----
-- refused: a text without an end
SELECT 'abc FROM orders;
----
-- refused: a statement without an end
SELECT id FROM orders WHERE;
----
-- refused: a word too many
INSERT INTO changing SELECT item, id FROM orders SELECT;
----
-- refused: a view of a wrong width
CREATE VIEW v (a, b) AS SELECT id FROM orders;
SELECT * FROM v;
----
-- refused: a statement set without its end
EXECUTE STATEMENT SET BEGIN INSERT INTO append_only SELECT item, id FROM orders;
----
-- refused: an idle timeout without a watermark
CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv', 'scan.watermark.idle-timeout' = '1 s');
SELECT * FROM t;
----
-- refused: a table without a format
CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 't');
SELECT * FROM t;
----
-- refused: an unknown format
CREATE TABLE t (a INT) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'avro');
SELECT * FROM t;
----
-- refused: METADATA that no line has
CREATE TABLE t (a INT, b STRING METADATA FROM 'headers') WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv');
SELECT * FROM t;
----
-- refused: datagen is written
CREATE TABLE t (a INT) WITH ('connector' = 'datagen');
INSERT INTO t SELECT 1;
----
-- refused: raw with two columns
CREATE TABLE t (a STRING, b STRING) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'raw');
SELECT * FROM t;
----
-- refused: a MAP in CSV
CREATE TABLE t (a MAP<INT, INT>) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'csv');
SELECT * FROM t;
----
-- refused: a log is written
CREATE TABLE t (host STRING) WITH ('connector' = 'filesystem', 'path' = 't', 'format' = 'combined-log');
INSERT INTO t SELECT item FROM orders;
----
-- refused: a nexmark table of other columns
CREATE TABLE t (a INT) WITH ('connector' = 'nexmark');
SELECT * FROM t;
