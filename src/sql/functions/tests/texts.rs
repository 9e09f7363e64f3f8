//! Texts, regular expressions, codes, addresses.

use super::hold;

#[test]
fn parts_of_texts_are_found() {
    hold(&[
        ("CHAR_LENGTH(s)", "11"),
        ("CHARACTER_LENGTH('Grüße')", "5"),
        ("CHAR_LENGTH(no_s)", "NULL"),
        ("SUBSTRING(s FROM 7)", "World"),
        ("SUBSTRING(s FROM 7 FOR 3)", "Wor"),
        ("SUBSTRING(s, 0, 5)", "Hello"),
        ("SUBSTR(s, -5, 2)", "Wo"),
        ("SUBSTR(s, -50)", ""),
        ("SUBSTRING(s, 50)", ""),
        ("SUBSTRING(s, 2, -1)", "NULL"),
        ("SUBSTRING('Grüße', 3, 2)", "üß"),
        ("LEFT(s, 5)", "Hello"),
        ("LEFT(s, -5)", ""),
        ("RIGHT(s, 5)", "World"),
        ("RIGHT(s, 50)", "Hello World"),
        ("RIGHT(s, no_n)", "NULL"),
        ("POSITION('o' IN s)", "5"),
        ("POSITION('x' IN s)", "0"),
        ("LOCATE('o', s, 6)", "8"),
        ("LOCATE('', 'abc')", "1"),
        ("LOCATE('o', s, 0)", "0"),
        ("INSTR('Grüße', 'ß')", "4"),
        ("INSTR(s, no_s)", "NULL"),
        ("SPLIT_INDEX('a,b,,d', ',', 2)", ""),
        ("SPLIT_INDEX('a,b', ',', 2)", "NULL"),
        ("SPLIT_INDEX('a,b', ',', -1)", "NULL"),
        ("SPLIT_INDEX('a,b', 44, 1)", "b"),
        ("SPLIT_INDEX(s, ' ', 1)", "World"),
        ("ELT(2, 'a', s)", "Hello World"),
        ("ELT(3, 'a', s)", "NULL"),
        ("STARTSWITH(s, 'Hell')", "TRUE"),
        ("ENDSWITH(s, 'Hell')", "FALSE"),
        ("ENDSWITH(no_s, 'Hell')", "NULL"),
        ("ASCII('abc')", "97"),
        ("ASCII('')", "0"),
        ("CHR(97)", "a"),
        ("CHR(353)", "a"),
        ("CHR(-1)", ""),
    ]);
}

#[test]
fn texts_are_made_of_texts() {
    hold(&[
        ("UPPER(s)", "HELLO WORLD"),
        ("LOWER(s)", "hello world"),
        ("UPPER(no_s)", "NULL"),
        ("TRIM('  a ')", "a"),
        ("TRIM(BOTH 'x' FROM 'xxaxx')", "a"),
        ("TRIM(LEADING 'x' FROM 'xxaxx')", "axx"),
        ("TRIM(TRAILING 'x' FROM 'xxaxx')", "xxa"),
        ("TRIM(TRAILING FROM 'a ')", "a"),
        ("LTRIM('  a ')", "a "),
        ("LTRIM('xya', 'yx')", "a"),
        ("RTRIM('  a ')", "  a"),
        ("BTRIM('xyax', 'yx')", "a"),
        ("REPLACE('ababab', 'abab', 'z')", "zab"),
        ("OVERLAY('xxxxxtest' PLACING 'xxxx' FROM 6)", "xxxxxxxxx"),
        ("OVERLAY('xxxxxtest' PLACING 'xxxx' FROM 6 FOR 2)", "xxxxxxxxxst"),
        ("OVERLAY('abc' PLACING 'x' FROM 5)", "abc"),
        ("CONCAT('AA', 'BB', s)", "AABBHello World"),
        ("CONCAT('AA', no_s)", "NULL"),
        ("CONCAT_WS('~', 'AA', no_s, 'BB', '', 'CC')", "AA~BB~~CC"),
        ("CONCAT_WS(no_s, 'AA')", "NULL"),
        ("s || '!'", "Hello World!"),
        ("s || no_s", "NULL"),
        ("LPAD('hi', 4, '??')", "??hi"),
        ("LPAD('hi', 1, '??')", "h"),
        ("LPAD('hi', 5, 'ab')", "abahi"),
        ("LPAD('hi', 4, '')", "NULL"),
        ("RPAD('hi', 4, '??')", "hi??"),
        ("RPAD('hi', -1, '??')", "NULL"),
        ("REPEAT('ab', 3)", "ababab"),
        ("REPEAT('ab', -3)", ""),
        ("REPEAT(s, 100000000)", "error: is more than"),
        ("REVERSE('Grüße')", "eßürG"),
        ("INITCAP('hello wORLD-2nd')", "Hello World-2nd"),
        ("TRANSLATE('3.14', '.3', ',')", ",14"),
        ("TRANSLATE('abc', 'ab', 'xy')", "xyc"),
        ("SPLIT('a,b', ',')", "[a, b]"),
        ("UPPER(n)", "error: "),
    ]);
}

