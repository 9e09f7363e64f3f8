-- Windows that grow by 10 s up to 30 s, in three spellings. A window without a new row is given again.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE in_table (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE bare (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE named (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');

INSERT INTO in_table SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '30' SECOND))
  GROUP BY who, window_start, window_end;
INSERT INTO bare SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM CUMULATE(bids, at, INTERVAL '10' SECOND, INTERVAL '30' SECOND)
  GROUP BY who, window_start, window_end;
INSERT INTO named SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(CUMULATE(DATA => TABLE bids, TIMECOL => DESCRIPTOR(at), STEP => INTERVAL '10' SECOND, SIZE => INTERVAL '30' SECOND))
  GROUP BY who, window_start, window_end;
