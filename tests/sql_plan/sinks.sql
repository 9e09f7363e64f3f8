-- Columns go by their place, not by their name
INSERT INTO append_only SELECT item AS n, id AS a FROM orders;
----
-- Columns are chosen, the others are NULL
INSERT INTO append_only (n) SELECT id FROM orders;
----
-- Numbers are widened
INSERT INTO append_only SELECT host, status FROM access_log;
----
-- NULL in a NOT NULL column is an error of the row
INSERT INTO strict SELECT item, COUNT(*) FROM orders GROUP BY item;
----
-- NULL in a NOT NULL column drops the row
SET 'table.exec.sink.not-null-enforcer' = 'drop';
INSERT INTO strict SELECT item, id FROM orders;
----
-- Nothing is enforced where nothing can be NULL
INSERT INTO strict SELECT COALESCE(item, ''), COUNT(*) FROM orders GROUP BY item;
----
-- Changes go by the key of the table
INSERT INTO changing SELECT item, COUNT(*) FROM orders GROUP BY item;
----
-- refused: changes by another key
INSERT INTO changing SELECT item, customer FROM orders GROUP BY item, customer HAVING COUNT(*) > 3;
----
-- refused: changes into a table of new rows
INSERT INTO append_only SELECT item, COUNT(*) FROM orders GROUP BY item;
----
-- refused: a type that does not fit
INSERT INTO append_only SELECT id, item FROM orders;
----
-- refused: too many columns
INSERT INTO append_only SELECT item, id, at FROM orders;
----
-- refused: an unknown column
INSERT INTO append_only (x) SELECT id FROM orders;
----
-- refused: a NOT NULL column that is left out
INSERT INTO strict (a) SELECT item FROM orders;
----
-- refused: a view as the target
CREATE VIEW v AS SELECT id FROM orders;
INSERT INTO v SELECT id FROM orders;
----
-- refused: an unknown target
INSERT INTO append_onli SELECT item, id FROM orders;
