-- Aggregates of a window: NULL is not aggregated, COUNT(*) counts rows. FILTER, DISTINCT, HAVING, and expressions over them.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE plain (item STRING, s TIMESTAMP(3), c BIGINT, n BIGINT, total BIGINT, mean DOUBLE, least INT, most INT, first_name STRING) WITH ('connector' = 'print');
CREATE TABLE filtered (s TIMESTAMP(3), dear BIGINT, pens BIGINT, ann BIGINT) WITH ('connector' = 'print');
CREATE TABLE distinct_ones (s TIMESTAMP(3), people BIGINT, items BIGINT, prices BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE having_rows (who STRING, s TIMESTAMP(3), spread INT) WITH ('connector' = 'print');
CREATE VIEW tumbled AS SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND));

INSERT INTO plain SELECT item, window_start, COUNT(*), COUNT(price), SUM(price), AVG(price), MIN(price), MAX(price), MIN(who)
  FROM tumbled GROUP BY item, window_start, window_end;
INSERT INTO filtered SELECT window_start, COUNT(*) FILTER (WHERE price > 10), COUNT(price) FILTER (WHERE item = 'pen'),
    SUM(price) FILTER (WHERE who = 'ann')
  FROM tumbled GROUP BY window_start, window_end;
INSERT INTO distinct_ones SELECT window_start, COUNT(DISTINCT who), COUNT(DISTINCT item), COUNT(DISTINCT price), SUM(DISTINCT price)
  FROM tumbled GROUP BY window_start, window_end;
INSERT INTO having_rows SELECT who, window_start, MAX(price) - MIN(price)
  FROM tumbled GROUP BY who, window_start, window_end HAVING COUNT(price) > 1 AND MIN(price) < 10;
