-- The auctions with most bids in the last ten seconds, every two seconds.
CREATE TABLE answer (auction BIGINT, num BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

CREATE VIEW counts AS
SELECT auction, COUNT(*) AS num, window_start, window_end
FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
GROUP BY auction, window_start, window_end;

INSERT INTO answer
SELECT a.auction, a.num, a.window_start, a.window_end
FROM counts AS a JOIN (
  SELECT MAX(num) AS most, window_start, window_end FROM counts GROUP BY window_start, window_end) AS m
ON a.window_start = m.window_start AND a.window_end = m.window_end AND a.num = m.most;
