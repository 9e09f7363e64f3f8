-- A statement set is one job; several INSERTs may write one table; EXPLAIN runs nothing.
CREATE TABLE bids (id INT, who STRING, item STRING, price INT, at TIMESTAMP(3),
  WATERMARK FOR at AS at - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '../data/bids.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE one (id INT, name STRING) WITH ('connector' = 'print');
CREATE TABLE two (name STRING) WITH ('connector' = 'print');
EXPLAIN SELECT id FROM bids;

EXECUTE STATEMENT SET
BEGIN
  INSERT INTO one SELECT id, who FROM bids WHERE price = 10;
  INSERT INTO one SELECT -id, item FROM bids WHERE price = 20;
  INSERT INTO two SELECT who FROM bids WHERE item IS NULL;
END;
INSERT INTO two VALUES ('dan'), (NULL), ('eve');
