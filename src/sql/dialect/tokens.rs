//! From text to tokens, with the few rewrites that let the general parser read Flink's forms. Places are kept.
//!
//! * `TUMBLE(TABLE t, ..)`: `TABLE` in front of an argument's name goes.
//! * `SESSION(TABLE t PARTITION BY a, b, ..)` becomes `SESSION(t, PARTITION_BY(a, b), ..)`.
//! * `t FOR SYSTEM_TIME AS OF o.proc` becomes `FOR_SYSTEM_TIME_AS_OF(t, o.proc)`.
//! * `>>` becomes `> >`: Flink has no shift operator, and nested types end with it.
//! * White space and comments go.

use super::calls;
use crate::sql::error::{Error, Text};
use crate::sql::types::is_word;
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::keywords::Keyword;
use datafusion_sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace, Word};

/// The function that [`rewrite`] makes of a `PARTITION BY` in the arguments of a window function.
pub(in crate::sql) const PARTITION_BY: &str = "PARTITION_BY";

/// The function that [`rewrite`] makes of `FOR SYSTEM_TIME AS OF`.
pub(in crate::sql) const LOOKUP: &str = "FOR_SYSTEM_TIME_AS_OF";

/// The functions that may have a `PARTITION BY` in their arguments: of all but SESSION it is refused, later and by name.
const WINDOWS: [&str; 4] = ["SESSION", "TUMBLE", "HOP", "CUMULATE"];

/// How deep parentheses may nest: deeper text is refused before a recursive parser or planner meets it.
const DEPTH: usize = 64;

/// The tokens of a text, rewritten.
pub(super) fn tokens(text: Text<'_>) -> Result<Vec<TokenWithSpan>, Error> {
    let mut tokens = Tokenizer::new(&GenericDialect {}, text.0)
        .tokenize_with_location()
        .map_err(|error| text.syntax(error.location, error.message))?;
    let is_hint = |token: &&TokenWithSpan| match &token.token {
        Token::Whitespace(Whitespace::MultiLineComment(comment)) => comment.starts_with('+'),
        _ => false,
    };
    if let Some(hint) = tokens.iter().find(is_hint) {
        let instead = "write options into the WITH of CREATE TABLE, and settings as SET";
        return Err(text.unsupported(hint.span.start, "a hint", instead));
    }
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let mut depth = 0_usize;
    for token in &tokens {
        match token.token {
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            let instead = format!("at most {DEPTH} may be open; name the inner part in a view");
            return Err(text.unsupported(token.span.start, "this many parentheses in each other", instead));
        }
    }
    Ok(calls::rewrite(&rewrite(tokens)))
}

fn rewrite(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    // The depth of each open window function and whether its PARTITION BY is open.
    let mut sessions: Vec<(usize, bool)> = Vec::new();
    let mut depth = 0_usize;
    let mut i = 0;
    while i < tokens.len() {
        let token = &tokens[i];
        let next = tokens.get(i + 1).map(|next| &next.token);
        let like = |token_type: Token| TokenWithSpan { token: token_type, span: token.span };
        let in_session = sessions.last().copied().filter(|(at, _)| *at == depth);
        match &token.token {
            Token::LParen => {
                depth += 1;
                if out.last().is_some_and(|before| WINDOWS.iter().any(|name| is_word(&before.token, name))) {
                    sessions.push((depth, false));
                }
            }
            Token::RParen => {
                if let Some((_, open)) = in_session {
                    if open {
                        out.push(like(Token::RParen));
                    }
                    sessions.pop();
                }
                depth = depth.saturating_sub(1);
            }
            Token::Comma if in_session.is_some_and(|(_, open)| open) => {
                let is_named = tokens.get(i + 2).is_some_and(|after| after.token == Token::RArrow);
                if is_named || next.is_some_and(|next| is_word(next, "DESCRIPTOR")) {
                    out.push(like(Token::RParen));
                    if let Some(session) = sessions.last_mut() {
                        session.1 = false;
                    }
                }
            }
            Token::Word(_) if time_length(&tokens[i + 1..]) > 0 => {
                let end = i + 5 + time_length(&tokens[i + 1..]);
                let function = Word { value: LOOKUP.to_owned(), quote_style: None, keyword: Keyword::NoKeyword };
                out.extend([like(Token::Word(function)), like(Token::LParen), token.clone(), like(Token::Comma)]);
                out.extend_from_slice(&tokens[i + 5..end]);
                out.push(like(Token::RParen));
                i = end;
                continue;
            }
            word if is_word(word, "TABLE") => {
                let argument = out
                    .last()
                    .is_some_and(|before| matches!(before.token, Token::LParen | Token::Comma | Token::RArrow));
                if argument && matches!(next, Some(Token::Word(_))) {
                    i += 1;
                    continue;
                }
            }
            word if in_session.is_some() && is_word(word, "PARTITION") && next.is_some_and(|n| is_word(n, "BY")) => {
                out.push(like(Token::Comma));
                let name = Word { value: PARTITION_BY.to_owned(), quote_style: None, keyword: Keyword::NoKeyword };
                out.push(like(Token::Word(name)));
                out.push(like(Token::LParen));
                if let Some(session) = sessions.last_mut() {
                    session.1 = true;
                }
                i += 2;
                continue;
            }
            Token::ShiftRight => {
                out.push(like(Token::Gt));
                out.push(like(Token::Gt));
                i += 1;
                continue;
            }
            _ => {}
        }
        out.push(token.clone());
        i += 1;
    }
    out
}

