-- Access logs, by the names of the columns: in UTC, NULL where the log has `-`.
-- dead letters: 1
CREATE TABLE access_log (host STRING, ident STRING, `user` STRING, ts TIMESTAMP_LTZ(3), `method` STRING, path STRING, protocol STRING,
    status INT, bytes BIGINT, referer STRING, agent STRING, WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
  WITH ('connector' = 'filesystem', 'path' = '../data/some.log', 'format' = 'combined-log');
CREATE TABLE read_rows (host STRING, ident STRING, `user` STRING, ts TIMESTAMP_LTZ(3), `method` STRING, path STRING, protocol STRING, status INT, bytes BIGINT, referer STRING) WITH ('connector' = 'print');
CREATE TABLE agents (agent STRING) WITH ('connector' = 'print');
CREATE TABLE minutes (s TIMESTAMP(3), n BIGINT, bytes BIGINT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT host, ident, `user`, ts, `method`, path, protocol, status, bytes, referer FROM access_log;
INSERT INTO agents SELECT agent FROM access_log WHERE agent LIKE 'curl%';
INSERT INTO minutes SELECT window_start, COUNT(*), SUM(bytes)
  FROM TABLE(TUMBLE(TABLE access_log, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;
