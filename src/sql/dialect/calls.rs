//! Calls whose arguments have a grammar of their own, rewritten to calls with plain arguments. Places are kept.
//!
//! * `FLOOR(ts TO HOUR)`, `CEIL(..)`: `FLOOR_TIME(ts, 'HOUR')`.
//! * `TIMESTAMPADD(HOUR, 1, ts)`, `TIMESTAMPDIFF(..)`: the unit becomes a text.
//! * `JSON_VALUE(j, p RETURNING INT DEFAULT 0 ON EMPTY)`: `JSON_VALUE(j, p, CAST(NULL AS INT), 'DEFAULT', 0, 'NULL', NULL)`; in
//!   JSON_QUERY, JSON_EXISTS, JSON_OBJECT and JSON_ARRAY, and the aggregates of these, clauses become texts likewise.
//! * `x IS [NOT] JSON OBJECT`: `x IS [NOT DISTINCT | DISTINCT] FROM IS_JSON_OF('OBJECT')`, which binds as tightly.
//! * `IS [NOT] DISTINCT FROM`: one operator, so that `a IS DISTINCT FROM b AND c` ends with `b`.
//! * `TRIM(LEADING FROM s)`: `TRIM(LEADING ' ' FROM s)`.
//! * `CAST(x AS ROW<..>)`: `CAST(x AS STRUCT<..>)`.
//! * `MAP[k, v]`: `MAP(k, v)`.
//! * `f(x).a`, `list[1].a`: `f(x)['a']`, `list[1]['a']`.
//! * `BETWEEN ASYMMETRIC`: `BETWEEN`.
//!
//! What does not have the form of such a call stays as it is, for the parser to refuse.

use crate::sql::types::is_word;
use datafusion_sql::sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan, Word};

/// The operator that [`rewrite`] makes of `IS DISTINCT FROM`. The parser takes all that follows for its right side.
pub(in crate::sql) const DISTINCT: &str = "IS DISTINCT FROM";

/// The operator that [`rewrite`] makes of `IS NOT DISTINCT FROM`.
pub(in crate::sql) const NOT_DISTINCT: &str = "IS NOT DISTINCT FROM";

/// Rewrites all such calls among some tokens.
pub(super) fn rewrite(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map(|next| &next.token);
        if is_word(&token.token, "IS")
            && let Some((made, length)) = is_json(&tokens[at..])
        {
            out.extend(made);
            at += length;
            continue;
        }
        if is_word(&token.token, "IS")
            && let Some((operator, length)) = distinct(&tokens[at..])
        {
            out.push(like(token, Token::CustomBinaryOperator(operator.to_owned())));
            at += length;
            continue;
        }
        let is_behind = out.last().is_some_and(|last| matches!(last.token, Token::RParen | Token::RBracket));
        if let (true, Token::Period, Some(Token::Word(name))) = (is_behind, &token.token, next) {
            out.push(like(token, Token::LBracket));
            out.push(text(tokens[at + 1].span, &name.value));
            out.push(like(token, Token::RBracket));
            at += 2;
            continue;
        }
        if is_word(&token.token, "BETWEEN") && next.is_some_and(|next| is_word(next, "ASYMMETRIC")) {
            out.push(token.clone());
            at += 2;
            continue;
        }
        let (open, is_map) = match next {
            Some(Token::LParen) => (Token::LParen, false),
            Some(Token::LBracket) if is_word(&token.token, "MAP") => (Token::LBracket, true),
            _ => {
                out.push(token.clone());
                at += 1;
                continue;
            }
        };
        let Some(end) = closing(tokens, at + 1, &open) else {
            out.push(token.clone());
            at += 1;
            continue;
        };
        let inner = rewrite(&tokens[at + 2..end]);
        if is_map {
            out.push(token.clone());
            out.push(like(&tokens[at + 1], Token::LParen));
            out.extend(inner);
            out.push(like(&tokens[end], Token::RParen));
        } else {
            let (name, inner) = call(token, inner);
            out.push(name);
            out.push(tokens[at + 1].clone());
            out.extend(inner);
            out.push(tokens[end].clone());
        }
        at = end + 1;
    }
    out
}

