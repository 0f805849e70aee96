//! Text from outside, made harmless.

/// Without control characters but line breaks and tabs: Postgres takes no NUL, a terminal would obey an escape sequence, and
/// nobody means any of them. An ANSI escape sequence goes as a whole.
#[must_use]
pub fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                // Parameters and intermediates up to the final byte (ECMA-48, 5.4).
                while rest.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                rest.next_if(|c| matches!(c, '@'..='~'));
            }
            '\n' | '\t' => out.push(c),
            '\r' => out.push('\n'),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// The shape of a BCP 47 tag (RFC 5646) of a language, with a script and a region at most: `en`, `pt-BR`, `zh-Hant-TW`. There
/// is no room for words in it.
#[must_use]
pub fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let letters = |part: &str| part.chars().all(|c| c.is_ascii_alphabetic());
    let language = parts.next().unwrap_or_default();
    if !(2..=3).contains(&language.len()) || !letters(language) {
        return false;
    }
    parts.next_if(|part| part.len() == 4 && letters(part));
    parts.next_if(|part| {
        (part.len() == 2 && letters(part)) || (part.len() == 3 && part.chars().all(|c| c.is_ascii_digit()))
    });
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("my dog\nis Luna\t!", "my dog\nis Luna\t!")]
    #[case("a\r\nb\rc", "a\nb\nc")]
    #[case("\u{1b}[31;1mred\u{1b}[0m", "red")]
    #[case("\u{1b}]0;title\u{7}x\0y\u{85}", "]0;titlexy")]
    #[case("👩‍👩‍👧 שלום", "👩‍👩‍👧 שלום")]
    #[case("\u{1b}[", "")]
    fn control_characters_do_not_come_in(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[rstest]
    #[case("en", true)]
    #[case("pt-BR", true)]
    #[case("zh-Hant-TW", true)]
    #[case("es-419", true)]
    #[case("my-pin-4711", false)]
    #[case("English", false)]
    #[case("en-", false)]
    #[case("", false)]
    fn a_language_tag_carries_no_words(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_language_tag(text), expected);
    }
}
