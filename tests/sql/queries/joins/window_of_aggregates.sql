-- A window join of aggregates of the same window, without a further key.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE shares (customer STRING, orders BIGINT, payments BIGINT, s TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO shares SELECT o.customer, o.n, p.n, o.window_start
  FROM (SELECT customer, window_start, window_end, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '30' MINUTE)) GROUP BY customer, window_start, window_end) o
  JOIN (SELECT window_start, window_end, COUNT(*) AS n
        FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(at), INTERVAL '30' MINUTE)) GROUP BY window_start, window_end) p
  ON o.window_start = p.window_start AND o.window_end = p.window_end;
