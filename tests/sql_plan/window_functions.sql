-- TUMBLE
SELECT host, window_start, window_end, window_time, COUNT(*) FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY host, window_start, window_end, window_time;
----
-- TUMBLE with an offset and without TABLE()
SELECT window_start, COUNT(*) FROM TUMBLE(access_log, ts, INTERVAL '10' SECOND, INTERVAL '2' SECOND) GROUP BY window_start, window_end;
----
-- HOP with names
SELECT host, COUNT(DISTINCT path) FROM TABLE(HOP(DATA => TABLE access_log, TIMECOL => DESCRIPTOR(ts),
  SLIDE => INTERVAL '5' MINUTES, SIZE => INTERVAL '10' MINUTES)) GROUP BY host, window_start, window_end;
----
-- CUMULATE
SELECT window_end, SUM(bytes) FROM TABLE(CUMULATE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end;
----
-- SESSION without TABLE and DESCRIPTOR
SELECT host, path, COUNT(*) FROM SESSION(access_log PARTITION BY host, path, ts, INTERVAL '30' MINUTES) GROUP BY host, path, window_start, window_end;
----
-- SESSION
SELECT host, window_start, window_end, COUNT(*) FROM TABLE(
  SESSION(TABLE access_log PARTITION BY host, DESCRIPTOR(ts), INTERVAL '30' MINUTES)) GROUP BY host, window_start, window_end;
----
-- Top-N of a window
SELECT * FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC) AS place FROM (
    SELECT path, window_start, window_end, COUNT(*) AS n
    FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY path, window_start, window_end))
WHERE place <= 3;
----
-- A window over the time of windows in a view
CREATE VIEW per_second AS SELECT window_time AS t, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end, window_time;
SELECT window_start, SUM(n) FROM TABLE(TUMBLE(TABLE per_second, DESCRIPTOR(t), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
----
-- FILTER, HAVING, approx_distinct, percentile
SELECT host, COUNT(*) FILTER (WHERE status >= 500), approx_distinct(path), percentile_cont(0.9) WITHIN GROUP (ORDER BY bytes)
FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY host, window_start, window_end HAVING COUNT(*) > 3;
----
-- DISTINCT in a window
SELECT DISTINCT host, window_start, window_end FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '10' SECOND));
----
-- refused: a month
SELECT * FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' MONTH));
----
-- refused: a column that is no time
SELECT * FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(host), INTERVAL '1' HOUR));
----
-- refused: a time that is no event time
CREATE VIEW v AS SELECT id, at + INTERVAL '1' SECOND AS at FROM orders;
SELECT id FROM TABLE(TUMBLE(TABLE v, DESCRIPTOR(at), INTERVAL '1' SECOND));
----
-- Processing time
SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(proc), INTERVAL '1' SECOND, INTERVAL '5' SECOND))
  WHERE id > 3 GROUP BY window_start, window_end;
----
-- refused: processing time without an aggregate
SELECT id, window_start FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(proc), INTERVAL '1' SECOND));
----
-- refused: processing time by one bound
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(proc), INTERVAL '1' SECOND)) GROUP BY window_start;
----
-- refused: CUMULATE by processing time
SELECT COUNT(*) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(proc), INTERVAL '1' SECOND, INTERVAL '5' SECOND))
  GROUP BY window_start, window_end;
----
-- Processing time in a window without a key
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(proc), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
----
-- A session without its bounds is an aggregate without a window
SELECT host, COUNT(*) FROM TABLE(SESSION(TABLE access_log PARTITION BY host, DESCRIPTOR(ts), INTERVAL '30' MINUTES)) GROUP BY host;
----
-- refused: half of the bounds into a table of new rows
INSERT INTO append_only SELECT host, COUNT(*) FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' SECOND))
GROUP BY host, window_start;
----
-- refused: rows that change
CREATE TABLE changes (id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = 'x', 'format' = 'debezium-json');
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE changes, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start, window_end;
----
-- refused: a slide that does not divide the size
SELECT * FROM TABLE(HOP(TABLE access_log, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '3' SECOND));
----
-- refused: a partition of another function
SELECT * FROM TABLE(TUMBLE(TABLE access_log PARTITION BY host, DESCRIPTOR(ts), INTERVAL '3' SECOND));
----
-- refused: an unknown parameter
SELECT * FROM TABLE(TUMBLE(DATA => TABLE access_log, TIMECOLUMN => DESCRIPTOR(ts), SIZE => INTERVAL '3' SECOND));
----
-- refused: a missing argument
SELECT * FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts)));
----
-- refused: an unknown table function
SELECT * FROM TABLE(TUMBEL(TABLE access_log, DESCRIPTOR(ts), INTERVAL '3' SECOND));
----
-- refused: a subquery as the table
SELECT * FROM TABLE(TUMBLE((SELECT * FROM access_log), DESCRIPTOR(ts), INTERVAL '3' SECOND));
