-- Orders with the payments that came within an hour, and the orders that were never paid.
--
--     cargo run --release -- run examples/orders_join.sql

CREATE TABLE orders (id BIGINT, customer STRING, cents BIGINT, `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = 'examples/data/orders.csv', 'format' = 'csv');

CREATE TABLE payments (order_id BIGINT, `method` STRING, `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = 'examples/data/payments.csv', 'format' = 'csv');

CREATE TABLE settled (id BIGINT, customer STRING, cents BIGINT, `method` STRING)
  WITH ('connector' = 'filesystem', 'path' = 'out/orders/settled.json', 'format' = 'json');

INSERT INTO settled
  SELECT o.id, o.customer, o.cents, p.`method`
  FROM orders o LEFT JOIN payments p
    ON o.id = p.order_id AND p.`at` BETWEEN o.`at` AND o.`at` + INTERVAL '1' HOUR;
