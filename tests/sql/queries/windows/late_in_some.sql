-- Of windows that overlap a late row is left out of those only that are closed.
SET 'parallelism.default' = '1';
CREATE TABLE hits (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/late.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE counts (s TIMESTAMP(3), hits BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT window_start, COUNT(*)
  FROM TABLE(HOP(TABLE hits, DESCRIPTOR(at), INTERVAL '5' SECOND, INTERVAL '15' SECOND)) GROUP BY window_start, window_end;
