//! Codes: digests, base 64, character sets, number bases.

use super::function::{Function, function};
use crate::sql::text::base64;
use arrow::datatypes::{DataType, Field};
use datafusion_common::ScalarValue;
use datafusion_common::config::ConfigOptions;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let mut functions = vec![
        function("sha1", "SHA1(string)", "The SHA-1 digest, in 40 hexadecimal digits.")
            .of(|text: &str| hex(&sha1(text.as_bytes())))
            .of(|bytes: &[u8]| hex(&sha1(bytes))),
        function(
            "sha2",
            "SHA2(string, bits)",
            "The digest of the SHA-2 family with 224, 256, 384 or 512 bits, in hexadecimal digits.",
        )
        .of(|text: &str, bits: i32| sha2(text.as_bytes(), bits))
        .of(|bytes: &[u8], bits: i32| sha2(bytes, bits)),
        function("to_base64", "TO_BASE64(string)", "The text or bytes in base 64.")
            .of(|text: &str| encoded(text.as_bytes()))
            .of(encoded),
        function("from_base64", "FROM_BASE64(string)", "The text that base 64 stands for.").of(
            |text: &str| -> Result<String, String> {
                let bytes = base64::read(text).ok_or_else(|| format!("`{text}` is no base 64"))?;
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            },
        ),
        function(
            "encode",
            "ENCODE(string, charset)",
            "The bytes of a text in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE.",
        )
        .of(|text: &str, charset: &str| Ok::<_, String>(Charset::of(charset)?.encode(text))),
        function(
            "decode",
            "DECODE(bytes, charset)",
            "The text of bytes in US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE or UTF-16LE.",
        )
        .of(|bytes: &[u8], charset: &str| Ok::<_, String>(Charset::of(charset)?.decode(bytes))),
        function("bin", "BIN(number)", "A whole number in binary digits.").of(|number: i64| format!("{number:b}")),
        function("hex", "HEX(number or string)", "A whole number, or the bytes of a text, in hexadecimal digits.")
            .of(|number: i64| format!("{number:X}"))
            .of(|text: &str| hex(text.as_bytes()).to_uppercase())
            .of(|bytes: &[u8]| hex(bytes).to_uppercase()),
        function("unhex", "UNHEX(string)", "The bytes that hexadecimal digits stand for; NULL if they are none.")
            .of(|text: &str| unhex(text)),
    ];
    for (name, bits) in [("md5", 128), ("sha224", 224), ("sha256", 256), ("sha384", 384), ("sha512", 512)] {
        let title = name.to_uppercase();
        let doc = format!("The {title} digest, in {} hexadecimal digits.", bits / 4);
        let of = function(name, &format!("{title}(string)"), &doc)
            .of(move |text: &str| digest(text.as_bytes(), bits))
            .of(move |bytes: &[u8]| digest(bytes, bits));
        functions.push(of);
    }
    functions
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    // An odd number of digits has a zero in front.
    let (first, rest) = digits.split_at(digits.len() % 2);
    Some(first.iter().copied().chain(rest.chunks(2).map(|pair| pair[0] << 4 | pair[1])).collect())
}

fn encoded(bytes: &[u8]) -> String {
    let mut out = String::new();
    base64::write(&mut out, bytes);
    out
}

fn sha2(bytes: &[u8], bits: i32) -> Result<String, String> {
    match bits {
        224 | 256 | 384 | 512 => digest(bytes, bits),
        _ => Err(format!("there is no digest with {bits} bits, but with 224, 256, 384, and 512")),
    }
}

/// The digest by the library's function; 128 bits are MD5.
fn digest(bytes: &[u8], bits: i32) -> Result<String, String> {
    use datafusion_functions::crypto;
    let function: Arc<ScalarUDF> = match bits {
        128 => crypto::md5(),
        224 => crypto::sha224(),
        256 => crypto::sha256(),
        384 => crypto::sha384(),
        _ => crypto::sha512(),
    };
    let argument = ScalarValue::Binary(Some(bytes.to_vec()));
    let given = [DataType::Binary];
    let gives = function.return_type(&given).map_err(|error| error.strip_backtrace())?;
    let arguments = ScalarFunctionArgs {
        args: vec![ColumnarValue::Scalar(argument)],
        arg_fields: vec![Arc::new(Field::new("", DataType::Binary, true))],
        number_rows: 1,
        return_field: Arc::new(Field::new("", gives, true)),
        config_options: Arc::new(ConfigOptions::default()),
    };
    match function.invoke_with_args(arguments).map_err(|error| error.strip_backtrace())? {
        ColumnarValue::Scalar(ScalarValue::Binary(Some(bytes)) | ScalarValue::BinaryView(Some(bytes))) => {
            Ok(hex(&bytes))
        }
        ColumnarValue::Scalar(ScalarValue::Utf8View(Some(text)) | ScalarValue::Utf8(Some(text))) => Ok(text),
        other => Err(format!("a digest is a {}", other.data_type())),
    }
}

/// Source: FIPS 180-4, section 6.1.
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut message = bytes.to_vec();
    message.push(0x80);
    message.resize(message.len().next_multiple_of(64) + if message.len() % 64 > 56 { 64 } else { 0 }, 0);
    let end = message.len() - 8;
    message[end..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (mixed, constant) = match at / 20 {
                0 => (b & c | !b & d, 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
            (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
        }
        for (kept, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *kept = kept.wrapping_add(new);
        }
    }
    let mut out = [0; 20];
    for (bytes, word) in out.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    out
}

/// How characters are written as bytes.
enum Charset {
    Ascii,
    Latin,
    Utf8,
    Utf16 { little: bool, marked: bool },
}

impl Charset {
    fn of(name: &str) -> Result<Self, String> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "US-ASCII" => Charset::Ascii,
            "ISO-8859-1" => Charset::Latin,
            "UTF-8" => Charset::Utf8,
            "UTF-16" => Charset::Utf16 { little: false, marked: true },
            "UTF-16BE" => Charset::Utf16 { little: false, marked: false },
            "UTF-16LE" => Charset::Utf16 { little: true, marked: false },
            _ => {
                let known = "US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-16BE, UTF-16LE";
                return Err(format!("no character set is called `{name}`; there are {known}"));
            }
        })
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        let narrow = |below: u32| text.chars().map(|c| if u32::from(c) < below { c as u8 } else { b'?' }).collect();
        match self {
            Charset::Ascii => narrow(128),
            Charset::Latin => narrow(256),
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Utf16 { little, marked } => {
                let units = marked.then_some(0xfeff).into_iter().chain(text.encode_utf16());
                units.flat_map(|unit| if *little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
            }
        }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        match self {
            Charset::Ascii => bytes
                .iter()
                .map(|byte| if byte.is_ascii() { char::from(*byte) } else { char::REPLACEMENT_CHARACTER })
                .collect(),
            Charset::Latin => bytes.iter().copied().map(char::from).collect(),
            Charset::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Charset::Utf16 { little, marked } => {
                let is_little = *little || (*marked && bytes.starts_with(&[0xff, 0xfe]));
                let is_marked = *marked && (is_little || bytes.starts_with(&[0xfe, 0xff]));
                let bytes = if is_marked { &bytes[2..] } else { bytes };
                let unit = |pair: &[u8]| match pair {
                    [first, second] if is_little => u16::from_le_bytes([*first, *second]),
                    [first, second] => u16::from_be_bytes([*first, *second]),
                    _ => 0xfffd,
                };
                String::from_utf16_lossy(&bytes.chunks(2).map(unit).collect::<Vec<_>>())
            }
        }
    }
}
