-- Queries of the Nexmark benchmark over an auction that is made up: 100,000 events, the same in each run.
--
--     cargo run --release -- run examples/nexmark.sql

CREATE TABLE events (
  event_type INT,
  person     ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
                 `dateTime` TIMESTAMP(3), extra STRING>,
  auction    ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
                 `dateTime` TIMESTAMP(3), expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
  bid        ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3),
                 extra STRING>,
  `dateTime` AS CASE WHEN event_type = 0 THEN person.`dateTime`
                   WHEN event_type = 1 THEN auction.`dateTime`
                   ELSE bid.`dateTime` END,
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH ('connector' = 'nexmark', 'events.num' = '100000', 'next-event.rate' = '1000');

CREATE VIEW bids AS
  SELECT bid.auction AS auction, bid.bidder AS bidder, bid.price AS price, `dateTime` FROM events WHERE event_type = 2;

CREATE TABLE chosen (auction BIGINT, euros DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = 'out/nexmark/q2.csv', 'format' = 'csv');
CREATE TABLE hot_items (auction BIGINT, num BIGINT, window_start TIMESTAMP(3), window_end TIMESTAMP(3))
  WITH ('connector' = 'filesystem', 'path' = 'out/nexmark/q5.csv', 'format' = 'csv');
CREATE TABLE highest_bids (auction BIGINT, bidder BIGINT, price BIGINT, window_end TIMESTAMP(3))
  WITH ('connector' = 'filesystem', 'path' = 'out/nexmark/q7.csv', 'format' = 'csv');

EXECUTE STATEMENT SET BEGIN
  -- q1 and q2: some auctions, their prices in euros.
  INSERT INTO chosen SELECT auction, 0.908 * price FROM bids WHERE auction % 123 = 0;

  -- q5: which auction had most bids in the last ten seconds, every two seconds.
  INSERT INTO hot_items
    SELECT auction, num, window_start, window_end
    FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY num DESC, auction) AS place
      FROM (
        SELECT auction, COUNT(*) AS num, window_start, window_end
        FROM TABLE(HOP(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
        GROUP BY auction, window_start, window_end))
    WHERE place <= 1;

  -- q7: the highest bid of each ten seconds.
  INSERT INTO highest_bids
    SELECT auction, bidder, price, window_end
    FROM (
      SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY price DESC, `dateTime`) AS place
      FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(`dateTime`), INTERVAL '10' SECOND)))
    WHERE place = 1;
END;
