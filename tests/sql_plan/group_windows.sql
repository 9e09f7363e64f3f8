-- TUMBLE in GROUP BY, with its bounds and its time
SELECT host, TUMBLE_START(ts, INTERVAL '10' SECOND) AS s, TUMBLE_END(ts, INTERVAL '10' SECOND) AS e,
  TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS r, COUNT(*) AS n
FROM access_log WHERE status = 200 GROUP BY host, TUMBLE(ts, INTERVAL '10' SECOND) HAVING COUNT(*) > 1;
----
-- HOP in GROUP BY: the slide is in front of the size
SELECT HOP_START(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), SUM(bytes)
FROM access_log GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
----
-- SESSION in GROUP BY is kept apart by the other keys
SELECT host, upper(path), SESSION_END(ts, INTERVAL '30' MINUTE), COUNT(*)
FROM access_log GROUP BY host, upper(path), SESSION(ts, INTERVAL '30' MINUTE);
----
-- A window over the time of another
SELECT TUMBLE_START(r, INTERVAL '1' MINUTE), MAX(n) FROM (
  SELECT host, TUMBLE_ROWTIME(ts, INTERVAL '10' SECOND) AS r, COUNT(*) AS n
  FROM access_log GROUP BY host, TUMBLE(ts, INTERVAL '10' SECOND)) GROUP BY TUMBLE(r, INTERVAL '1' MINUTE);
----
-- tumble without a time is over the event time, and window.start is its bound
SELECT host, window.start, window.end, COUNT(*) FROM access_log GROUP BY host, tumble(interval '10 seconds');
----
-- A window in short is selected as a row and grouped by its name
SELECT n, w.start FROM (
  SELECT host, hop(interval '5 seconds', interval '10 seconds') AS w, COUNT(*) AS n FROM access_log GROUP BY host, w);
----
-- A window in short is grouped by its number
SELECT session(interval '30 minutes') AS w, host, COUNT(*) FROM access_log GROUP BY 1, 2;
----
-- GROUP BY a window over a view
CREATE VIEW fast AS SELECT host, ts FROM access_log WHERE bytes < 100;
SELECT host, COUNT(*) FROM fast GROUP BY host, TUMBLE(ts, INTERVAL '1' HOUR);
----
-- refused: a bound of another window
SELECT TUMBLE_START(ts, INTERVAL '5' SECOND) FROM access_log GROUP BY TUMBLE(ts, INTERVAL '10' SECOND);
----
-- refused: a bound without a window
SELECT host, TUMBLE_START(ts, INTERVAL '5' SECOND) FROM access_log;
----
-- refused: TUMBLE in SELECT
SELECT TUMBLE(ts, INTERVAL '5' SECOND), COUNT(*) FROM access_log GROUP BY TUMBLE(ts, INTERVAL '5' SECOND);
----
-- refused: a window in short that is not grouped by
SELECT tumble(interval '5 seconds'), COUNT(*) FROM access_log GROUP BY host;
----
-- refused: two windows
SELECT COUNT(*) FROM access_log GROUP BY TUMBLE(ts, INTERVAL '5' SECOND), TUMBLE(ts, INTERVAL '6' SECOND);
----
-- refused: a size of zero
SELECT COUNT(*) FROM access_log GROUP BY TUMBLE(ts, INTERVAL '0' SECOND);
----
-- refused: a slide that does not divide the size
SELECT COUNT(*) FROM access_log GROUP BY HOP(ts, INTERVAL '3' SECOND, INTERVAL '10' SECOND);
----
-- refused: a window in short without event time
SELECT COUNT(*) FROM customers GROUP BY tumble(interval '5 seconds');
----
-- refused: a window in short with two event times
SELECT COUNT(*) FROM orders o JOIN access_log a ON o.item = a.host GROUP BY tumble(interval '5 seconds');
----
-- refused: a window over an expression
SELECT COUNT(*) FROM access_log GROUP BY TUMBLE(ts + INTERVAL '1' SECOND, INTERVAL '5' SECOND);
----
-- refused: a window over what is no event time
SELECT COUNT(*) FROM customers GROUP BY TUMBLE(name, INTERVAL '5' SECOND);
----
-- A window over processing time in GROUP BY
SELECT COUNT(*) FROM orders GROUP BY TUMBLE(proc, INTERVAL '5' SECOND);
----
-- refused: the processing time of a window
SELECT TUMBLE_PROCTIME(ts, INTERVAL '5' SECOND) FROM access_log GROUP BY TUMBLE(ts, INTERVAL '5' SECOND);
