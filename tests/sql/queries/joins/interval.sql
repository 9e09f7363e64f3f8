-- Joins by an interval of time, of each kind; its ends belong to it. Rows that have found nobody come when the time is over.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE inner_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE left_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE right_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE full_rows (id INT, customer STRING, order_id INT, `method` STRING) WITH ('connector' = 'print');
CREATE TABLE semi_rows (id INT, customer STRING) WITH ('connector' = 'print');
CREATE TABLE anti_rows (id INT, customer STRING) WITH ('connector' = 'print');
CREATE TABLE where_rows (id INT, `method` STRING) WITH ('connector' = 'print');

INSERT INTO inner_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o JOIN payments p
  ON o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR;
INSERT INTO left_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o LEFT JOIN payments p
  ON o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR;
INSERT INTO right_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o RIGHT JOIN payments p
  ON o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR;
INSERT INTO full_rows SELECT o.id, o.customer, p.order_id, p.`method` FROM orders o FULL JOIN payments p
  ON o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR;
INSERT INTO semi_rows SELECT id, customer FROM orders o WHERE EXISTS (SELECT 1 FROM payments p
  WHERE o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR);
INSERT INTO anti_rows SELECT id, customer FROM orders o WHERE NOT EXISTS (SELECT 1 FROM payments p
  WHERE o.id = p.order_id AND p.at BETWEEN o.at - INTERVAL '10' MINUTE AND o.at + INTERVAL '1' HOUR);
INSERT INTO where_rows SELECT o.id, p.`method` FROM orders o, payments p
  WHERE o.id = p.order_id AND p.at >= o.at AND p.at < o.at + INTERVAL '10' MINUTE AND cents > 50;
