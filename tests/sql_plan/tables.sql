CREATE TABLE access_log (host STRING, ts TIMESTAMP_LTZ(3), path STRING, status INT, bytes BIGINT,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = 'access.csv', 'format' = 'csv');
CREATE TABLE orders (id BIGINT, customer BIGINT, price DECIMAL(10, 2), at TIMESTAMP(3), item STRING,
  proc AS PROCTIME(), WATERMARK FOR at AS at)
  WITH ('connector' = 'filesystem', 'path' = 'orders.csv', 'format' = 'csv');
CREATE TABLE payments (id BIGINT, order_id BIGINT, at TIMESTAMP(3), WATERMARK FOR at AS at - INTERVAL '1' MINUTE)
  WITH ('connector' = 'filesystem', 'path' = 'payments.csv', 'format' = 'csv');
CREATE TABLE customers (id BIGINT, name STRING, region STRING)
  WITH ('connector' = 'filesystem', 'path' = 'customers.csv', 'format' = 'csv');
CREATE TABLE accounts (id BIGINT, owner STRING, balance BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'accounts.json', 'format' = 'debezium-json');
CREATE TABLE append_only (a STRING, n BIGINT)
  WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE changing (a STRING, n BIGINT, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'print');
CREATE TABLE strict (a STRING NOT NULL, n BIGINT NOT NULL) WITH ('connector' = 'print');
