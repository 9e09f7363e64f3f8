-- The first row of each key is the earliest that is not late; the last one the latest.
CREATE TABLE hits (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bound.csv', 'format' = 'csv', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE last_rows (who STRING, at TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO last_rows SELECT who, at FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY who ORDER BY at DESC) AS place FROM hits)
  WHERE place = 1;
