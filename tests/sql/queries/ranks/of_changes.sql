-- The first rows of rows that change: those behind them move up when one is taken back.
CREATE TABLE stock (id INT, item STRING, n INT, kind STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '../data/stock.cdc.json', 'format' = 'debezium-json');
CREATE TABLE most (item STRING, id INT, n INT) WITH ('connector' = 'print');
CREATE TABLE latest (kind STRING, n INT) WITH ('connector' = 'print');
CREATE TABLE two (id INT, n INT, place BIGINT) WITH ('connector' = 'print');

INSERT INTO most SELECT item, id, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY n DESC, id) AS place FROM stock)
  WHERE place = 1;
INSERT INTO latest SELECT kind, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY kind ORDER BY n, id DESC) AS place FROM stock)
  WHERE place <= 1;
INSERT INTO two SELECT id, n, place FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY n DESC, id DESC) AS place FROM stock)
  WHERE place <= 2;
