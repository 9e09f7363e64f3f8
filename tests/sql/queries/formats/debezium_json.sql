-- Changes are read and written; of rows that are only added each is a creation.
CREATE TABLE stock (id INT, item STRING, n INT, kind STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '../data/stock.cdc.json', 'format' = 'debezium-json');
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE few (id INT, item STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = 'out/few.json', 'format' = 'debezium-json');
CREATE TABLE totals (item STRING, total BIGINT, PRIMARY KEY (item) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = 'out/totals.json', 'format' = 'debezium-json');
CREATE TABLE created (id INT, a INT) WITH ('connector' = 'filesystem', 'path' = 'out/created.json', 'format' = 'debezium-json');

INSERT INTO few SELECT id, item FROM stock WHERE n > 2;
INSERT INTO totals SELECT item, SUM(n) FROM stock GROUP BY item;
INSERT INTO created SELECT id, a FROM numbers WHERE id < 5;
