-- What customers have ordered, kept up to date from the change log of a database.
--
--     cargo run --release -- run examples/cdc_upsert.sql
--
-- Orders are added, changed and deleted; each change of a sum is written as a change, which Debezium's readers understand.

CREATE TABLE orders (
  id       BIGINT,
  customer STRING,
  cents    BIGINT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path'      = 'examples/data/orders.cdc.json',
  'format'    = 'debezium-json'
);

CREATE TABLE customers (
  customer STRING,
  orders   BIGINT,
  cents    BIGINT,
  largest  BIGINT,
  PRIMARY KEY (customer) NOT ENFORCED
) WITH (
  'connector' = 'filesystem',
  'path'      = 'out/cdc/customers.json',
  'format'    = 'debezium-json'
);

INSERT INTO customers SELECT customer, COUNT(*), SUM(cents), MAX(cents) FROM orders GROUP BY customer;
