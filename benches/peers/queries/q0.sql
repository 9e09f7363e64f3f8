-- All bids as they are.
CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `dateTime` TIMESTAMP(3), extra STRING
) WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

INSERT INTO answer SELECT auction, bidder, price, channel, url, `dateTime`, extra FROM bid;