/// Where the parenthesis or bracket that opens at a place is closed.
fn closing(tokens: &[TokenWithSpan], from: usize, open: &Token) -> Option<usize> {
    let close = if *open == Token::LParen { Token::RParen } else { Token::RBracket };
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if token.token == *open {
            depth += 1;
        } else if token.token == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// One call: its name and what stands in its parentheses.
fn call(name: &TokenWithSpan, inner: Vec<TokenWithSpan>) -> (TokenWithSpan, Vec<TokenWithSpan>) {
    let Token::Word(Word { value, quote_style: None, .. }) = &name.token else { return (name.clone(), inner) };
    let rewritten = match value.to_ascii_uppercase().as_str() {
        "FLOOR" => to_unit(&inner).map(|inner| (word(name.span, "FLOOR_TIME"), inner)),
        "CEIL" | "CEILING" => to_unit(&inner).map(|inner| (word(name.span, "CEIL_TIME"), inner)),
        "TIMESTAMPADD" | "TIMESTAMPDIFF" => first_as_text(&inner).map(|inner| (name.clone(), inner)),
        "CAST" | "TRY_CAST" => Some((name.clone(), rows_as_structs(&inner))),
        "TRIM" => blanks(&inner).map(|inner| (name.clone(), inner)),
        "JSON_VALUE" => json_value(&inner).map(|inner| (name.clone(), inner)),
        "JSON_QUERY" => json_query(&inner).map(|inner| (name.clone(), inner)),
        "JSON_EXISTS" => json_exists(&inner).map(|inner| (name.clone(), inner)),
        "JSON_OBJECT" => json_made(&inner, name.span, true).map(|inner| (name.clone(), inner)),
        "JSON_ARRAY" => json_made(&inner, name.span, false).map(|inner| (name.clone(), inner)),
        "JSON_OBJECTAGG" => json_made(&inner, name.span, true).and_then(aggregated).map(|inner| (name.clone(), inner)),
        "JSON_ARRAYAGG" => json_made(&inner, name.span, false).and_then(aggregated).map(|inner| (name.clone(), inner)),
        _ => None,
    };
    rewritten.unwrap_or_else(|| (name.clone(), inner))
}

fn like(token: &TokenWithSpan, made: Token) -> TokenWithSpan {
    TokenWithSpan { token: made, span: token.span }
}

fn word(span: Span, name: &str) -> TokenWithSpan {
    let found = ALL_KEYWORDS.binary_search(&name).map(|at| ALL_KEYWORDS_INDEX[at]);
    let keyword = found.unwrap_or(Keyword::NoKeyword);
    TokenWithSpan { token: Token::Word(Word { value: name.to_owned(), quote_style: None, keyword }), span }
}

fn text(span: Span, text: &str) -> TokenWithSpan {
    TokenWithSpan { token: Token::SingleQuotedString(text.to_owned()), span }
}

fn comma(span: Span) -> TokenWithSpan {
    TokenWithSpan { token: Token::Comma, span }
}

/// The places of tokens that stand in no inner parentheses.
fn outer(tokens: &[TokenWithSpan]) -> impl Iterator<Item = (usize, &TokenWithSpan)> {
    let mut depth = 0_usize;
    tokens.iter().enumerate().filter(move |(_, token)| {
        let is_outer = depth == 0;
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_outer
    })
}

/// Whether these words follow at a place.
fn sees(tokens: &[TokenWithSpan], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(nth, word)| tokens.get(at + nth).is_some_and(|token| is_word(&token.token, word)))
}

/// The parts between outer commas.
fn arguments(tokens: &[TokenWithSpan]) -> Vec<&[TokenWithSpan]> {
    let commas: Vec<usize> = outer(tokens).filter(|(_, token)| token.token == Token::Comma).map(|(at, _)| at).collect();
    let mut parts = Vec::new();
    let mut from = 0;
    for at in commas.into_iter().chain([tokens.len()]) {
        parts.push(&tokens[from..at]);
        from = at + 1;
    }
    parts
}

/// `ts TO HOUR`.
fn to_unit(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let [time @ .., to, unit] = inner else { return None };
    let Token::Word(Word { value, quote_style: None, .. }) = &unit.token else { return None };
    if !is_word(&to.token, "TO") || time.is_empty() {
        return None;
    }
    Some(time.iter().cloned().chain([comma(to.span), text(unit.span, value)]).collect())
}

/// `HOUR, 1, ts`.
fn first_as_text(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let [unit, comma, rest @ ..] = inner else { return None };
    let Token::Word(Word { value, quote_style: None, .. }) = &unit.token else { return None };
    if comma.token != Token::Comma {
        return None;
    }
    Some([text(unit.span, value), comma.clone()].into_iter().chain(rest.iter().cloned()).collect())
}

/// `LEADING FROM s`.
fn blanks(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let [side, from, ..] = inner else { return None };
    let is_side = ["BOTH", "LEADING", "TRAILING"].iter().any(|name| is_word(&side.token, name));
    if !is_side || !is_word(&from.token, "FROM") {
        return None;
    }
    Some([side.clone(), text(from.span, " ")].into_iter().chain(inner[1..].iter().cloned()).collect())
}

