-- Of truth, of first and last values by an order, of texts and arrays in an order.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE truths (s TIMESTAMP(3), all_of BOOLEAN, any_of BOOLEAN) WITH ('connector' = 'print');
CREATE TABLE ends (s TIMESTAMP(3), a INT, z INT) WITH ('connector' = 'print');
CREATE TABLE texts (s TIMESTAMP(3), items STRING) WITH ('connector' = 'print');
CREATE TABLE arrays (s TIMESTAMP(3), ids ARRAY<INT>) WITH ('connector' = 'print');
CREATE VIEW tumbled AS SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND));

INSERT INTO truths SELECT window_start, BOOL_AND(price > 5), BOOL_OR(price > 20) FROM tumbled GROUP BY window_start, window_end;
INSERT INTO ends SELECT window_start, FIRST_VALUE(id ORDER BY at), LAST_VALUE(id ORDER BY at)
  FROM tumbled GROUP BY window_start, window_end;
INSERT INTO texts SELECT window_start, STRING_AGG(item, '+' ORDER BY at) FROM tumbled GROUP BY window_start, window_end;
INSERT INTO arrays SELECT window_start, ARRAY_AGG(id ORDER BY id DESC) FROM tumbled GROUP BY window_start, window_end;
