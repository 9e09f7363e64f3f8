-- Flink has no format for access logs: the same lines, taken apart by its functions.
CREATE TABLE lines (
  line STRING,
  host AS SPLIT_INDEX(line, ' ', 0),
  ts AS TO_TIMESTAMP(SUBSTRING(SPLIT_INDEX(line, ' ', 3) FROM 2), 'dd/MMM/yyyy:HH:mm:ss'),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '{in}/log', 'format' = 'raw');

CREATE VIEW access_log AS SELECT host, ts FROM lines;
