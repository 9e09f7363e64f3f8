-- Windows of 20 s, each 10 s, in three spellings: the slide comes before the size.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE in_table (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE bare (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE named (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');

INSERT INTO in_table SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(HOP(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '20' SECOND))
  GROUP BY who, window_start, window_end;
INSERT INTO bare SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM HOP(bids, at, INTERVAL '10' SECOND, INTERVAL '20' SECOND)
  GROUP BY who, window_start, window_end;
INSERT INTO named SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(HOP(DATA => TABLE bids, TIMECOL => DESCRIPTOR(at), SLIDE => INTERVAL '10' SECOND, SIZE => INTERVAL '20' SECOND))
  GROUP BY who, window_start, window_end;
