//! The queries, in DataFusion's SQL.

/// Their names and texts.
pub const ALL: [(&str, &str); 22] = [
    ("q0", "SELECT auction, bidder, price, ts, extra FROM bid"),
    (
        "q1",
        "SELECT auction, bidder, CAST(CAST(price * 908 AS DECIMAL(23, 0)) / 1000 AS DECIMAL(23, 3)), ts, extra FROM bid",
    ),
    ("q2", "SELECT auction, price FROM bid WHERE auction % 123 = 0"),
    (
        "q3",
        "SELECT name, city, state, auction.id
         FROM auction, person
         WHERE seller = person.id AND category = 10 AND state IN ('OR', 'ID', 'CA')",
    ),
    (
        "q4",
        "SELECT category, CAST(AVG(final) AS BIGINT)
         FROM (
           SELECT id, category, MAX(price) AS final
           FROM auction JOIN bid ON id = auction AND bid.ms >= auction.ms AND bid.ts <= expires
           GROUP BY id, category)
         GROUP BY category",
    ),
    (
        "q5",
        "WITH counts AS (
           SELECT auction, ms / 2000 - slide AS began, COUNT(*) AS num
           FROM bid CROSS JOIN (VALUES (0), (1), (2), (3), (4)) AS slides(slide)
           GROUP BY auction, ms / 2000 - slide)
         SELECT auction, num
         FROM counts JOIN (SELECT began AS b, MAX(num) AS most FROM counts GROUP BY began) ON b = began AND num = most",
    ),
    (
        "q7",
        "SELECT auction, price, bidder, ts, extra
         FROM bid JOIN (SELECT ms / 10000 AS w, MAX(price) AS most FROM bid GROUP BY ms / 10000)
         ON price = most AND ms BETWEEN w * 10000 AND (w + 1) * 10000",
    ),
    (
        "q8",
        "SELECT DISTINCT person.id, name, to_timestamp_millis(person.ms / 10000 * 10000)
         FROM person JOIN auction ON person.id = seller AND person.ms / 10000 = auction.ms / 10000",
    ),
    (
        "q9",
        "SELECT id, item, description, initial, reserve, began, expires, seller, category, aextra,
           auction, bidder, price, offered, bextra
         FROM (
           SELECT id, item, description, initial, reserve, auction.ts AS began, expires, seller, category,
             auction.extra AS aextra, auction, bidder, price, bid.ts AS offered, bid.extra AS bextra,
             ROW_NUMBER() OVER (PARTITION BY id ORDER BY price DESC, bid.ts) AS place
           FROM auction JOIN bid ON id = auction AND bid.ts >= auction.ts AND bid.ts <= expires)
         WHERE place = 1",
    ),
    (
        "q10",
        "SELECT auction, bidder, price, ts, extra, to_char(ts, '%Y-%m-%d'), to_char(ts, '%H:%M') FROM bid",
    ),
    (
        "q11",
        "WITH steps AS (
           SELECT bidder, ms, ms - LAG(ms) OVER (PARTITION BY bidder ORDER BY ms) AS pause FROM bid),
         sessions AS (
           SELECT bidder, ms,
             SUM(CASE WHEN pause <= 10000 THEN 0 ELSE 1 END) OVER (PARTITION BY bidder ORDER BY ms) AS session
           FROM steps)
         SELECT bidder, COUNT(*), to_timestamp_millis(MIN(ms)), to_timestamp_millis(MAX(ms) + 10000)
         FROM sessions GROUP BY bidder, session",
    ),
    ("q12", "SELECT bidder, COUNT(*) FROM bid GROUP BY bidder"),
    (
        "q13",
        "SELECT auction, bidder, price, ts, value FROM bid JOIN side_input ON auction % 10000 = key",
    ),
    (
        "q14",
        "SELECT auction, bidder, CAST(CAST(price * 908 AS DECIMAL(23, 0)) / 1000 AS DECIMAL(23, 3)),
           CASE
             WHEN date_part('hour', ts) BETWEEN 8 AND 18 THEN 'dayTime'
             WHEN date_part('hour', ts) <= 6 OR date_part('hour', ts) >= 20 THEN 'nightTime'
             ELSE 'otherTime'
           END,
           ts, extra, length(extra) - length(replace(extra, 'c', ''))
         FROM bid WHERE price * 908 > 1000000000 AND price * 908 < 50000000000",
    ),
    (
        "q15",
        "SELECT to_char(ts, '%Y-%m-%d'), COUNT(*),
           SUM(CASE WHEN price < 10000 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price BETWEEN 10000 AND 999999 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price >= 1000000 THEN 1 ELSE 0 END),
           COUNT(DISTINCT bidder),
           COUNT(DISTINCT CASE WHEN price < 10000 THEN bidder END),
           COUNT(DISTINCT CASE WHEN price BETWEEN 10000 AND 999999 THEN bidder END),
           COUNT(DISTINCT CASE WHEN price >= 1000000 THEN bidder END),
           COUNT(DISTINCT auction),
           COUNT(DISTINCT CASE WHEN price < 10000 THEN auction END),
           COUNT(DISTINCT CASE WHEN price BETWEEN 10000 AND 999999 THEN auction END),
           COUNT(DISTINCT CASE WHEN price >= 1000000 THEN auction END)
         FROM bid GROUP BY to_char(ts, '%Y-%m-%d')",
    ),
    (
        "q16",
        "SELECT channel, to_char(ts, '%Y-%m-%d'), MAX(to_char(ts, '%H:%M')), COUNT(*),
           SUM(CASE WHEN price < 10000 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price BETWEEN 10000 AND 999999 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price >= 1000000 THEN 1 ELSE 0 END),
           COUNT(DISTINCT bidder),
           COUNT(DISTINCT CASE WHEN price < 10000 THEN bidder END),
           COUNT(DISTINCT CASE WHEN price BETWEEN 10000 AND 999999 THEN bidder END),
           COUNT(DISTINCT CASE WHEN price >= 1000000 THEN bidder END),
           COUNT(DISTINCT auction),
           COUNT(DISTINCT CASE WHEN price < 10000 THEN auction END),
           COUNT(DISTINCT CASE WHEN price BETWEEN 10000 AND 999999 THEN auction END),
           COUNT(DISTINCT CASE WHEN price >= 1000000 THEN auction END)
         FROM bid GROUP BY channel, to_char(ts, '%Y-%m-%d')",
    ),
    (
        "q17",
        "SELECT auction, to_char(ts, '%Y-%m-%d'), COUNT(*),
           SUM(CASE WHEN price < 10000 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price BETWEEN 10000 AND 999999 THEN 1 ELSE 0 END),
           SUM(CASE WHEN price >= 1000000 THEN 1 ELSE 0 END),
           MIN(price), MAX(price), SUM(price) / COUNT(*), SUM(price)
         FROM bid GROUP BY auction, to_char(ts, '%Y-%m-%d')",
    ),
    (
        "q18",
        "SELECT auction, bidder, price, channel, url, ts, extra
         FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY ts DESC) AS place FROM bid)
         WHERE place = 1",
    ),
    (
        "q19",
        "SELECT auction, bidder, price, channel, url, ts, extra, place
         FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC, ts) AS place FROM bid)
         WHERE place <= 10",
    ),
    (
        "q20",
        "SELECT auction, bidder, price, channel, url, bid.ts, bid.extra, item, description, initial, reserve, auction.ts,
           expires, seller, category, auction.extra
         FROM bid JOIN auction ON auction = id WHERE category = 10",
    ),
    (
        "q21",
        "SELECT auction, bidder, price, channel,
           CASE lower(channel)
             WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2' WHEN 'baidu' THEN '3'
             ELSE split_part(url, '&channel_id=', 2)
           END
         FROM bid
         WHERE url LIKE '%&channel_id=%' OR lower(channel) IN ('apple', 'google', 'facebook', 'baidu')",
    ),
    (
        "q22",
        "SELECT auction, bidder, price, channel, split_part(url, '/', 4), split_part(url, '/', 5), split_part(url, '/', 6) FROM bid",
    ),
];
