-- Semi joins by IN and EXISTS, an anti join by NOT EXISTS: no row comes twice.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE in_rows (id INT, customer STRING) WITH ('connector' = 'print');
CREATE TABLE exists_rows (id INT, customer STRING) WITH ('connector' = 'print');
CREATE TABLE not_exists_rows (id INT, customer STRING) WITH ('connector' = 'print');

INSERT INTO in_rows SELECT id, customer FROM orders WHERE id IN (SELECT order_id FROM payments WHERE `method` = 'card');
INSERT INTO exists_rows SELECT id, customer FROM orders o
  WHERE EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id) AND cents > 50;
INSERT INTO not_exists_rows SELECT id, customer FROM orders o WHERE NOT EXISTS (SELECT * FROM payments p WHERE p.order_id = o.id);
