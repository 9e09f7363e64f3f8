-- How many bids somebody made until they paused for ten seconds.
CREATE TABLE answer (bidder BIGINT, bid_count BIGINT, starttime TIMESTAMP(3), endtime TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

INSERT INTO answer
SELECT bidder, COUNT(*), window_start, window_end
FROM TABLE(SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
