-- What comes of a join goes on: window joins of hops and their Top-N, aggregates and first rows of joins.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE hops (id INT, `method` STRING, e TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE top_of_hops (id INT, e TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE sums (`method` STRING, n BIGINT, cents BIGINT) WITH ('connector' = 'print');
CREATE TABLE best (`method` STRING, id INT, cents INT) WITH ('connector' = 'print');
CREATE TABLE unpaid (customer STRING, n BIGINT) WITH ('connector' = 'print');
CREATE VIEW hop_join AS SELECT o.id, o.cents, p.`method`, o.window_start, o.window_end
  FROM (SELECT * FROM TABLE(HOP(TABLE orders, DESCRIPTOR(at), INTERVAL '15' MINUTE, INTERVAL '30' MINUTE))) o
  JOIN (SELECT * FROM TABLE(HOP(TABLE payments, DESCRIPTOR(at), INTERVAL '15' MINUTE, INTERVAL '30' MINUTE))) p
  ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;
CREATE VIEW paid AS SELECT o.id, o.customer, o.cents, p.`method` FROM orders o JOIN payments p ON o.id = p.order_id;

INSERT INTO hops SELECT id, `method`, window_end FROM hop_join;
INSERT INTO top_of_hops SELECT id, window_end FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY cents DESC, id) AS place FROM hop_join) WHERE place = 1;
INSERT INTO sums SELECT `method`, COUNT(*), SUM(cents) FROM paid GROUP BY `method`;
INSERT INTO best SELECT `method`, id, cents FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY `method` ORDER BY cents DESC, id) AS place FROM paid) WHERE place <= 2;
INSERT INTO unpaid SELECT o.customer, COUNT(*) FROM orders o LEFT JOIN payments p ON o.id = p.order_id WHERE p.order_id IS NULL
  GROUP BY o.customer;
