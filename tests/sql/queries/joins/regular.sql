-- Joins of all rows: each kind. NULL equals nothing, not even NULL.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE inner_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE left_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE right_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE full_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');

INSERT INTO inner_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o INNER JOIN payments p ON o.id = p.order_id;
INSERT INTO left_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o LEFT OUTER JOIN payments p ON o.id = p.order_id;
INSERT INTO right_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o RIGHT JOIN payments p ON o.id = p.order_id;
INSERT INTO full_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o FULL OUTER JOIN payments p ON o.id = p.order_id;
