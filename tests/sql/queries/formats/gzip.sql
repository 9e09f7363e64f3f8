-- What is compressed is decompressed.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3))
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv.gz', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE dear (id INT, who STRING) WITH ('connector' = 'print');

INSERT INTO dear SELECT id, who FROM bids WHERE price > 12;
