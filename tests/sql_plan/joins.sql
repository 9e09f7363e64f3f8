-- A window join
SELECT l.host, l.window_start FROM
  (SELECT * FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '5' SECOND))) l
  FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(at), INTERVAL '5' SECOND))) r
  ON l.host = r.item AND l.window_start = r.window_start AND l.window_end = r.window_end;
----
-- An interval join
SELECT o.id, p.id FROM orders o JOIN payments p ON o.id = p.order_id AND p.at BETWEEN o.at AND o.at + INTERVAL '1' HOUR;
----
-- An interval join in WHERE
SELECT o.id FROM orders o, payments p WHERE o.id = p.order_id AND o.at >= p.at - INTERVAL '4' HOUR AND o.at < p.at AND p.id > 3;
----
-- A left interval join
SELECT o.id, p.id FROM orders o LEFT JOIN payments p ON o.id = p.order_id AND p.at BETWEEN o.at AND o.at + INTERVAL '1' HOUR;
----
-- Regular joins of all kinds
SELECT o.id FROM orders o JOIN payments p ON o.id = p.order_id;
SELECT o.id FROM orders o LEFT JOIN payments p ON o.id = p.order_id;
SELECT p.id FROM orders o RIGHT JOIN payments p ON o.id = p.order_id;
SELECT o.id, p.id FROM orders o FULL JOIN payments p ON o.id = p.order_id;
SELECT id FROM orders JOIN payments USING (id);
----
-- Semi joins: IN and EXISTS
SELECT id FROM orders WHERE id IN (SELECT order_id FROM payments);
SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id);
SELECT id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id);
----
-- A lookup
SELECT o.id, c.name FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer = c.id;
----
-- A left lookup with a condition on each side and PROCTIME()
SELECT o.id, c.name FROM orders o LEFT JOIN customers FOR SYSTEM_TIME AS OF PROCTIME() c
  ON o.customer = c.id AND c.region = 'EU' AND o.price > 3;
----
-- A lookup in a view keeps event time
CREATE VIEW rich AS SELECT o.at, name FROM orders o JOIN customers FOR SYSTEM_TIME AS OF o.proc ON o.customer = customers.id
  WHERE customers.region <> 'EU';
SELECT window_start, name, COUNT(*) FROM TABLE(TUMBLE(TABLE rich, DESCRIPTOR(at), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, name;
SELECT TUMBLE_END(at, INTERVAL '1' HOUR), COUNT(*) FROM rich GROUP BY TUMBLE(at, INTERVAL '1' HOUR);
----
-- A lookup by rows that change
SELECT a.owner, c.name FROM accounts a JOIN customers FOR SYSTEM_TIME AS OF PROCTIME() AS c ON a.id = c.id;
----
-- refused: a lookup by event time
SELECT o.id FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.at AS c ON o.customer = c.id;
----
-- refused: a lookup by another column
SELECT o.id FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.item AS c ON o.customer = c.id;
----
-- refused: a lookup by an unknown column
SELECT o.id FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.prok AS c ON o.customer = c.id;
----
-- refused: a right lookup
SELECT o.id FROM orders AS o RIGHT JOIN customers FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer = c.id;
----
-- refused: a lookup without an equality
SELECT o.id FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer > c.id;
----
-- refused: a lookup that is no join
SELECT id FROM customers FOR SYSTEM_TIME AS OF PROCTIME();
----
-- refused: a lookup in a table that changes
SELECT o.id FROM orders AS o JOIN accounts FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer = c.id;
----
-- refused: a lookup in a view
CREATE VIEW v AS SELECT * FROM customers;
SELECT o.id FROM orders AS o JOIN v FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer = c.id;
----
-- refused: a lookup in a table that is followed
CREATE TABLE live (id BIGINT) WITH ('connector' = 'filesystem', 'path' = 'live.csv', 'format' = 'csv', 'source.monitor-interval' = '1 s');
SELECT o.id FROM orders AS o JOIN live FOR SYSTEM_TIME AS OF o.proc AS c ON o.customer = c.id;
----
-- refused: a lookup as of an expression
SELECT o.id FROM orders AS o JOIN customers FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01 00:00:00' AS c ON o.customer = c.id;
----
-- refused: a cross join
SELECT o.id FROM orders o CROSS JOIN payments p;
----
-- refused: a join by an inequality
SELECT o.id FROM orders o JOIN payments p ON o.id < p.order_id;
----
-- refused: an interval that holds no time
SELECT o.id FROM orders o JOIN payments p ON o.id = p.order_id AND p.at BETWEEN o.at + INTERVAL '1' HOUR AND o.at;
----
-- refused: NOT IN
SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM payments);
----
-- refused: an outer join into a table of new rows
INSERT INTO append_only SELECT o.item, p.id FROM orders o LEFT JOIN payments p ON o.id = p.order_id;
----
-- refused: LATERAL
SELECT o.id FROM orders o, LATERAL (SELECT id FROM payments p WHERE p.order_id = o.id LIMIT 1) q;
----
-- refused: a natural join without common names
SELECT * FROM customers NATURAL JOIN append_only;
----
-- refused: an ASOF join
SELECT o.id FROM orders o ASOF JOIN payments p MATCH_CONDITION (o.at >= p.at) ON o.id = p.order_id;
