-- Rows of a small table that are there when the job starts, for each order; event time stays.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE customers (name STRING, country STRING, `number` INT)
  WITH ('connector' = 'filesystem', 'path' = '../data/customers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE VIEW timed AS SELECT *, PROCTIME() AS arrived FROM orders;
CREATE TABLE inner_rows (id INT, customer STRING, country STRING) WITH ('connector' = 'print');
CREATE TABLE left_rows (id INT, customer STRING, country STRING) WITH ('connector' = 'print');
CREATE TABLE counts (country STRING, s TIMESTAMP(3), orders BIGINT) WITH ('connector' = 'print');

INSERT INTO inner_rows SELECT o.id, o.customer, c.country
  FROM timed AS o JOIN customers FOR SYSTEM_TIME AS OF o.arrived AS c ON o.customer = c.name;
INSERT INTO left_rows SELECT o.id, o.customer, c.country
  FROM timed AS o LEFT JOIN customers FOR SYSTEM_TIME AS OF o.arrived AS c ON o.customer = c.name AND c.country = 'NO';
INSERT INTO counts SELECT c.country, TUMBLE_START(o.at, INTERVAL '30' MINUTE), COUNT(*)
  FROM timed AS o JOIN customers FOR SYSTEM_TIME AS OF o.arrived AS c ON o.customer = c.name
  GROUP BY c.country, TUMBLE(o.at, INTERVAL '30' MINUTE);
