-- A window is closed when the watermark reaches its last millisecond, not before.
SET 'parallelism.default' = '1';
CREATE TABLE hits (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bound.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE others (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '2.001' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bound.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE closed (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE still_open (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO closed SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(at), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
INSERT INTO still_open SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE others, DESCRIPTOR(at), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