fn rows_as_structs(inner: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let opens = |at: usize| inner.get(at + 1).is_some_and(|next| next.token == Token::Lt);
    let made = inner.iter().enumerate().map(|(at, token)| match &token.token {
        name if is_word(name, "ROW") && opens(at) => word(token.span, "STRUCT"),
        _ => token.clone(),
    });
    made.collect()
}

/// `IS [NOT] DISTINCT FROM`; with how many tokens it has.
fn distinct(tokens: &[TokenWithSpan]) -> Option<(&'static str, usize)> {
    if sees(tokens, 1, &["DISTINCT", "FROM"]) {
        return Some((DISTINCT, 3));
    }
    sees(tokens, 1, &["NOT", "DISTINCT", "FROM"]).then_some((NOT_DISTINCT, 4))
}

/// What stands in front of `ON EMPTY` or `ON ERROR`: a word or two, and behind DEFAULT an expression.
struct Clause<'t> {
    is_error: bool,
    words: &'t [TokenWithSpan],
}

/// Cuts `a b ON EMPTY c ON ERROR` into its clauses.
fn clauses(tokens: &[TokenWithSpan]) -> Option<Vec<Clause<'_>>> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, token) in outer(tokens) {
        let is_end = is_word(&token.token, "ON");
        let kind = tokens.get(at + 1).map(|next| (is_word(&next.token, "EMPTY"), is_word(&next.token, "ERROR")));
        if let (true, Some((empty, error))) = (is_end, kind)
            && (empty || error)
        {
            found.push(Clause { is_error: error, words: &tokens[from..at] });
            from = at + 2;
        }
    }
    (from == tokens.len() && found.iter().all(|clause| !clause.words.is_empty())).then_some(found)
}

/// Where the clauses of a JSON function begin: behind the path, which is one argument.
fn clauses_from(inner: &[TokenWithSpan], words: &[&str]) -> Option<usize> {
    let path = outer(inner).find(|(_, token)| token.token == Token::Comma)?.0 + 1;
    let begins = |at: usize| words.iter().any(|word| sees(inner, at, &[word]));
    // A path begins with an expression, so the first token is none of the words.
    outer(inner).find(|(at, _)| *at > path && begins(*at)).map(|(at, _)| at)
}

fn json_value(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let from = clauses_from(inner, &["RETURNING", "NULL", "ERROR", "DEFAULT"])?;
    let span = inner[from].span;
    let (front, mut rest) = inner.split_at(from);
    let mut made = front.to_vec();
    let null = || word(span, "NULL");
    made.push(comma(span));
    if sees(rest, 0, &["RETURNING"]) {
        let begins = |at: usize| at > 1 && ["NULL", "ERROR", "DEFAULT"].iter().any(|word| sees(rest, at, &[word]));
        let end = outer(rest).find(|(at, _)| begins(*at)).map_or(rest.len(), |(at, _)| at);
        made.extend([word(span, "CAST"), like(&inner[from], Token::LParen), null(), word(span, "AS")]);
        made.extend(rest[1..end].iter().cloned());
        made.push(like(&inner[from], Token::RParen));
        rest = &rest[end..];
    } else {
        made.push(null());
    }
    let clauses = clauses(rest)?;
    for is_error in [false, true] {
        let mut of_kind = clauses.iter().filter(|clause| clause.is_error == is_error);
        let (name, default) = match of_kind.next().map(|clause| clause.words) {
            None => ("NULL", vec![null()]),
            Some([only]) if is_word(&only.token, "NULL") => ("NULL", vec![null()]),
            Some([only]) if is_word(&only.token, "ERROR") => ("ERROR", vec![null()]),
            Some([first, value @ ..]) if is_word(&first.token, "DEFAULT") && !value.is_empty() => {
                ("DEFAULT", value.to_vec())
            }
            Some(_) => return None,
        };
        if of_kind.next().is_some() {
            return None;
        }
        made.extend([comma(span), text(span, name), comma(span)]);
        made.extend(default);
    }
    Some(made)
}

