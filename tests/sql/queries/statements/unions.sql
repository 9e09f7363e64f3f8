-- UNION ALL of one table, of several, of views and of rows in the text; columns go by their place, types are widened.
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE ids (id BIGINT, what STRING) WITH ('connector' = 'print');
CREATE TABLE mixed (n DOUBLE) WITH ('connector' = 'print');
CREATE TABLE counted (what STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE timed (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE VIEW both_of AS SELECT at, price FROM bids WHERE item = 'pen' UNION ALL SELECT at, price FROM bids WHERE item = 'cup';

INSERT INTO ids SELECT id, 'number' FROM numbers WHERE a > 0 UNION ALL SELECT id, item FROM bids WHERE price > 12
  UNION ALL SELECT price, who FROM bids WHERE id = 1 UNION ALL VALUES (0, 'text');
INSERT INTO mixed SELECT a FROM numbers WHERE id < 3 UNION ALL SELECT x FROM numbers WHERE id < 3;
INSERT INTO counted SELECT what, COUNT(*) FROM (SELECT who AS what FROM bids UNION ALL SELECT item FROM bids) GROUP BY what;
INSERT INTO timed SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE both_of, DESCRIPTOR(at), INTERVAL '20' SECOND))
  GROUP BY window_start, window_end;
