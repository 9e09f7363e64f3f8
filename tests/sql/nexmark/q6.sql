-- refused: OVER in another order than event time is not supported
-- The average of the last ten prices that a seller got: an OVER aggregate of rows that change.
CREATE TABLE q6 (seller BIGINT, avg_price BIGINT) WITH ('connector' = 'print');

INSERT INTO q6
SELECT seller,
  CAST(AVG(price) OVER (PARTITION BY seller ORDER BY `dateTime` ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS BIGINT)
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY id, seller ORDER BY price DESC) AS place
  FROM (
    SELECT a.id, a.seller, b.price, b.`dateTime`
    FROM auction AS a, bid AS b
    WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  ) AS offers
) AS ranked
WHERE place <= 1;
