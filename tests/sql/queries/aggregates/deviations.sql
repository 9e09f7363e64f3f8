-- Deviations and variances of a population and of a sample; a sample of one has none.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE deviations (item STRING, sp DOUBLE, ss DOUBLE, vp DOUBLE, vs DOUBLE) WITH ('connector' = 'print');

INSERT INTO deviations SELECT item, ROUND(STDDEV_POP(price), 6), ROUND(STDDEV_SAMP(price), 6), ROUND(VAR_POP(price), 6),
    ROUND(VAR_SAMP(price), 6)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '2' MINUTE)) GROUP BY item, window_start, window_end;
