-- Behind OVER event time goes on: its rows are put into windows.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE counts (s TIMESTAMP(3), full BIGINT) WITH ('connector' = 'print');
CREATE VIEW recent AS SELECT at, COUNT(*) OVER (PARTITION BY who ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS n FROM bids;

INSERT INTO counts SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE recent, DESCRIPTOR(at), INTERVAL '20' SECOND))
  WHERE n = 3 GROUP BY window_start, window_end;
