-- TUMBLE in GROUP BY, with its bounds, its time, and HAVING.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE counts (item STRING, s TIMESTAMP(3), e TIMESTAMP(3), t TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE chained (s TIMESTAMP(3), results BIGINT, bids BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT item, TUMBLE_START(at, INTERVAL '20' SECOND), TUMBLE_END(at, INTERVAL '20' SECOND),
    TUMBLE_ROWTIME(at, INTERVAL '20' SECOND), COUNT(*)
  FROM bids GROUP BY item, TUMBLE(at, INTERVAL '20' SECOND) HAVING COUNT(*) > 1;
INSERT INTO chained SELECT TUMBLE_START(t, INTERVAL '30' SECOND), COUNT(*), SUM(n) FROM (
    SELECT who, TUMBLE_ROWTIME(at, INTERVAL '10' SECOND) AS t, COUNT(*) AS n FROM bids GROUP BY who, TUMBLE(at, INTERVAL '10' SECOND))
  GROUP BY TUMBLE(t, INTERVAL '30' SECOND);
