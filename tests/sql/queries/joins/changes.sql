-- Joins with rows that change: what is left in the end is as if they had never been otherwise.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE people (id INT, name STRING, country STRING, PRIMARY KEY (id) NOT ENFORCED)
  WITH ('connector' = 'filesystem', 'path' = '../data/people.cdc.json', 'format' = 'debezium-json');
CREATE TABLE inner_rows (id INT, customer STRING, country STRING) WITH ('connector' = 'print');
CREATE TABLE full_rows (id INT, customer STRING, name STRING) WITH ('connector' = 'print');
CREATE TABLE anti_rows (id INT, customer STRING) WITH ('connector' = 'print');

INSERT INTO inner_rows SELECT o.id, o.customer, p.country FROM orders o JOIN people p ON o.customer = p.name;
INSERT INTO full_rows SELECT o.id, o.customer, p.name FROM orders o FULL JOIN people p ON o.customer = p.name;
INSERT INTO anti_rows SELECT o.id, o.customer FROM orders o WHERE NOT EXISTS (SELECT 1 FROM people p WHERE p.name = o.customer);
