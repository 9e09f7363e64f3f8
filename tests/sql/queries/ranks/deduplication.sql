-- The first and the last row of each key, by event time; by QUALIFY, and with the number.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE first_rows (who STRING, id INT) WITH ('connector' = 'print');
CREATE TABLE last_rows (who STRING, id INT) WITH ('connector' = 'print');
CREATE TABLE qualified (item STRING, id INT) WITH ('connector' = 'print');
CREATE TABLE numbered (item STRING, id INT, place BIGINT) WITH ('connector' = 'print');

INSERT INTO first_rows SELECT who, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY who ORDER BY at) AS place FROM bids)
  WHERE place = 1;
INSERT INTO last_rows SELECT who, id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY who ORDER BY at DESC) AS place FROM bids)
  WHERE place = 1;
INSERT INTO qualified SELECT item, id FROM bids QUALIFY ROW_NUMBER() OVER (PARTITION BY item ORDER BY at DESC) = 1;
INSERT INTO numbered SELECT item, id, place FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY at) AS place FROM bids) WHERE place <= 1;
