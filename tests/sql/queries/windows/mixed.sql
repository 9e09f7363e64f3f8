-- Windows under other names, beside what is computed of them; DISTINCT in windows that overlap; keys that are expressions.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE renamed (day_time STRING, item STRING, n BIGINT) WITH ('connector' = 'print');
CREATE TABLE distinct_hops (s TIMESTAMP(3), people BIGINT) WITH ('connector' = 'print');
CREATE TABLE distinct_steps (e TIMESTAMP(3), people BIGINT, items BIGINT) WITH ('connector' = 'print');
CREATE TABLE computed (initial STRING, s TIMESTAMP(3), n BIGINT, most INT) WITH ('connector' = 'print');
CREATE TABLE filtered (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO renamed SELECT DATE_FORMAT(ws, 'HH:mm:ss'), item, n FROM (
    SELECT window_start AS ws, window_end AS we, item, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND))
    GROUP BY window_start, window_end, item) WHERE n > 1;
INSERT INTO distinct_hops SELECT window_start, COUNT(DISTINCT who)
  FROM TABLE(HOP(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
INSERT INTO distinct_steps SELECT window_end, COUNT(DISTINCT who), COUNT(DISTINCT item)
  FROM TABLE(CUMULATE(TABLE bids, DESCRIPTOR(at), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
INSERT INTO computed SELECT SUBSTRING(who, 1, 1), window_start, COUNT(*), MAX(price)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND)) WHERE price IS NOT NULL
  GROUP BY window_start, window_end, SUBSTRING(who, 1, 1);
INSERT INTO filtered SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND))
  WHERE window_start >= TIMESTAMP '2024-05-01 12:00:20' AND item = 'pen' GROUP BY window_start, window_end;
