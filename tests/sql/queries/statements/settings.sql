-- Settings are Flink's; a later one replaces an earlier one. What does not last for ever gives the same within its time.
SET 'parallelism.default' = '4';
SET 'execution.checkpointing.interval' = '500 ms';
SET 'pipeline.name' = 'numbers';
SET 'table.local-time-zone' = 'UTC';
SET 'table.exec.source.idle-timeout' = '10 s';
SET 'table.exec.state.ttl' = '2 d';
SET 'table.exec.state.ttl' = '1 d';
CREATE TABLE numbers (id INT, a INT, b INT, x DOUBLE)
  WITH ('connector' = 'filesystem', 'path' = '../data/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE counts (b INT, n BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT b, COUNT(*) FROM numbers GROUP BY b;
