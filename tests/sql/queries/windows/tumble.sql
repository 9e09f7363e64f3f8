-- Windows of 20 s, in three spellings. NULL is a key of its own; a sum of nothing is NULL.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE in_table (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE bare (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE named (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');

INSERT INTO in_table SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND))
  GROUP BY who, window_start, window_end;
INSERT INTO bare SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TUMBLE(bids, at, INTERVAL '20' SECOND)
  GROUP BY who, window_start, window_end;
INSERT INTO named SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(TUMBLE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(at), SIZE => INTERVAL '20' SECOND))
  GROUP BY who, window_start, window_end;
