-- Rows that are taken back no longer count: sums, the greatest, distinct values; a group without rows is gone.
CREATE TABLE stock (id INT, item STRING, n INT, kind STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '../data/stock.cdc.json', 'format' = 'debezium-json');
CREATE TABLE sums (item STRING, rows_of BIGINT, known BIGINT, total BIGINT, mean DOUBLE, least INT, most INT) WITH ('connector' = 'print');
CREATE TABLE distincts (item STRING, numbers BIGINT, kinds BIGINT) WITH ('connector' = 'print');
CREATE TABLE by_kind (kind STRING, a BIGINT) WITH ('connector' = 'print');
CREATE TABLE all_rows (n BIGINT, most INT) WITH ('connector' = 'print');
CREATE TABLE kinds (kind STRING) WITH ('connector' = 'print');

INSERT INTO sums SELECT item, COUNT(*), COUNT(n), SUM(n), AVG(n), MIN(n), MAX(n) FROM stock GROUP BY item;
INSERT INTO distincts SELECT item, COUNT(DISTINCT n), COUNT(DISTINCT kind) FROM stock GROUP BY item;
INSERT INTO by_kind SELECT kind, SUM(n) FILTER (WHERE item = 'pen') FROM stock GROUP BY kind;
INSERT INTO all_rows SELECT COUNT(*), MAX(n) FROM stock;
INSERT INTO kinds SELECT DISTINCT kind FROM stock WHERE n > 2;