#[test]
fn regular_expressions_find_and_replace() {
    hold(&[
        ("REGEXP(s, '^H.*d$')", "TRUE"),
        ("REGEXP(s, 'x')", "FALSE"),
        ("REGEXP(no_s, 'x')", "NULL"),
        ("REGEXP_REPLACE('foobar', 'oo|ar', '')", "fb"),
        ("REGEXP_REPLACE('a1b22', '([0-9]+)', '<$1>')", "a<1>b<22>"),
        ("REGEXP_REPLACE('a1', '(?<digit>[0-9])', '${digit}\\$')", "a1$"),
        ("REGEXP_REPLACE('a1', '([0-9])', '$10')", "a10"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 2)", "bar"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)')", "foothebar"),
        ("REGEXP_EXTRACT('foothebar', 'foo(.*?)(bar)', 3)", "NULL"),
        ("REGEXP_EXTRACT('x', 'y')", "NULL"),
        ("REGEXP_EXTRACT_ALL('a1b2', '[a-z]([0-9])')", "[1, 2]"),
        ("REGEXP_EXTRACT_ALL('a1b2', '[a-z]([0-9])', 0)", "[a1, b2]"),
        ("REGEXP_COUNT('a1b22', '[0-9]')", "3"),
        ("REGEXP_INSTR('Grü1', '[0-9]')", "4"),
        ("REGEXP_INSTR('x', '[0-9]')", "0"),
        ("REGEXP_SUBSTR('a1b22', '[0-9]{2}')", "22"),
        ("REGEXP_SUBSTR(no_s, 'x')", "NULL"),
        ("REGEXP(s, '(')", "error: the pattern `(` cannot be read"),
        ("s LIKE 'Hello%'", "TRUE"),
        ("s NOT LIKE '_ello%'", "FALSE"),
        ("no_s LIKE 'a'", "NULL"),
        ("'50%' LIKE '50!%' ESCAPE '!'", "TRUE"),
        ("'505' LIKE '50!%' ESCAPE '!'", "FALSE"),
        ("'a!b' LIKE 'a!!_' ESCAPE '!'", "TRUE"),
        (r"'a\b' LIKE 'a\b'", "TRUE"),
        (r"'a%' LIKE 'a\%'", "FALSE"),
        (r"'a%' LIKE 'a\%' ESCAPE '\'", "TRUE"),
        (r"'a\b' LIKE REPEAT('a\b', n - 4)", "TRUE"),
        ("s SIMILAR TO '(Hello|Bye)%'", "TRUE"),
        ("s SIMILAR TO 'Hello'", "FALSE"),
        ("'a.c' SIMILAR TO 'a.c'", "TRUE"),
        ("'abc' SIMILAR TO 'a.c'", "FALSE"),
        ("'abc' NOT SIMILAR TO 'a_[a-c]'", "FALSE"),
    ]);
}

#[test]
fn codes_are_written_and_read() {
    hold(&[
        ("MD5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
        ("MD5(no_s)", "NULL"),
        ("SHA1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "SHA1('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')",
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        ),
        ("SHA1('')", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("SHA224('abc')", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ("SHA256('abc')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("SHA2('abc', 256)", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("SHA2('abc', 100)", "error: there is no digest with 100 bits"),
        ("CHAR_LENGTH(SHA384('abc')) + CHAR_LENGTH(SHA512('abc'))", "224"),
        ("TO_BASE64('hello world')", "aGVsbG8gd29ybGQ="),
        ("FROM_BASE64('aGVsbG8gd29ybGQ=')", "hello world"),
        ("FROM_BASE64('!')", "error: is no base 64"),
        ("DECODE(ENCODE('Grüße', 'UTF-16'), 'UTF-16')", "Grüße"),
        ("DECODE(ENCODE('Grüße', 'US-ASCII'), 'US-ASCII')", "Gr??e"),
        ("HEX(ENCODE('ü', 'ISO-8859-1'))", "FC"),
        ("ENCODE(s, 'UTF-7')", "error: no character set is called `UTF-7`"),
        ("BIN(4)", "100"),
        ("BIN(no_n)", "NULL"),
        ("HEX(20)", "14"),
        ("HEX(-1)", "FFFFFFFFFFFFFFFF"),
        ("HEX('hello,world')", "68656C6C6F2C776F726C64"),
        ("CAST(UNHEX('466c696e6b') AS STRING)", "Flink"),
        ("UNHEX('xyz')", "NULL"),
        ("URL_ENCODE('https://a.b/?x=ü y')", "https%3A%2F%2Fa.b%2F%3Fx%3D%C3%BC+y"),
        ("URL_DECODE('https%3A%2F%2Fa.b%2F%3Fx%3D%C3%BC+y')", "https://a.b/?x=ü y"),
        ("URL_DECODE('%x')", "NULL"),
    ]);
}

#[test]
fn addresses_are_cut_into_their_parts() {
    let url = "'http://me:pw@example.com:80/path1/p.php?k1=v1&k2=v2#Ref1'";
    let cases = [
        ("HOST", "example.com"),
        ("PATH", "/path1/p.php"),
        ("QUERY", "k1=v1&k2=v2"),
        ("REF", "Ref1"),
        ("PROTOCOL", "http"),
        ("AUTHORITY", "me:pw@example.com:80"),
        ("FILE", "/path1/p.php?k1=v1&k2=v2"),
        ("USERINFO", "me:pw"),
        ("NOTHING", "NULL"),
    ];
    for (part, expected) in cases {
        hold(&[(&format!("PARSE_URL({url}, '{part}')"), expected)]);
    }
    hold(&[
        (&format!("PARSE_URL({url}, 'QUERY', 'k2')"), "v2"),
        (&format!("PARSE_URL({url}, 'QUERY', 'k3')"), "NULL"),
        (&format!("PARSE_URL({url}, 'HOST', 'k2')"), "NULL"),
        ("PARSE_URL('no address', 'HOST')", "NULL"),
        ("PARSE_URL('http://[::1]:80/', 'HOST')", "[::1]"),
    ]);
}
