-- refused: UNION BY NAME
SELECT id FROM orders UNION ALL BY NAME SELECT id FROM payments;
----
-- refused: TOP
SELECT TOP 3 id FROM orders;
----
-- refused: SELECT INTO
SELECT id INTO changing FROM orders;
----
-- refused: LATERAL VIEW
SELECT id FROM orders LATERAL VIEW explode(item) t AS x;
----
-- refused: PREWHERE
SELECT id FROM orders PREWHERE id > 3;
----
-- refused: CONNECT BY
SELECT id FROM orders START WITH id = 1 CONNECT BY PRIOR id = customer;
----
-- refused: CLUSTER BY
SELECT id FROM orders CLUSTER BY id;
----
-- refused: DISTRIBUTE BY
SELECT id FROM orders DISTRIBUTE BY id;
----
-- refused: SORT BY
SELECT id FROM orders SORT BY id;
----
-- refused: APPLY
SELECT o.id FROM orders o CROSS APPLY payments p;
----
-- refused: ARRAY JOIN
SELECT id FROM orders ARRAY JOIN item;
----
-- refused: GLOBAL JOIN
SELECT o.id FROM orders o GLOBAL JOIN payments p ON o.id = p.order_id;
----
-- refused: WITH ORDINALITY
SELECT * FROM orders WITH ORDINALITY;
----
-- refused: a hint of an index
SELECT id FROM orders USE INDEX (a);
----
-- refused: a partition of a table
SELECT id FROM orders PARTITION (p0);
----
-- refused: FOR JSON
SELECT id FROM orders FOR JSON AUTO;
----
-- refused: SETTINGS
SELECT id FROM orders SETTINGS max_threads = 1;
----
-- refused: FORMAT
SELECT id FROM orders FORMAT JSON;
----
-- refused: a pipe
SELECT id FROM orders |> WHERE id > 3;
----
-- refused: JSON_TABLE
SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (x INT PATH '$')) AS t;
----
-- refused: a join on NULLs
SELECT o.id FROM orders o JOIN payments p ON o.id IS NOT DISTINCT FROM p.order_id;
----
-- refused: a window function that is none
SELECT * FROM TABLE(TUBMLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' HOUR));
----
-- refused: a window over an expression
SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at + INTERVAL '1' SECOND), INTERVAL '1' HOUR));
----
-- refused: a window over two times
SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at, proc), INTERVAL '1' HOUR));
----
-- refused: a window of a query
SELECT * FROM TABLE(TUMBLE((SELECT * FROM orders), DESCRIPTOR(at), INTERVAL '1' HOUR));
----
-- refused: a window with an argument too many
SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' HOUR, INTERVAL '0' SECOND, 5));
----
-- refused: a window with an argument twice
SELECT * FROM TABLE(TUMBLE(DATA => TABLE orders, TIMECOL => DESCRIPTOR(at), SIZE => INTERVAL '1' HOUR, SIZE => INTERVAL '2' HOUR));
----
-- refused: a window of months
SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '1' MONTH));
----
-- refused: a window of a number
SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), 10));
----
-- refused: TUMBLE with PARTITION BY
SELECT * FROM TABLE(TUMBLE(TABLE orders PARTITION BY customer, DESCRIPTOR(at), INTERVAL '1' HOUR));
----
-- refused: OVER by processing time
SELECT id, SUM(price) OVER (PARTITION BY customer ORDER BY proc) FROM orders;
----
-- refused: OVER with descending time
SELECT id, SUM(price) OVER (PARTITION BY customer ORDER BY at DESC) FROM orders;
----
-- refused: OVER without an order
SELECT id, SUM(price) OVER (PARTITION BY customer) FROM orders;
----
-- refused: SUM of a text
SELECT SUM(item) FROM orders;
----
-- refused: COUNT with RESPECT NULLS
SELECT COUNT(price) RESPECT NULLS FROM orders;
----
-- refused: COLLECT
SELECT COLLECT(item) FROM orders;
----
-- refused: NTH_VALUE
SELECT NTH_VALUE(item, 2) FROM orders GROUP BY customer;
----
-- refused: UUID
SELECT UUID() FROM orders;
----
-- refused: PARSE_JSON
SELECT PARSE_JSON(item) FROM orders;
----
-- refused: a cast of a time to a number
SELECT CAST(at AS BIGINT) FROM orders;
----
-- refused: ESCAPE of another character
SELECT id FROM orders WHERE item LIKE 'a!b' ESCAPE '!';
----
-- refused: ESCAPE with a pattern of a column
SELECT id FROM orders WHERE item LIKE item ESCAPE '!';
----
-- refused: an aggregate of a text
SELECT AVG(item) FROM orders;
----
-- refused: a sum of a text and a number
SELECT item + 1 FROM orders;
----
-- refused: a function without its argument
SELECT UPPER() FROM orders;
----
-- refused: an element of a text
SELECT item[1] FROM orders;
----
-- refused: a field of a text
SELECT item.x FROM orders;
----
-- refused: a condition that is none
SELECT id FROM orders WHERE item;
----
-- refused: a time compared with a number
SELECT id FROM orders WHERE at > 5;
----
-- refused: a column beside all columns
SELECT id, * FROM orders;
----
-- refused: HAVING of a column that is not grouped by
SELECT customer FROM orders GROUP BY customer HAVING id > 3;
----
-- refused: an aggregate of an aggregate in one query
SELECT SUM(COUNT(*)) FROM orders;
----
-- refused: an aggregate in WHERE
SELECT id FROM orders WHERE COUNT(*) > 1;
----
-- refused: IN of two columns
SELECT id FROM orders WHERE id IN (SELECT id, order_id FROM payments);
----
-- refused: a window behind an interval join
SELECT TUMBLE_START(at, INTERVAL '1' HOUR), COUNT(*) FROM (
  SELECT o.at FROM orders o JOIN payments p ON o.id = p.order_id AND p.at BETWEEN o.at AND o.at + INTERVAL '1' HOUR)
GROUP BY TUMBLE(at, INTERVAL '1' HOUR);
