-- The bids for some auctions.
CREATE TABLE answer (auction BIGINT, price BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'csv');

INSERT INTO answer SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
