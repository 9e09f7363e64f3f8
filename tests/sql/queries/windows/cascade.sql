-- Windows over the results of windows: of the same window by its bounds, of larger ones by window_time.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE same (s TIMESTAMP(3), e TIMESTAMP(3), people BIGINT, bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE larger (s TIMESTAMP(3), e TIMESTAMP(3), results BIGINT, bids BIGINT) WITH ('connector' = 'print');
CREATE VIEW by_who AS SELECT who, window_start, window_end, COUNT(*) AS n
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY who, window_start, window_end;
CREATE VIEW timed AS SELECT who, window_time AS t, COUNT(*) AS n
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY who, window_start, window_end, window_time;

INSERT INTO same SELECT window_start, window_end, COUNT(*), SUM(n) FROM by_who GROUP BY window_start, window_end;
INSERT INTO larger SELECT window_start, window_end, COUNT(*), SUM(n)
  FROM TABLE(TUMBLE(TABLE timed, DESCRIPTOR(t), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
