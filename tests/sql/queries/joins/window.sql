-- Joins of the rows of the same half hour, of each kind, once per window.
CREATE TABLE orders (id INT, customer STRING, cents INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/orders.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE payments (order_id INT, `method` STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '10' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/payments.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE VIEW ow AS SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '30' MINUTE));
CREATE VIEW pw AS SELECT * FROM TABLE(TUMBLE(TABLE payments, DESCRIPTOR(at), INTERVAL '30' MINUTE));
CREATE TABLE inner_rows (id INT, `method` STRING, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE left_rows (id INT, `method` STRING, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE right_rows (id INT, `method` STRING, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE full_rows (id INT, `method` STRING, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE semi_rows (id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE in_rows (id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE anti_rows (id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO inner_rows SELECT o.id, p.`method`, COALESCE(o.window_start, p.window_start) FROM ow o JOIN pw p
  ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;
INSERT INTO left_rows SELECT o.id, p.`method`, COALESCE(o.window_start, p.window_start) FROM ow o LEFT JOIN pw p
  ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;
INSERT INTO right_rows SELECT o.id, p.`method`, COALESCE(o.window_start, p.window_start) FROM ow o RIGHT JOIN pw p
  ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;
INSERT INTO full_rows SELECT o.id, p.`method`, COALESCE(o.window_start, p.window_start) FROM ow o FULL JOIN pw p
  ON o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end;
INSERT INTO semi_rows SELECT id, window_start FROM ow o WHERE EXISTS (SELECT 1 FROM pw p
  WHERE o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end);
INSERT INTO in_rows SELECT id, window_start FROM ow o WHERE id IN (SELECT order_id FROM pw p
  WHERE o.window_start = p.window_start AND o.window_end = p.window_end);
INSERT INTO anti_rows SELECT id, window_start FROM ow o WHERE NOT EXISTS (SELECT 1 FROM pw p
  WHERE o.id = p.order_id AND o.window_start = p.window_start AND o.window_end = p.window_end);
