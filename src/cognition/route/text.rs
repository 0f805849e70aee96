//! A message as the router looks at it: of bounded length, in one writing.

/// So many characters are looked at, half of them at the beginning and half at the end: what a long message asks stands
/// there, and its length must not make routing slow.
const LOOKED_AT: usize = 1_600;
/// So many are searched for danger and for orders to drop the rules, which may stand anywhere: more than the longest
/// message of any platform.
const SEARCHED: usize = 4_000;

/// The part of a message that is searched for danger and for orders to drop the rules.
pub(super) fn searched(text: &str) -> String {
    ends(text, SEARCHED)
}

/// Lower case, Latin letters without marks, no apostrophes, at most one space; the middle of a very long text left out.
pub(super) fn fold(text: &str) -> String {
    let text = ends(text.trim(), LOOKED_AT);
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ą' | 'ă' => folded.push('a'),
            'é' | 'è' | 'ê' | 'ë' | 'ę' | 'ě' => folded.push('e'),
            'í' | 'ì' | 'î' | 'ï' | 'ı' => folded.push('i'),
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ő' | 'ø' => folded.push('o'),
            'ú' | 'ù' | 'û' | 'ü' | 'ű' | 'ů' => folded.push('u'),
            'ñ' | 'ń' | 'ň' => folded.push('n'),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'ł' => folded.push('l'),
            'ś' | 'š' | 'ş' => folded.push('s'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'ğ' => folded.push('g'),
            'ř' => folded.push('r'),
            'ý' => folded.push('y'),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            'ё' => folded.push('е'),
            '？' | '؟' => folded.push('?'),
            '\'' | '’' | '‘' | '´' | '¿' | '¡' | '\u{307}' => {}
            '\u{a0}' | '\u{202f}' | '\t' | ' ' if folded.ends_with(' ') => {}
            '\u{a0}' | '\u{202f}' | '\t' => folded.push(' '),
            other => folded.push(other),
        }
    }
    folded
}

/// The first and the last half of `most` characters, or all when there are no more. Takes no longer for a longer text.
fn ends(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let tail: Vec<char> = text.chars().rev().take(most / 2).collect();
    text.chars().take(most / 2).chain(['\n']).chain(tail.into_iter().rev()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_message_keeps_its_ends() {
        let text = format!("begin {} end", "x".repeat(100_000));
        let folded = fold(&text);
        assert!(folded.starts_with("begin ") && folded.ends_with(" end"));
        assert_eq!(folded.chars().count(), LOOKED_AT + 1);
        assert_eq!(searched(&text).chars().count(), SEARCHED + 1);
    }

    proptest! {
        #[test]
        fn any_text_is_bounded(text in "\\PC{0,3000}", times in 1_usize..20) {
            let text = text.repeat(times);
            // Lower case of one character may be three, and œ is two.
            prop_assert!(fold(&text).chars().count() <= (LOOKED_AT + 1) * 3);
            prop_assert!(searched(&text).chars().count() <= SEARCHED + 1);
        }
    }
}
