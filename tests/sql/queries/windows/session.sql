-- Sessions by bidder, that end with 10 s of silence. Rows exactly 10 s apart are of one session, as in Flink.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE in_table (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE bare (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');
CREATE TABLE named (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT, total BIGINT) WITH ('connector' = 'print');

INSERT INTO in_table SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(SESSION(TABLE bids PARTITION BY who, DESCRIPTOR(at), INTERVAL '10' SECOND))
  GROUP BY who, window_start, window_end;
INSERT INTO bare SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM SESSION(bids PARTITION BY who, at, INTERVAL '10' SECOND)
  GROUP BY who, window_start, window_end;
INSERT INTO named SELECT who, window_start, window_end, COUNT(*), SUM(price)
  FROM TABLE(SESSION(DATA => TABLE bids PARTITION BY who, TIMECOL => DESCRIPTOR(at), GAP => INTERVAL '10' SECOND))
  GROUP BY who, window_start, window_end;
