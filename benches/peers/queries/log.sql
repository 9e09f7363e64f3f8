CREATE TABLE access_log (
  host STRING, ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{in}/log', 'format' = 'combined-log');
