-- Sessions of all rows together.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE sessions (s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, people BIGINT) WITH ('connector' = 'print');

INSERT INTO sessions SELECT window_start, window_end, COUNT(*), COUNT(DISTINCT who)
  FROM TABLE(SESSION(TABLE bids, DESCRIPTOR(at), INTERVAL '6' SECOND))
  GROUP BY window_start, window_end;
