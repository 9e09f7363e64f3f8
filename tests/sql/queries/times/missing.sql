-- A row without event time is a dead letter; the first line of a file may be the names of its columns.
-- dead letters: 1
CREATE TABLE heads (who STRING, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/heads.csv', 'format' = 'csv', 'csv.header' = 'true', 'csv.field-delimiter' = ';',
        'csv.null-literal' = '');
CREATE TABLE counts (s TIMESTAMP(3), n BIGINT, known BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT window_start, COUNT(*), COUNT(who) FROM TABLE(TUMBLE(TABLE heads, DESCRIPTOR(at), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end;
