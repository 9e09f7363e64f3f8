-- A window function alone adds three columns to each row; what is filtered behind it is gone.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE all_rows (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3), s TIMESTAMP(3), e TIMESTAMP(3), t TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE some (id INT, s TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO all_rows SELECT * FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND));
INSERT INTO some SELECT id, window_start
  FROM TABLE(HOP(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '20' SECOND)) WHERE price > 10;
