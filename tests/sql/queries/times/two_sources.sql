-- The watermark of two tables is the lesser one: what is early in one waits for the other.
CREATE TABLE events (who STRING, text STRING, at AS TO_TIMESTAMP(text), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = '../data/events.json', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE VIEW all_of AS SELECT at FROM events WHERE who <> 'b' UNION ALL SELECT at FROM bids;
CREATE TABLE counts (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE all_of, DESCRIPTOR(at), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
