-- Windows before 1970 lie on the same grid.
CREATE TABLE old (id INT, ms BIGINT, at AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR at AS at - INTERVAL '1' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = '../data/old.csv', 'format' = 'csv');
CREATE TABLE tumbles (s TIMESTAMP(3), e TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE hops (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO tumbles SELECT window_start, window_end, COUNT(*)
  FROM TABLE(TUMBLE(TABLE old, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
INSERT INTO hops SELECT window_start, COUNT(*)
  FROM TABLE(HOP(TABLE old, DESCRIPTOR(at), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) GROUP BY window_start, window_end;