fn json_query(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let from = clauses_from(inner, &["WITHOUT", "WITH", "NULL", "EMPTY", "ERROR"])?;
    let span = inner[from].span;
    let (front, mut rest) = inner.split_at(from);
    let mut wrapper = "WITHOUT";
    for (words, name) in [
        (&["WITHOUT"][..], "WITHOUT"),
        (&["WITH", "CONDITIONAL"], "CONDITIONAL"),
        (&["WITH", "UNCONDITIONAL"], "UNCONDITIONAL"),
        (&["WITH"], "UNCONDITIONAL"),
    ] {
        if sees(rest, 0, words) {
            let length = words.len() + usize::from(sees(rest, words.len(), &["ARRAY"]));
            if !sees(rest, length, &["WRAPPER"]) {
                return None;
            }
            (wrapper, rest) = (name, &rest[length + 1..]);
            break;
        }
    }
    let mut made = front.to_vec();
    made.extend([comma(span), text(span, wrapper)]);
    let clauses = clauses(rest)?;
    for is_error in [false, true] {
        let mut of_kind = clauses.iter().filter(|clause| clause.is_error == is_error);
        let words = of_kind.next().map_or(&[][..], |clause| clause.words);
        let known = [
            (&["NULL"][..], "NULL"),
            (&["ERROR"], "ERROR"),
            (&["EMPTY", "ARRAY"], "ARRAY"),
            (&["EMPTY", "OBJECT"], "OBJECT"),
        ];
        let found = known.iter().find(|(known, _)| known.len() == words.len() && sees(words, 0, known));
        let name = if words.is_empty() { "NULL" } else { found?.1 };
        if of_kind.next().is_some() {
            return None;
        }
        made.extend([comma(span), text(span, name)]);
    }
    Some(made)
}

fn json_exists(inner: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let [front @ .., clause, on, error] = inner else { return None };
    let known = ["TRUE", "FALSE", "UNKNOWN", "ERROR"];
    let name = known.iter().find(|name| is_word(&clause.token, name))?;
    if !is_word(&on.token, "ON") || !is_word(&error.token, "ERROR") {
        return None;
    }
    Some(front.iter().cloned().chain([comma(clause.span), text(clause.span, name)]).collect())
}

/// JSON_OBJECT and JSON_ARRAY: what is done with NULLs, then for each value its key, whether it is JSON, and itself.
fn json_made(inner: &[TokenWithSpan], span: Span, is_object: bool) -> Option<Vec<TokenWithSpan>> {
    let (mut inner, mut nulls) = (inner, if is_object { "NULL" } else { "ABSENT" });
    if let [front @ .., what, on, null] = inner
        && is_word(&on.token, "ON")
        && is_word(&null.token, "NULL")
    {
        nulls = ["NULL", "ABSENT"].into_iter().find(|name| is_word(&what.token, name))?;
        inner = front;
    }
    let mut made = vec![text(span, nulls)];
    if inner.is_empty() {
        return Some(made);
    }
    for argument in arguments(inner) {
        let mut value = argument;
        if is_object {
            let at = outer(argument).find(|(_, token)| is_word(&token.token, "VALUE"))?.0;
            let key = &argument[..at];
            let key = if sees(key, 0, &["KEY"]) { &key[1..] } else { key };
            value = &argument[at + 1..];
            if key.is_empty() {
                return None;
            }
            made.push(comma(span));
            made.extend(key.iter().cloned());
        }
        let is_json = match value {
            [] => return None,
            [name, open, .., end] if open.token == Token::LParen && end.token == Token::RParen => {
                (is_word(&name.token, "JSON_OBJECT") || is_word(&name.token, "JSON_ARRAY"))
                    && closing(value, 1, &Token::LParen) == Some(value.len() - 1)
            }
            _ => false,
        };
        made.extend([comma(span), text(span, if is_json { "JSON" } else { "VALUE" }), comma(span)]);
        made.extend(value.iter().cloned());
    }
    Some(made)
}

/// Of one `nulls, [key,] kind, value`: `[key,] value, nulls, kind`, as the first argument of an aggregate is what it is about.
fn aggregated(made: Vec<TokenWithSpan>) -> Option<Vec<TokenWithSpan>> {
    let parts = arguments(&made);
    let order = match parts.len() {
        3 => &[2, 0, 1][..],
        4 => &[1, 3, 0, 2],
        _ => return None,
    };
    let parts: Vec<&[TokenWithSpan]> = order.iter().map(|at| parts[*at]).collect();
    let between = comma(made[0].span);
    Some(parts.join(&between))
}

