-- Further conditions, a self join, a join of three, and a join whose sides are aggregates.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE dear (id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE left_dear (id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE pairs (a INT, b INT) WITH ('connector' = 'print');
CREATE TABLE three (id INT, other INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE sums (customer STRING, orders BIGINT, payments BIGINT) WITH ('connector' = 'print');

INSERT INTO dear SELECT o.id, p.`method` FROM orders o JOIN payments p ON o.id = p.order_id AND o.cents > 50 WHERE p.`method` <> 'cash';
INSERT INTO left_dear SELECT o.id, p.`method` FROM orders o LEFT JOIN payments p ON o.id = p.order_id AND o.cents > 50 AND p.`method` = 'card';
INSERT INTO pairs SELECT a.id, b.id FROM orders a JOIN orders b ON a.customer = b.customer AND a.id < b.id;
INSERT INTO three SELECT o.id, q.id, p.`method` FROM orders o
  JOIN payments p ON o.id = p.order_id JOIN orders q ON q.customer = o.customer AND q.id <> o.id;
INSERT INTO sums SELECT o.customer, o.n, p.n FROM (SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) o
  JOIN (SELECT x.customer, COUNT(*) AS n FROM orders x JOIN payments y ON x.id = y.order_id GROUP BY x.customer) p
  ON o.customer = p.customer;
