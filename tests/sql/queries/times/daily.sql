-- Windows of a day with the offset of a zone, and of a week.
CREATE TABLE days (id INT, at TIMESTAMP(3), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = '../data/days.csv', 'format' = 'csv');
CREATE TABLE of_days (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE shifted (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE weeks (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO of_days SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE days, DESCRIPTOR(at), INTERVAL '1' DAY))
  GROUP BY window_start, window_end;
INSERT INTO shifted SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE days, DESCRIPTOR(at), INTERVAL '1' DAY, INTERVAL '-8' HOUR))
  GROUP BY window_start, window_end;
INSERT INTO weeks SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE days, DESCRIPTOR(at), INTERVAL '7' DAY))
  GROUP BY window_start, window_end;
