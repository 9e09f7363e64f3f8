-- Aggregates that keep values, of rows that are taken back; unions and semi joins of changing rows; a decimal stays exact.
CREATE TABLE stock (id INT, item STRING, n INT, kind STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '../data/stock.cdc.json', 'format' = 'debezium-json');
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE kept (item STRING, ids ARRAY<INT>, some STRING, cents DECIMAL(38, 2), mean_of DECIMAL(38, 6)) WITH ('connector' = 'print');
CREATE TABLE spread (item STRING, vp DOUBLE, dp DOUBLE) WITH ('connector' = 'print');
CREATE TABLE ends (item STRING, least STRING, most STRING) WITH ('connector' = 'print');
CREATE TABLE mixed (name STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE held (id INT, item STRING) WITH ('connector' = 'print');
CREATE TABLE missing_ones (id INT) WITH ('connector' = 'print');
CREATE TABLE grown (item STRING, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE levels (total BIGINT, items BIGINT) WITH ('connector' = 'print');

INSERT INTO kept SELECT item, ARRAY_AGG(id ORDER BY id), STRING_AGG(kind, '+' ORDER BY id DESC), SUM(CAST(n AS DECIMAL(10, 2)) / 3),
  AVG(CAST(n AS DECIMAL(10, 2))) FROM stock GROUP BY item;
INSERT INTO spread SELECT item, VAR_POP(n), STDDEV_POP(n) FROM stock GROUP BY item;
INSERT INTO ends SELECT item, MIN(kind), MAX(kind) FROM stock GROUP BY item;
INSERT INTO mixed SELECT name, COUNT(*) FROM (SELECT item AS name FROM stock UNION ALL SELECT item FROM bids) GROUP BY name;
INSERT INTO held SELECT id, item FROM bids WHERE item IN (SELECT item FROM stock WHERE n > 3);
INSERT INTO missing_ones SELECT id FROM stock s WHERE NOT EXISTS (SELECT 1 FROM bids b WHERE b.item = s.item AND b.price = s.n);
INSERT INTO grown SELECT item, SUM(n) FROM stock GROUP BY item HAVING SUM(n) > 4;
INSERT INTO levels SELECT total, COUNT(*) FROM (SELECT item, SUM(n) AS total FROM stock GROUP BY item) GROUP BY total;
