-- The benchmark's auction: of each 50 events one is a person and three are auctions.
CREATE TABLE events (event_type INT,
    person ROW<id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, dateTime TIMESTAMP(3), extra STRING>,
    auction ROW<id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, dateTime TIMESTAMP(3),
                expires TIMESTAMP(3), seller BIGINT, category BIGINT, extra STRING>,
    bid ROW<auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP(3), extra STRING>)
  WITH ('connector' = 'nexmark', 'events.num' = '200', 'next-event.rate' = '100');
CREATE TABLE counts (event_type INT, n BIGINT, bids BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT event_type, COUNT(*), COUNT(bid.price) FROM events GROUP BY event_type;
