-- The highest bids of each ten seconds.
CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), window_end TIMESTAMP(3)
) WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

INSERT INTO answer
SELECT b.auction, b.bidder, b.price, b.`dateTime`, b.window_end
FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)) AS b JOIN (
  SELECT MAX(price) AS most, window_start, window_end
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end) AS m
ON b.window_start = m.window_start AND b.window_end = m.window_end AND b.price = m.most;
