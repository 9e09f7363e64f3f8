-- The common log, without referer and agent; lines that are none are left out.
CREATE TABLE access_log (status INT, host STRING)
  WITH ('connector' = 'filesystem', 'path' = '../data/some.log', 'format' = 'common-log', 'common-log.ignore-parse-errors' = 'true');
CREATE TABLE counts (status INT, n BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT status, COUNT(*) FROM access_log GROUP BY status;
