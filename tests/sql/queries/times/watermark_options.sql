-- An idle timeout, a bound on how far one file may run ahead, and a watermark at the end of each batch change no result here.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '',
        'scan.watermark.idle-timeout' = '30 s', 'scan.watermark.emit.strategy' = 'on-periodic',
        'scan.watermark.alignment.max-drift' = '10 min');
CREATE TABLE counts (s TIMESTAMP(3), n BIGINT) WITH ('connector' = 'print');

INSERT INTO counts SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE bids, DESCRIPTOR(at), INTERVAL '20' SECOND))
  GROUP BY window_start, window_end;
