-- How many bids somebody made within ten seconds of the clock. Which seconds a bid falls into is chance, so the windows of each
-- bidder are added up.
CREATE TABLE q12 (bidder BIGINT, bid_count BIGINT) WITH ('connector' = 'print');

CREATE VIEW clocked AS SELECT *, PROCTIME() AS p_time FROM bid;

CREATE VIEW counted AS
SELECT bidder, COUNT(*) AS bid_count, window_start, window_end
FROM TABLE(TUMBLE(TABLE clocked, DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;

INSERT INTO q12 SELECT bidder, SUM(bid_count) FROM counted GROUP BY bidder;