/// How many tokens of a time follow `FOR SYSTEM_TIME AS OF`, if the tokens begin with that: `a`, `a.b`, `f()`, or `TIMESTAMP '..'`.
fn time_length(tokens: &[TokenWithSpan]) -> usize {
    let is = |at: usize, expected: &Token| tokens.get(at).is_some_and(|token| token.token == *expected);
    let is_name = |at: usize| tokens.get(at).is_some_and(|token| matches!(token.token, Token::Word(_)));
    let words = ["FOR", "SYSTEM_TIME", "AS", "OF"];
    let begins = words.iter().enumerate().all(|(at, word)| tokens.get(at).is_some_and(|t| is_word(&t.token, word)));
    let is_text = |at: usize| tokens.get(at).is_some_and(|t| matches!(t.token, Token::SingleQuotedString(_)));
    match () {
        () if !begins || !is_name(4) => 0,
        () if is_text(5) => 2,
        () if is(5, &Token::Period) && is_name(6) => 3,
        () if is(5, &Token::LParen) && is(6, &Token::RParen) => 3,
        () => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        let tokens = tokens(Text(text)).unwrap();
        tokens.iter().map(|token| token.token.to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_partition_of_a_session_becomes_an_argument() {
        let expected = "SESSION ( t , PARTITION_BY ( a , b ) , DESCRIPTOR ( ts ) , x )";
        assert_eq!(rewritten("SESSION(TABLE t PARTITION BY a, b, DESCRIPTOR(ts), x)"), expected);
        let expected = "SESSION ( DATA => t , PARTITION_BY ( a ) , GAP => x )";
        assert_eq!(rewritten("SESSION(DATA => TABLE t PARTITION BY a, GAP => x)"), expected);
    }

    #[test]
    fn a_table_as_of_a_time_becomes_a_function() {
        assert_eq!(
            rewritten("o JOIN `dim` FOR SYSTEM_TIME AS OF o.proc AS d"),
            "o JOIN FOR_SYSTEM_TIME_AS_OF ( `dim` , o . proc ) AS d"
        );
        assert_eq!(rewritten("d for system_time as of PROCTIME() ON"), "FOR_SYSTEM_TIME_AS_OF ( d , PROCTIME ( ) ) ON");
    }

    #[test]
    fn the_partition_of_an_over_clause_stays() {
        let over = "SUM ( a ) OVER ( PARTITION BY b )";
        assert_eq!(rewritten(over), over);
    }

    #[test]
    fn text_that_nests_without_end_is_refused() {
        let error = tokens(Text(&"(".repeat(100_000))).unwrap_err();
        assert_eq!(error.position().column, 65);
    }
}