/// `IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]`; with how many tokens it has.
fn is_json(tokens: &[TokenWithSpan]) -> Option<(Vec<TokenWithSpan>, usize)> {
    let is_not = sees(tokens, 1, &["NOT"]);
    let json = 1 + usize::from(is_not);
    if !sees(tokens, json, &["JSON"]) {
        return None;
    }
    let kind = ["VALUE", "SCALAR", "ARRAY", "OBJECT"].into_iter().find(|kind| sees(tokens, json + 1, &[kind]));
    let span = tokens[0].span;
    let operator = if is_not { DISTINCT } else { NOT_DISTINCT };
    let made = vec![
        TokenWithSpan { token: Token::CustomBinaryOperator(operator.to_owned()), span },
        word(span, "IS_JSON_OF"),
        TokenWithSpan { token: Token::LParen, span },
        text(span, kind.unwrap_or("VALUE")),
        TokenWithSpan { token: Token::RParen, span },
    ];
    Some((made, json + 1 + usize::from(kind.is_some())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion_sql::sqlparser::dialect::GenericDialect;
    use datafusion_sql::sqlparser::tokenizer::Tokenizer;

    fn rewritten(text: &str) -> String {
        let mut tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().unwrap();
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
        rewrite(&tokens).iter().map(|token| token.token.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn calls_with_a_grammar_of_their_own_become_plain_ones() {
        let cases = [
            ("FLOOR(a + f(b) TO hour)", "FLOOR_TIME ( a + f ( b ) , 'hour' )"),
            ("FLOOR(a)", "FLOOR ( a )"),
            ("TIMESTAMPADD(DAY, 1, FLOOR(ts TO DAY))", "TIMESTAMPADD ( 'DAY' , 1 , FLOOR_TIME ( ts , 'DAY' ) )"),
            ("JSON_VALUE(j, '$.a')", "JSON_VALUE ( j , '$.a' )"),
            (
                "JSON_VALUE(j, '$.a' RETURNING DECIMAL(10, 2) DEFAULT 1 + 2 ON EMPTY ERROR ON ERROR)",
                "JSON_VALUE ( j , '$.a' , CAST ( NULL AS DECIMAL ( 10 , 2 ) ) , 'DEFAULT' , 1 + 2 , 'ERROR' , NULL )",
            ),
            ("JSON_VALUE(j, p NULL ON ERROR)", "JSON_VALUE ( j , p , NULL , 'NULL' , NULL , 'NULL' , NULL )"),
            (
                "JSON_QUERY(j, '$' WITH CONDITIONAL ARRAY WRAPPER EMPTY OBJECT ON EMPTY)",
                "JSON_QUERY ( j , '$' , 'CONDITIONAL' , 'OBJECT' , 'NULL' )",
            ),
            ("JSON_EXISTS(j, '$.a' TRUE ON ERROR)", "JSON_EXISTS ( j , '$.a' , 'TRUE' )"),
            ("JSON_OBJECT()", "JSON_OBJECT ( 'NULL' )"),
            (
                "JSON_OBJECT(KEY 'a' VALUE 1, 'b' VALUE JSON_ARRAY(x, y) ABSENT ON NULL)",
                "JSON_OBJECT ( 'ABSENT' , 'a' , 'VALUE' , 1 , 'b' , 'JSON' , JSON_ARRAY ( 'ABSENT' , 'VALUE' , x , 'VALUE' , y ) )",
            ),
            ("JSON_ARRAYAGG(f(x, y))", "JSON_ARRAYAGG ( f ( x , y ) , 'ABSENT' , 'VALUE' )"),
            (
                "JSON_OBJECTAGG(KEY k VALUE JSON_OBJECT() ABSENT ON NULL)",
                "JSON_OBJECTAGG ( k , JSON_OBJECT ( 'NULL' ) , 'ABSENT' , 'JSON' )",
            ),
            ("a IS JSON OBJECT AND b", "a IS NOT DISTINCT FROM IS_JSON_OF ( 'OBJECT' ) AND b"),
            ("a IS NOT JSON", "a IS DISTINCT FROM IS_JSON_OF ( 'VALUE' )"),
            ("TRIM(LEADING FROM s)", "TRIM ( LEADING ' ' FROM s )"),
            ("CAST(x AS ROW<a ROW<b INT>>)", "CAST ( x AS STRUCT < a STRUCT < b INT >> )"),
            ("a.b + f(x).`c d`.e + l[1].f", "a . b + f ( x ) [ 'c d' ] [ 'e' ] + l [ 1 ] [ 'f' ]"),
            ("MAP['a', MAP['b', 1]]", "MAP ( 'a' , MAP ( 'b' , 1 ) )"),
            ("x BETWEEN ASYMMETRIC 1 AND 2", "x BETWEEN 1 AND 2"),
        ];
        for (text, expected) in cases {
            assert_eq!(rewritten(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_such_call_stays_as_it_is() {
        for text in [
            "JSON_VALUE ( j , p DEFAULT ON EMPTY )",
            "TIMESTAMPADD ( )",
            "FLOOR (",
            "a IS NULL",
            "MAP [ a",
            "JSON_OBJECT ( a )",
        ] {
            assert_eq!(rewritten(text), text);
        }
    }
}
