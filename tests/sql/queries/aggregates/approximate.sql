-- Distinct values, medians and percentiles. With so few values the approximate count is exact.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE some (s TIMESTAMP(3), people BIGINT, again BIGINT, middle DOUBLE, half DOUBLE, p75 DOUBLE, p0 DOUBLE) WITH ('connector' = 'print');

INSERT INTO some SELECT window_start, APPROX_COUNT_DISTINCT(who), APPROX_DISTINCT(who), MEDIAN(CAST(price AS DOUBLE)),
    PERCENTILE(price, 0.5), PERCENTILE_CONT(0.75) WITHIN GROUP (ORDER BY CAST(price AS DOUBLE)), PERCENTILE(price, 0.0)
  FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND)) GROUP BY window_start, window_end;
