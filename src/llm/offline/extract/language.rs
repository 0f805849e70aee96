//! Languages by name or tag. Only known ones: a wish for a language holds everywhere, so it must not carry anything else.

use super::lists::LANGUAGES;

/// The two-letter codes of ISO 639-1.
const CODES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv \
ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn \
no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg \
th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";
/// Scripts of ISO 15924 that tell variants of a language apart.
const SCRIPTS: &[&str] = &["latn", "cyrl", "arab", "hans", "hant", "deva", "hebr", "grek", "jpan", "kore"];
/// Regions of UN M.49 that stand in tags.
const AREAS: &[&str] = &["001", "150", "419"];
/// Codes that are English words as well.
const WORDS: &[&str] = &[
    "am", "an", "as", "be", "he", "hi", "id", "is", "it", "la", "me", "my", "no", "or", "so", "to", "ti",
    "am", "pi",
];

/// The BCP 47 tag (RFC 5646: language, script, region) of a known language, given by its name or by a tag; `None` for
/// anything else.
#[must_use]
pub fn language_tag(text: &str) -> Option<String> {
    let low = text.trim().to_lowercase();
    if let Some((_, tag)) = LANGUAGES.iter().find(|(name, _)| *name == low) {
        return Some((*tag).to_owned());
    }
    let mut parts = low.split(['-', '_']);
    let mut tag = parts.next().filter(|code| CODES.split(' ').any(|known| known == *code))?.to_owned();
    let mut part = parts.next();
    if let Some(script) = part.filter(|part| SCRIPTS.contains(part)) {
        tag = format!("{tag}-{}", crate::llm::offline::text::capitalise(script));
        part = parts.next();
    }
    if let Some(region) = part {
        let is_country = region.len() == 2 && region.chars().all(|c| c.is_ascii_alphabetic());
        if !is_country && !AREAS.contains(&region) {
            return None;
        }
        tag = format!("{tag}-{}", region.to_uppercase());
    }
    parts.next().is_none().then_some(tag)
}

/// The tag of one word of a sentence, where codes that are words as well (`no`, `it`) are words.
pub(super) fn of_word(word: &str) -> Option<String> {
    language_tag(word).filter(|_| !WORDS.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Spanish", Some("es"))]
    #[case("pt-BR", Some("pt-BR"))]
    #[case("pt_br", Some("pt-BR"))]
    #[case("zh-Hant-TW", Some("zh-Hant-TW"))]
    #[case("es-419", Some("es-419"))]
    #[case("de", Some("de"))]
    #[case("my-pin-4711", None)]
    #[case("my-4711", None)]
    #[case("en-my-pin", None)]
    #[case("xx", None)]
    #[case("my locker code is 4711", None)]
    #[case("en-US-x-secret", None)]
    #[case("", None)]
    fn only_known_languages_are_languages(#[case] text: &str, #[case] tag: Option<&str>) {
        assert_eq!(language_tag(text).as_deref(), tag);
    }
}
