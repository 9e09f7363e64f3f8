-- Prices in another currency.
CREATE TABLE q1 (auction BIGINT, bidder BIGINT, price DECIMAL(23, 3), `dateTime` TIMESTAMP(3), extra STRING)
WITH ('connector' = 'print');

INSERT INTO q1 SELECT auction, bidder, CAST(0.908 AS DECIMAL(4, 3)) * price AS price, `dateTime`, extra FROM bid;
