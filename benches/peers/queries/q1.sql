-- All bids, with prices in euros.
CREATE TABLE answer (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), `dateTime` TIMESTAMP(3), extra STRING)
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

INSERT INTO answer SELECT auction, bidder, CAST(0.908 AS DECIMAL(4, 3)) * price, `dateTime`, extra FROM bid;
