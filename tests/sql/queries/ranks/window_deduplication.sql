-- The first and the last row of each key in each window, by event time.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE first_rows (who STRING, id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE last_rows (who STRING, id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE VIEW tumbled AS SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND));

INSERT INTO first_rows SELECT who, id, window_start FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, who ORDER BY at ASC) AS place FROM tumbled)
  WHERE place = 1;
INSERT INTO last_rows SELECT who, id, window_start FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, who ORDER BY at DESC) AS place FROM tumbled)
  WHERE place = 1;
