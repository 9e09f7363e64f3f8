//! An access log that nobody's visitors had to be in: made from a seed, shaped like the traffic of a small site.
//!
//! * A few clients come often and most come once or twice (Zipf's law). They come in *visits*: pages with times to read
//!   between them, from seconds to half an hour, and browsers load what a page embeds.
//! * The site sleeps at night. The log begins on Monday, 4 May 2026 and spans five days, however many lines it has.
//! * As in Apache, a line bears the time at which its request came and is written when it was answered, up to
//!   [`LONGEST_REQUEST`] seconds later: so the times are out of order by at most that.
//! * Nine lines are no requests: seven are malformed, each in another way, and two are empty.
//!
//! The same seed gives the same bytes on every machine: all arithmetic is in integers. Addresses and names are those that
//! the standards set aside for examples and private networks.

use std::io::{self, Write};

/// The greatest time between a request and its answer, in seconds.
const LONGEST_REQUEST: u32 = 59;
const DAYS: u32 = 5;
const FIRST_DAY: u32 = 4;
const DAY: u32 = 86_400;
/// One client in so many lines, one bot or feed reader in so many clients.
const LINES_PER_CLIENT: usize = 6;
const CLIENTS_PER_ROBOT: u64 = 8;

/// How busy each hour of the day is, in parts.
const HOURS: [u64; 24] = [3, 2, 1, 1, 1, 2, 4, 8, 14, 20, 22, 21, 16, 19, 22, 23, 21, 17, 14, 15, 17, 14, 9, 5];

const PAGES: [&str; 16] = [
    "/",
    "/articles/",
    "/articles/watermarks-by-example",
    "/articles/why-barriers-align",
    "/articles/the-cost-of-a-mailbox",
    "/articles/a-log-is-a-table-is-a-log",
    "/articles/exactly-once-and-what-it-is-not",
    "/articles/sessions-with-gaps",
    "/projects/",
    "/projects/millwheel",
    "/projects/sluice?tab=readme",
    "/projects/weir/releases",
    "/search?q=late+records&page=1",
    "/search?q=%22two-phase%20commit%22",
    "/about",
    "/tags/streams",
];
const EMBEDDED: [&str; 6] = [
    "/static/site.css?v=14",
    "/static/site.js?v=14",
    "/images/logo.svg",
    "/favicon.ico",
    "/images/wheel.png",
    "/fonts/text.woff2",
];
const FEEDS: [&str; 2] = ["/feed.xml", "/articles/feed.atom"];
const STATUSES: [u32; 10] = [200, 200, 200, 200, 200, 200, 200, 304, 304, 301];
const REFERERS: [&str; 5] = [
    "-",
    "-",
    "https://search.example/?q=stream+processing",
    "https://news.example/item/40771",
    "https://weblog.example/\\xe4lter/\\\"links\\\"",
];
const SITE: &str = "https://www.example.org";
const BROWSERS: [&str; 7] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; rv:115.0) Gecko/20100101 Firefox/115.0",
    "-",
];
const ROBOTS: [&str; 4] = [
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/about)",
    "FeedFetcher/1.9 (+https://reader.example; 12 subscribers)",
    "curl/8.5.0",
    "UptimeCheck/3.0",
];

/// The lines that are no requests, in the order in which they appear.
const FLAWS: [&[u8]; 9] = [
    br#"10.4.19.77 - - [04/May/2026:07:41:12 +0000] "GET /articles/ HTTP/1.1" 200 9731 "-" "Mozilla/5.0 (X11; Linux x8"#,
    br#"10.9.201.6 - - [04/May/2026:15:"#,
    b"",
    br#"192.0.2.200 - - [05/May/2026:09:30:00 +0000] "GET /about HTTP/1.1" 20x 4410 "-" "curl/8.5.0""#,
    b"weir kernel: [81932.110482] Out of memory: Killed process 2131 (httpd)",
    b"\xff\xfe\x9c\xe4 - - [06/May/2026:11:02:45 +0000] \"GET / HTTP/1.1\" 200 5120 \"-\" \"-\"",
    b"",
    br#"10.77.3.14 - - [31/Apr/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5120 "-" "UptimeCheck/3.0""#,
    br#"198.51.100.9 - - [08/May/2026:18:20:31 +0000] "GET /tags/streams HTTP/1.1" 200 6102 "-" "curl/8.5.0" 0.031"#,
];

/// SplitMix64: a counter, scrambled. Source: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators",
/// OOPSLA 2014.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Ranks that are drawn by Zipf's law: the second as often as half the first, the third as a third.
struct Zipf {
    /// For each rank, the sum of its weight and of all before it.
    sums: Vec<u64>,
}

impl Zipf {
    fn new(ranks: usize) -> Zipf {
        let weights = (1..=ranks as u64).map(|rank| 1_000_000_000 / rank);
        let sum_up = |sum: &mut u64, weight| {
            *sum += weight;
            Some(*sum)
        };
        Zipf { sums: weights.scan(0, sum_up).collect() }
    }

    fn draw(&self, random: &mut Random) -> usize {
        let drawn = random.below(self.sums.last().copied().unwrap_or(1));
        self.sums.partition_point(|&sum| sum <= drawn)
    }
}

struct Client {
    address: String,
    user: &'static str,
    agent: &'static str,
    is_robot: bool,
}

