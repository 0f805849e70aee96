//! Persona prose with its placeholders filled in. What is filled in is never read again, so braces in it mean nothing.

/// What the placeholders stand for.
pub(super) struct Slots<'a> {
    pub(super) user: &'a str,
    pub(super) character: &'a str,
    pub(super) now: &'a str,
    pub(super) place: &'a str,
}

impl Slots<'_> {
    /// The value of a placeholder. The predecessor's context slots become empty: what they carried stands in sections of
    /// its own below the persona.
    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "user" | "user_name" => Some(self.user),
            "char" | "character_name" => Some(self.character),
            "current_datetime" => Some(self.now),
            "channel_name" => Some(self.place),
            "recent_memories" | "knowledge_context" | "past_summaries" | "universe_context" => Some(""),
            _ => None,
        }
    }
}

/// Fills `{{name}}` and `{name}`; anything else in braces stays as it is.
pub(super) fn fill(text: &str, slots: &Slots<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (body, close) = after.strip_prefix('{').map_or((after, "}"), |body| (body, "}}"));
        let value = body
            .split_once(close)
            .and_then(|(name, tail)| slots.value(name.trim()).map(|value| (value, tail)));
        if let Some((value, tail)) = value {
            out.push_str(value);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const SLOTS: Slots<'_> = Slots { user: "{char}", character: "Elena", now: "noon", place: "here" };

    #[rstest]
    #[case("Hi {{user}}, I am {{ char }}.", "Hi {char}, I am Elena.")]
    #[case("{user_name} at {current_datetime}", "{char} at noon")]
    #[case("{recent_memories}code: {x} {{y}} {", "code: {x} {{y}} {")]
    #[case("{{{user}}}", "{{char}}")]
    fn placeholders_are_filled_once(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(fill(text, &SLOTS), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_filled_without_harm(text in "[{}a-z ]{0,40}") {
            let _ = fill(&text, &SLOTS);
        }
    }
}
