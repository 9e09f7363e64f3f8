-- The average of the highest bids, by category: rows that change.
CREATE TABLE answer (category BIGINT, average BIGINT)
WITH ('connector' = 'filesystem', 'path' = '{out}/answer', 'format' = 'debezium-json');

INSERT INTO answer
SELECT category, CAST(AVG(highest) AS BIGINT)
FROM (
  SELECT a.category, MAX(b.price) AS highest
  FROM auction AS a JOIN bid AS b ON a.id = b.auction
  WHERE b.`dateTime` BETWEEN a.`dateTime` AND a.expires
  GROUP BY a.id, a.category)
GROUP BY category;