impl Client {
    /// The client of that rank, which is part of the address, so that no two are the same.
    fn new(rank: usize, random: &mut Random) -> Client {
        let scattered = rank.wrapping_mul(0x9e_3779);
        let address = match rank {
            0..100 => format!("192.0.2.{}", rank + 1),
            100..200 => format!("198.51.100.{}", rank - 99),
            200..300 => format!("203.0.113.{}", rank - 199),
            _ if rank.is_multiple_of(20) => format!("2001:db8:{:x}::{rank:x}", random.below(0x1_0000)),
            _ if rank % 50 == 7 => format!("host-{rank}.example.net"),
            _ => format!("10.{}.{}.{}", scattered >> 16 & 0xff, scattered >> 8 & 0xff, scattered & 0xff),
        };
        let is_robot = random.one_in(CLIENTS_PER_ROBOT);
        let agent = if is_robot { random.pick(&ROBOTS) } else { random.pick(&BROWSERS) };
        Client { address, user: if random.one_in(60) { "editor" } else { "-" }, agent, is_robot }
    }
}

struct Request {
    client: usize,
    /// When it came and when it was answered, in seconds since the log began.
    came: u32,
    answered: u32,
    /// The fields between the time and the agent.
    text: String,
}

/// Writes a log of that many lines, flaws and all; a log of less than 18 lines has none.
///
/// # Errors
/// What writing to `out` gives.
pub(crate) fn write(out: &mut impl Write, lines: usize, seed: u64) -> io::Result<()> {
    let mut random = Random(seed);
    let is_flawed = lines >= 2 * FLAWS.len();
    let wanted = if is_flawed { lines - FLAWS.len() } else { lines };
    let clients: Vec<_> = (0..wanted.div_ceil(LINES_PER_CLIENT)).map(|rank| Client::new(rank, &mut random)).collect();
    let popularity = Zipf::new(clients.len());

    let mut requests = Vec::with_capacity(wanted);
    for visit_number in 0.. {
        if requests.len() >= wanted {
            break;
        }
        let client = if visit_number < clients.len() { visit_number } else { popularity.draw(&mut random) };
        visit(&mut requests, client, clients[client].is_robot, &mut random);
    }
    requests.truncate(wanted);
    requests.sort_by_key(|request| request.answered);

    let mut flaws = FLAWS.iter();
    let flaw_every = wanted / FLAWS.len();
    for (i, Request { client, came, text, .. }) in requests.iter().enumerate() {
        let Client { address, user, agent, .. } = &clients[*client];
        let (day, hour, minute, second) = (FIRST_DAY + came / DAY, came / 3600 % 24, came / 60 % 60, came % 60);
        write!(out, "{address} - {user} [{day:02}/May/2026:{hour:02}:{minute:02}:{second:02} +0000] ")?;
        writeln!(out, "{text} \"{agent}\"")?;
        if is_flawed
            && i % flaw_every == flaw_every / 2
            && let Some(flaw) = flaws.next()
        {
            out.write_all(flaw)?;
            out.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// Adds the requests of one visit.
fn visit(requests: &mut Vec<Request>, client: usize, is_robot: bool, random: &mut Random) {
    let mut add = |came: u32, method: &str, path: &str, status: u32, size: u64, referer: &str, random: &mut Random| {
        let took = if random.one_in(10) { random.below(u64::from(LONGEST_REQUEST) + 1) as u32 } else { 0 };
        let size = if status == 304 || method == "HEAD" { "-".to_owned() } else { size.to_string() };
        let text = format!("\"{method} {path} HTTP/1.1\" {status} {size} \"{referer}\"");
        requests.push(Request { client, came, answered: came + took, text });
    };
    let mut came = beginning(random);
    let mut referer = if is_robot { "-".to_owned() } else { random.pick(&REFERERS).to_owned() };
    loop {
        let page = if is_robot && random.one_in(3) { random.pick(&FEEDS) } else { random.pick(&PAGES) };
        let method = if is_robot && random.one_in(8) { "HEAD" } else { "GET" };
        let (path, status) = match random.below(80) {
            0 => (page, 500),
            1 | 2 => ("/wp-login.php", 404),
            _ => (page, random.pick(&STATUSES)),
        };
        let size = if status == 200 { 3_000 + page.len() as u64 * 977 + random.below(64) } else { 512 };
        add(came, method, path, status, size, &referer, random);
        if is_robot {
            came += 30 + random.below(600) as u32;
        } else {
            referer = format!("{SITE}{page}");
            for embedded in EMBEDDED {
                if random.one_in(4) {
                    let status = if random.one_in(3) { 304 } else { 200 };
                    let size = embedded.len() as u64 * 1_733;
                    add(came + random.below(3) as u32, "GET", embedded, status, size, &referer, random);
                }
            }
            let longest = if random.one_in(8) { 1_790 } else { 180 };
            came += 5 + random.below(longest) as u32;
        }
        if random.one_in(2) {
            return;
        }
    }
}

/// A second at which a visit begins: any day, and an hour as busy as it is.
fn beginning(random: &mut Random) -> u32 {
    let mut part = random.below(HOURS.iter().sum());
    let mut hour = 0;
    while part >= HOURS[hour] {
        part -= HOURS[hour];
        hour += 1;
    }
    random.below(u64::from(DAYS)) as u32 * DAY + hour as u32 * 3600 + random.below(3600) as u32
}
