//! Reads `.env`. Written here because the crates that do it give no line numbers, and expand `$NAME`.
//!
//! The grammar, a line at a time (UTF-8, ends in LF or CRLF):
//!
//! ```text
//! line    = blank | comment | ["export" SPACE] KEY "=" value
//! comment = "#" …
//! KEY     = (letter | "_") (letter | digit | "_")*          ASCII
//! value   = bare | single | double                          then blanks and a comment may follow
//! bare    = the rest of the line up to a `#` behind a blank, without the blanks around it
//! single  = "'" anything but "'" "'"                        taken as it stands
//! double  = '"' … '"'                                       with \" \\ \n \t \$ and no other escapes
//! ```
//!
//! Blanks around the key and around `=` do not count. Nothing is expanded: `$HOME` is five characters. A value never
//! runs over the end of its line. A key that stands twice is an error.

/// A line that sets something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// A line that cannot be read. The message never repeats the line: it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadLine {
    pub(super) line: usize,
    pub(super) key: Option<String>,
    pub(super) what: String,
}

/// Reads a whole file: every line that sets something, and every line that is wrong.
pub(super) fn parse(text: &str) -> (Vec<Entry>, Vec<BadLine>) {
    let mut entries: Vec<Entry> = Vec::new();
    let mut bad = Vec::new();
    for (index, text) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = index + 1;
        match parse_line(text) {
            Ok(None) => {}
            Ok(Some((key, value))) => match entries.iter().find(|entry| entry.key == key) {
                Some(first) => {
                    let what = format!("is set twice (first in line {}); keep one of them", first.line);
                    bad.push(BadLine { line, key: Some(key), what });
                }
                None => entries.push(Entry { line, key, value }),
            },
            Err((key, what)) => bad.push(BadLine { line, key, what: what.to_owned() }),
        }
    }
    (entries, bad)
}

type LineError = (Option<String>, &'static str);

fn parse_line(text: &str) -> Result<Option<(String, String)>, LineError> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = text.split_once('=').ok_or((None, "the line is not KEY=VALUE"))?;
    let key = key.trim();
    let key =
        key.strip_prefix("export").filter(|rest| rest.starts_with(is_blank)).map_or(key, str::trim_start);
    if !is_key(key) {
        return Err((None, "what stands before `=` is not a key (letters, digits and `_`)"));
    }
    match parse_value(value) {
        Ok(value) => Ok(Some((key.to_owned(), value))),
        Err(what) => Err((Some(key.to_owned()), what)),
    }
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn parse_value(text: &str) -> Result<String, &'static str> {
    let trimmed = text.trim_start_matches(is_blank);
    let (value, rest) = if let Some(quoted) = trimmed.strip_prefix('\'') {
        let (value, rest) = quoted.split_once('\'').ok_or("the single quote is not closed on this line")?;
        (value.to_owned(), rest)
    } else if let Some(quoted) = trimmed.strip_prefix('"') {
        parse_double(quoted)?
    } else {
        (bare(text).to_owned(), "")
    };
    let tail = rest.trim_start_matches(is_blank);
    if !tail.is_empty() && (tail.len() == rest.len() || !tail.starts_with('#')) {
        return Err("something stands behind the closing quote");
    }
    if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err("the value holds a control character");
    }
    Ok(value)
}

/// Up to a `#` that has a blank before it.
fn bare(text: &str) -> &str {
    let mut after_blank = false;
    for (at, c) in text.char_indices() {
        if c == '#' && after_blank {
            return text.get(..at).unwrap_or(text).trim();
        }
        after_blank = is_blank(c);
    }
    text.trim()
}

fn parse_double(quoted: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((value, chars.as_str())),
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(c @ ('"' | '\\' | '$')) => c,
                _ => return Err("only \\\" \\\\ \\n \\t and \\$ may follow a backslash in double quotes; single quotes take it as it is"),
            }),
            c => value.push(c),
        }
    }
    Err("the double quote is not closed on this line")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn one(text: &str) -> (String, String) {
        let (entries, bad) = parse(text);
        assert_eq!(bad, [], "{text}");
        assert_eq!(entries.len(), 1, "{text}");
        (entries[0].key.clone(), entries[0].value.clone())
    }

    #[rstest]
    #[case("A=b", "A", "b")]
    #[case("export A=b", "A", "b")]
    #[case("  A\t=  b c  ", "A", "b c")]
    #[case("A=", "A", "")]
    #[case("A=b # note", "A", "b")]
    #[case("A=b#c", "A", "b#c")]
    #[case("A=#c", "A", "#c")]
    #[case("A= # note", "A", "")]
    #[case("A=b=c", "A", "b=c")]
    #[case("A='b # \\n $X' # note", "A", "b # \\n $X")]
    #[case(r#"A="b \"c\" \\ \$X\n""#, "A", "b \"c\" \\ $X\n")]
    #[case("A=$HOME", "A", "$HOME")]
    #[case("A=it's", "A", "it's")]
    #[case("exporter=b", "exporter", "b")]
    #[case("\u{feff}A=b\r", "A", "b")]
    fn lines_read_as_the_grammar_says(#[case] text: &str, #[case] key: &str, #[case] value: &str) {
        assert_eq!(one(text), (key.to_owned(), value.to_owned()));
    }

    #[rstest]
    #[case("sk-secret-on-its-own", "not KEY=VALUE")]
    #[case("1A=b", "not a key")]
    #[case("=b", "not a key")]
    #[case("A B=c", "not a key")]
    #[case("A='b", "not closed")]
    #[case("A=\"b", "not closed")]
    #[case("A=\"b\\q\"", "backslash")]
    #[case("A='b'c", "behind the closing quote")]
    #[case("A='b'#c", "behind the closing quote")]
    #[case("A=a\u{0}b", "control")]
    fn a_wrong_line_is_told_without_repeating_it(#[case] text: &str, #[case] part: &str) {
        let (entries, bad) = parse(&format!("# first\n{text}\n"));
        assert_eq!(entries, []);
        assert_eq!(bad.len(), 1);
        assert_eq!(bad[0].line, 2);
        assert!(bad[0].what.contains(part), "{:?}", bad[0]);
        assert!(!bad[0].what.contains("secret"));
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_at_the_second() {
        let (entries, bad) = parse("A=1\n\nA=2\n");
        assert_eq!(entries, [Entry { line: 1, key: "A".into(), value: "1".into() }]);
        assert_eq!((bad[0].line, bad[0].key.as_deref()), (3, Some("A")));
        assert!(bad[0].what.contains("line 1"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_every_line_is_accounted_for(text in any::<String>()) {
            let (entries, bad) = parse(&text);
            let told = text.strip_prefix('\u{feff}').unwrap_or(&text).lines()
                .filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).count();
            prop_assert_eq!(entries.len() + bad.len(), told);
        }

        #[test]
        fn lines_of_near_grammar_do_not_panic(text in r#"(export )?[A-C_]{0,2} ?=? ?["'\\#$ nqé=\t]{0,12}"#) {
            let (entries, bad) = parse(&text);
            prop_assert!(entries.len() + bad.len() <= 1);
        }

        #[test]
        fn double_quotes_carry_any_text(value in "[^\\p{C}]*", note in "[a-z #]*") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(one(&format!("KEY=\"{quoted}\" # {note}")), ("KEY".to_owned(), value));
        }

        #[test]
        fn single_quotes_carry_any_text_without_their_own_kind(value in "[^\\p{C}']*") {
            prop_assert_eq!(one(&format!("export KEY = '{value}'")), ("KEY".to_owned(), value));
        }
    }
}
