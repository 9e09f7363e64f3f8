-- Windows in short: the time is the one event time there is, and the window is a row of its bounds.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE tumbles (item STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE hops (s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE sessions (who STRING, s TIMESTAMP(3), e TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');
CREATE TABLE named (s TIMESTAMP(3), bids BIGINT) WITH ('connector' = 'print');

INSERT INTO tumbles SELECT item, window.start, window.end, COUNT(*) FROM bids GROUP BY item, tumble(INTERVAL '20 seconds');
INSERT INTO hops SELECT window.start, window.end, COUNT(*) FROM bids GROUP BY hop(INTERVAL '10 seconds', INTERVAL '20 seconds');
INSERT INTO sessions SELECT who, window.start, window.end, COUNT(*) FROM bids GROUP BY who, session(INTERVAL '10 seconds');
INSERT INTO named SELECT w.start, n FROM (
  SELECT tumble(INTERVAL '20 seconds') AS w, COUNT(*) AS n FROM bids WHERE price IS NOT NULL GROUP BY w);
