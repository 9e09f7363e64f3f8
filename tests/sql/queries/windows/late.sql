-- With the watermark told behind each row, a row is late when it has passed the end of its window: then it is left out.
SET 'parallelism.default' = '1';
CREATE TABLE hits (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/late.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE counts (who STRING, s TIMESTAMP(3), hits BIGINT) WITH ('connector' = 'print');
CREATE TABLE by_legacy (s TIMESTAMP(3), hits BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT who, window_start, COUNT(*)
  FROM TABLE(TUMBLE(TABLE hits, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY who, window_start, window_end;
INSERT INTO by_legacy SELECT TUMBLE_START(at, INTERVAL '10' SECOND), COUNT(*) FROM hits GROUP BY TUMBLE(at, INTERVAL '10' SECOND);
