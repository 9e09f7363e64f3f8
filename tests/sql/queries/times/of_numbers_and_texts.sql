-- Event time of UNIX time, and of a text, by computed columns; TIMESTAMP_LTZ and TIMESTAMP.
CREATE TABLE of_numbers (who STRING, ms BIGINT, at AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/events.json', 'format' = 'json');
CREATE TABLE of_texts (who STRING, text STRING, n INT, at AS TO_TIMESTAMP(text), WATERMARK FOR at AS at - INTERVAL '2' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/events.json', 'format' = 'json');
CREATE TABLE one (s TIMESTAMP(3), e TIMESTAMP(3), t TIMESTAMP_LTZ(3), n BIGINT) WITH ('connector' = 'print');
CREATE TABLE two (s TIMESTAMP(3), t TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO one SELECT window_start, window_end, window_time, COUNT(*)
  FROM TABLE(TUMBLE(TABLE of_numbers, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
INSERT INTO two SELECT window_start, window_time, SUM(n)
  FROM TABLE(TUMBLE(TABLE of_texts, DESCRIPTOR(at), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time;
