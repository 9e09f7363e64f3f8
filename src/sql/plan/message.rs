//! Messages of the planner's library as ours: on one line, in SQL's words for types, and with what to write.

/// What kind of mistake the library says it is; that does not help.
const KINDS: [&str; 6] = [
    "Error during planning: ",
    "Schema error: ",
    "SQL error: ",
    "This feature is not implemented: ",
    "Execution error: ",
    "Internal error: ",
];

/// The library's names of types, and SQL's. Those of which it writes constants, like `Int64(3)`, stand before their value.
const TYPES: [(&str, &str); 15] = [
    ("Utf8View", "STRING"),
    ("Utf8", "STRING"),
    ("BinaryView", "BYTES"),
    ("Boolean", "BOOLEAN"),
    ("Int8", "TINYINT"),
    ("Int16", "SMALLINT"),
    ("Int32", "INT"),
    ("Int64", "BIGINT"),
    ("UInt64", "BIGINT"),
    ("Float32", "FLOAT"),
    ("Float64", "DOUBLE"),
    ("Date32", "DATE"),
    ("Decimal128", "DECIMAL"),
    ("Timestamp(ms)", "TIMESTAMP(3)"),
    ("Timestamp(ms, \"UTC\")", "TIMESTAMP_LTZ(3)"),
];

/// A message of the library's as one of ours.
pub(super) fn mended(message: &str) -> String {
    let message = KINDS.iter().find_map(|kind| message.strip_prefix(kind)).unwrap_or(message).trim_end();
    if let Some((_, rest)) = message.split_once("While expanding wildcard, column \"")
        && let Some((column, grouped)) = rest.split_once('"')
    {
        let same = ["tumble_start(", "hop_start(", "session_start("].iter().any(|bound| grouped.contains(bound));
        let same = if same { "; the bounds of a window have the same arguments as the window" } else { "" };
        return format!("`{column}` is neither in GROUP BY nor in an aggregate function{same}");
    }
    if message.starts_with("Ambiguous reference") {
        return format!("{message}: write the name of its table before it");
    }
    if let Some((_, rest)) = message.split_once("No function matches the given name and argument types '")
        && let Some((call, _)) = rest.split_once('\'')
        && let Some((function, types)) = call.split_once('(')
    {
        let (function, types) = (function.to_uppercase(), in_sql(types.strip_suffix(')').unwrap_or(types)));
        return format!("there is no {function}({types}); cast what it is of, or see `millstream functions`");
    }
    if let Some((_, rest)) = message.split_once("Projections require unique expression names but the expression \"")
        && let Some((expression, _)) = rest.split_once('"')
    {
        return format!("two columns would be called `{}`; name one of them with AS", in_sql(expression));
    }
    if message.contains("GetFieldAccess not supported") {
        return "[..] takes an element of an ARRAY or a value of a MAP; this is neither".to_owned();
    }
    in_sql(&message.replace('\n', " "))
}

/// A text with SQL's words for types, and constants without theirs.
fn in_sql(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_begun = out.ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name = TYPES.iter().filter(|(name, _)| rest.starts_with(name)).max_by_key(|(name, _)| name.len());
        if let (false, Some((name, instead))) = (is_begun, name) {
            let behind = &rest[name.len()..];
            let is_word = behind.starts_with(|next: char| next.is_alphanumeric() || next == '_');
            let constant = behind.strip_prefix('(').and_then(|value| value.split_once(')'));
            match constant {
                _ if is_word => {}
                Some((value, behind)) if *name != "Decimal128" => {
                    out.push_str(value);
                    rest = behind;
                    continue;
                }
                _ => {
                    out.push_str(instead);
                    rest = behind;
                    continue;
                }
            }
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[test]
    fn types_and_constants_are_as_sql_writes_them() {
        for (message, ours) in [
            ("Error during planning: Cannot coerce Utf8View + Int64", "Cannot coerce STRING + BIGINT"),
            ("t.id > Int64(3) AND t.s = Utf8(\"a\")", "t.id > 3 AND t.s = \"a\""),
            ("Timestamp(ms) > Timestamp(ms, \"UTC\")", "TIMESTAMP(3) > TIMESTAMP_LTZ(3)"),
            ("Decimal128(10, 2) is no Int64s or myInt64", "DECIMAL(10, 2) is no Int64s or myInt64"),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(mended(message), ours);
        }
    }

    #[test]
    fn a_function_that_does_not_exist_for_its_arguments_is_told_in_short() {
        let message = "Internal error: Function 'sum' failed to match any signature, errors: many. This issue was likely caused by \
                       a bug. No function matches the given name and argument types 'sum(Utf8View, Decimal128(3, 1))'. You might \
                       need to add casts.\n\tCandidate functions: many";
        let ours = "there is no SUM(STRING, DECIMAL(3, 1)); cast what it is of, or see `millstream functions`";
        assert_eq!(mended(message), ours);
    }
}
