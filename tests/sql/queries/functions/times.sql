-- Parts of times, times between times, times of texts and numbers and back.
CREATE TABLE times (id INT, a TIMESTAMP(3), b TIMESTAMP(3), d DATE, n BIGINT)
  WITH ('connector' = 'filesystem', 'path' = '../data/times.csv', 'format' = 'csv', 'csv.null-literal' = '');
CREATE TABLE parts (id INT, c1 BIGINT, c2 BIGINT, c3 BIGINT, c4 BIGINT, c5 BIGINT, c6 BIGINT, c7 BIGINT, c8 BIGINT, c9 BIGINT, c10 BIGINT, c11 BIGINT) WITH ('connector' = 'print');
CREATE TABLE moved (id INT, c1 TIMESTAMP(3), c2 TIMESTAMP(3), c3 TIMESTAMP(3), c4 DATE, c5 TIMESTAMP(3), c6 TIMESTAMP(3), c7 TIMESTAMP(3), c8 TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE between_them (id INT, c1 INT, c2 INT, c3 INT, c4 BOOLEAN, c5 DATE, c6 TIMESTAMP(3)) WITH ('connector' = 'print');
CREATE TABLE written (id INT, c1 STRING, c2 STRING, c3 STRING, c4 STRING, c5 STRING, c6 BIGINT) WITH ('connector' = 'print');
CREATE TABLE read_from (id INT, c1 TIMESTAMP_LTZ(3), c2 TIMESTAMP_LTZ(3), c3 TIMESTAMP(3), c4 DATE, c5 TIMESTAMP(3)) WITH ('connector' = 'print');

INSERT INTO parts SELECT id, EXTRACT(YEAR FROM a), EXTRACT(DAY FROM a), HOUR(a), MINUTE(a), SECOND(a), QUARTER(d), MONTH(d),
    WEEK(d), DAYOFYEAR(d), DAYOFMONTH(d), DAYOFWEEK(d)
  FROM times;
INSERT INTO moved SELECT id, a + INTERVAL '1' HOUR, a - INTERVAL '1' DAY, a + INTERVAL '1' MONTH, d + INTERVAL '1' YEAR,
    FLOOR(a TO HOUR), CEIL(a TO DAY), FLOOR(a TO MONTH), TIMESTAMPADD(MINUTE, 10, a)
  FROM times;
INSERT INTO between_them SELECT id, TIMESTAMPDIFF(SECOND, a, b), TIMESTAMPDIFF(DAY, a, b), TIMESTAMPDIFF(MONTH, a, b), a < b,
    CAST(a AS DATE), CAST(d AS TIMESTAMP(3))
  FROM times;
INSERT INTO written SELECT id, DATE_FORMAT(a, 'yyyy/MM/dd HH:mm'), DATE_FORMAT(a, 'E, d MMM yy'), CAST(a AS STRING),
    CAST(d AS STRING), FROM_UNIXTIME(n / 1000), UNIX_TIMESTAMP(CAST(a AS STRING), 'yyyy-MM-dd HH:mm:ss.SSS')
  FROM times;
INSERT INTO read_from SELECT id, TO_TIMESTAMP_LTZ(n, 3), TO_TIMESTAMP_LTZ(n / 1000, 0), TO_TIMESTAMP(CAST(a AS STRING)),
    TO_DATE(CAST(d AS STRING)), CAST(CAST(b AS STRING) AS TIMESTAMP(3))
  FROM times;
