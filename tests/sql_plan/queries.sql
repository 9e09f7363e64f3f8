-- Projection, filter, CASE, casts, strings, dates
SELECT id, price * 2 AS double_price, CASE WHEN price > 10 THEN 'dear' ELSE 'cheap' END, CAST(price AS STRING),
  UPPER(item) || '!', DATE_FORMAT(at, 'yyyy-MM-dd'), EXTRACT(HOUR FROM at), item LIKE 'a%', COALESCE(item, 'none')
FROM orders WHERE id > 3 AND item IS NOT NULL;
----
-- VALUES
VALUES (1, 'a'), (2, 'b');
----
-- A query in WITH
WITH dear AS (SELECT * FROM orders WHERE price > 100) SELECT id FROM dear;
----
-- UNION ALL
SELECT id FROM orders UNION ALL SELECT id FROM payments;
----
-- UNION is UNION ALL and DISTINCT
SELECT id FROM orders UNION SELECT id FROM payments;
----
-- DISTINCT
SELECT DISTINCT customer FROM orders;
----
-- An aggregate without a window, into a table that takes changes
INSERT INTO changing SELECT item, COUNT(*) FROM orders GROUP BY item HAVING COUNT(*) > 1;
----
-- An aggregate of all rows
SELECT COUNT(*), SUM(price) FROM orders;
----
-- An aggregate of an aggregate
SELECT n, COUNT(*) FROM (SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) GROUP BY n;
----
-- The first row of each key
SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY at) AS n FROM orders) WHERE n = 1;
----
-- The last row of each key
SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY at DESC) AS n FROM orders) WHERE n = 1;
----
-- The first row of each key by processing time
SELECT id FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY proc) AS n FROM orders) WHERE n = 1;
----
-- Top-N
SELECT * FROM (SELECT id, price, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY price DESC) AS n FROM orders) WHERE n <= 3;
----
-- ORDER BY with LIMIT is Top-N of all
SELECT id, price FROM orders ORDER BY price DESC LIMIT 10;
----
-- OVER by rows, by range, by all
SELECT id, SUM(price) OVER (PARTITION BY customer ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM orders;
SELECT id, COUNT(*) OVER (PARTITION BY customer ORDER BY at RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW) FROM orders;
SELECT id, AVG(price) OVER w, MAX(price) OVER w FROM orders WINDOW w AS (PARTITION BY customer ORDER BY at);
----
-- Changes from a table
SELECT owner, SUM(balance) FROM accounts GROUP BY owner;
----
-- Processing time in a query
SELECT id, proc, PROCTIME(), CURRENT_TIMESTAMP FROM orders;
----
-- EXPLAIN
EXPLAIN SELECT id FROM orders;
EXPLAIN PLAN FOR INSERT INTO append_only SELECT item, id FROM orders;
----
-- A statement set
EXECUTE STATEMENT SET BEGIN
INSERT INTO append_only SELECT item, id FROM orders;
INSERT INTO changing SELECT item, COUNT(*) FROM orders GROUP BY item;
END;
----
-- refused: ORDER BY
SELECT id FROM orders ORDER BY id;
----
-- refused: LIMIT
SELECT id FROM orders LIMIT 3;
----
-- refused: OFFSET
SELECT id FROM orders ORDER BY id LIMIT 3 OFFSET 2;
----
-- refused: a subquery as a value
SELECT id, (SELECT MAX(id) FROM payments) FROM orders;
----
-- refused: a subquery in a comparison
SELECT id FROM orders WHERE price > (SELECT AVG(price) FROM orders);
----
-- refused: IN within OR
SELECT id FROM orders WHERE price > 3 OR id IN (SELECT order_id FROM payments);
----
-- refused: EXISTS of anything
SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM payments);
----
-- refused: INTERSECT
SELECT id FROM orders INTERSECT SELECT id FROM payments;
----
-- refused: EXCEPT
SELECT id FROM orders EXCEPT SELECT id FROM payments;
----
-- refused: GROUPING SETS
SELECT customer, item, COUNT(*) FROM orders GROUP BY GROUPING SETS ((customer), (item));
----
-- refused: ROLLUP
SELECT customer, item, COUNT(*) FROM orders GROUP BY ROLLUP (customer, item);
----
-- refused: WITH RECURSIVE
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;
----
-- refused: UNNEST
SELECT * FROM UNNEST(ARRAY[1, 2]);
----
-- refused: MATCH_RECOGNIZE
SELECT * FROM orders MATCH_RECOGNIZE (PARTITION BY customer ORDER BY at MEASURES A.id AS a PATTERN (A B) DEFINE B AS B.price > A.price);
----
-- refused: PIVOT
SELECT * FROM orders PIVOT (SUM(price) FOR item IN ('a', 'b'));
----
-- refused: TABLESAMPLE
SELECT * FROM orders TABLESAMPLE SYSTEM (10);
----
-- QUALIFY
SELECT id FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY price) <= 2;
----
-- refused: QUALIFY without a bound
SELECT id FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY price) > 2;
----
-- refused: FOR UPDATE
SELECT id FROM orders FOR UPDATE;
----
-- refused: DISTINCT ON
SELECT DISTINCT ON (customer) id FROM orders;
----
-- refused: a hint
SELECT id FROM orders /*+ OPTIONS('path' = 'other.csv') */;
----
-- refused: OVER by another order
SELECT SUM(price) OVER (PARTITION BY customer ORDER BY id) FROM orders;
----
-- refused: OVER over rows that change
SELECT COUNT(*) OVER (ORDER BY owner) FROM accounts;
----
-- refused: ROW_NUMBER without a bound
SELECT id, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY price) FROM orders;
----
-- refused: ROW_NUMBER above a bound
SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY price) AS n FROM orders) WHERE n > 3;
----
-- refused: RANK
SELECT id FROM (SELECT id, RANK() OVER (PARTITION BY customer ORDER BY price) AS n FROM orders) WHERE n <= 3;
----
-- refused: an unknown column
SELECT idd FROM orders;
----
-- refused: an unknown function
SELECT uper(item) FROM orders;
----
-- refused: an unknown table
SELECT id FROM orderz;
----
-- refused: a column that is not grouped by
SELECT id, COUNT(*) FROM orders GROUP BY customer;
----
-- refused: an ambiguous column
SELECT id FROM orders o JOIN payments p ON o.id = p.order_id;
----
-- refused: a name of a database
SELECT id FROM db.orders;
----
-- refused: a time of the past
SELECT id FROM orders FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01 00:00:00';
----
-- An array of columns
SELECT ARRAY[id, customer] FROM orders;
----
-- refused: FETCH
SELECT id FROM orders ORDER BY id FETCH FIRST 3 ROWS ONLY;
----
-- refused: UNPIVOT
SELECT * FROM orders UNPIVOT (v FOR k IN (id, customer));
----
-- refused: a table function behind LATERAL
SELECT * FROM orders, LATERAL TABLE(f(id));
----
-- Functions and aliases in GROUP BY, by number too
SELECT UPPER(item) AS u, COUNT(*) FROM orders GROUP BY u;
SELECT UPPER(item), COUNT(*) FROM orders GROUP BY 1;
