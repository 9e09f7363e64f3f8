-- The bid that wins each auction: rows that change.
CREATE TABLE answer (id BIGINT, itemName STRING, seller BIGINT, bidder BIGINT, price BIGINT, bid_time TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'debezium-json');

INSERT INTO answer
SELECT id, itemName, seller, bidder, price, bid_time
FROM (
  SELECT a.id, a.itemName, a.seller, b.bidder, b.price, b.`dateTime` AS bid_time,
    ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.`dateTime` ASC) AS place
  FROM auction AS a JOIN bid AS b ON a.id = b.auction
  WHERE b.`dateTime` BETWEEN a.`dateTime` AND a.expires)
WHERE place <= 1;
