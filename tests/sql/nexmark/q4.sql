-- The average of the highest bids, by category.
CREATE TABLE q4 (category BIGINT, final BIGINT) WITH ('connector' = 'print');

INSERT INTO q4
SELECT category, CAST(AVG(final) AS BIGINT)
FROM (
  SELECT a.category, MAX(b.price) AS final
  FROM auction a, bid b
  WHERE a.id = b.auction AND b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  GROUP BY a.id, a.category
) AS best
GROUP BY category;
