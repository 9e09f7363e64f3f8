-- State is kept for a time that is longer than the job lasts: nothing is forgotten.
SET 'table.exec.state.ttl' = '1 d';
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE left_rows (id INT, `method` STRING) WITH ('connector' = 'print');

INSERT INTO left_rows SELECT o.id, p.`method` FROM orders o LEFT JOIN payments p ON o.id = p.order_id;
