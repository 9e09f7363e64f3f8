-- What is known of a line besides its fields: the name of its file, and where in it the line begins.
CREATE TABLE whole (id INT, t STRING, `file.name` STRING NOT NULL METADATA VIRTUAL, at BIGINT METADATA FROM 'offset' VIRTUAL,
    doubled AS id * 2)
  WITH ('connector' = 'filesystem', 'path' = '../data/parts', 'format' = 'csv');
CREATE TABLE read_rows (id INT, name STRING, at BIGINT, doubled INT) WITH ('connector' = 'print');

INSERT INTO read_rows SELECT id, `file.name`, at, doubled FROM whole;
