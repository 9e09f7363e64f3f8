-- Windows whose grid is shifted by 5 s, and by as much the other way.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE later (s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE earlier (s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');

INSERT INTO later SELECT window_start, window_end, COUNT(*)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND, INTERVAL '5' SECOND))
  GROUP BY window_start, window_end;
INSERT INTO earlier SELECT window_start, window_end, COUNT(*)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND, INTERVAL '-15' SECOND))
  GROUP BY window_start, window_end;
