-- The first rows of a window, of a window and key, and of a window's aggregates; NULL is the least, as in Flink.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE dearest (id INT, price INT, s TIMESTAMP(3), place BIGINT) WITH ('connector' = 'print');
CREATE TABLE cheapest (who STRING, id INT, price INT, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE busiest (who STRING, n BIGINT, e TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE of_hops (id INT, s TIMESTAMP(3), place BIGINT) WITH ('connector' = 'print');
CREATE VIEW tumbled AS SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND));

INSERT INTO dearest SELECT id, price, window_start, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, id) AS place FROM tumbled)
  WHERE place <= 2;
INSERT INTO cheapest SELECT who, id, price, window_start FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, who ORDER BY price, id) AS place FROM tumbled)
  WHERE place <= 1;
INSERT INTO busiest SELECT who, n, window_end FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, who) AS place FROM (
      SELECT who, window_start, window_end, COUNT(*) AS n FROM tumbled GROUP BY who, window_start, window_end))
  WHERE place < 3;
INSERT INTO of_hops SELECT id, window_start, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, at DESC) AS place
    FROM TABLE(HOP(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '20' SECOND)))
  WHERE place = 1;
