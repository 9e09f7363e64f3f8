-- refused: APPROX_DISTINCT over rows that change cannot be run; use COUNT(DISTINCT ..), or aggregate in a window
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE written (n BIGINT, people BIGINT) WITH ('connector' = 'print');

INSERT INTO written SELECT n, APPROX_DISTINCT(who) FROM (SELECT who, COUNT(*) AS n FROM bids GROUP BY who) GROUP BY n;
