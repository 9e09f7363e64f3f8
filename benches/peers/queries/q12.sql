-- How many bids somebody made within ten seconds of the clock.
CREATE TABLE answer (bidder BIGINT, bid_count BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

CREATE VIEW clocked AS SELECT bidder, PROCTIME() AS clock FROM bid;

INSERT INTO answer
SELECT bidder, COUNT(*)
FROM TABLE(TUMBLE(TABLE clocked, DESCRIPTOR(clock), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
