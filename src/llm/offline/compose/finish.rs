//! The last touch: placeholders filled, wishes about form obeyed.

use super::{COOL, Draft, Turn};
use crate::{
    llm::offline::{
        choose::reply,
        extract, fallback, fill,
        text::{has_any, sentences, words},
    },
    model::Verbosity,
};

impl Turn<'_> {
    /// Placeholders filled, wishes about form obeyed.
    pub(super) fn finish(&self, draft: &Draft) -> String {
        let material = self.material;
        let filled = |template: &str, memory: &str| {
            fill::fill(template, material.user_name.as_deref(), &material.name, memory)
        };
        let body = filled(&draft.body, &draft.memory);
        if draft.whole {
            return body;
        }
        let opening = draft.opening.iter().map(|part| filled(part, "")).collect::<Vec<_>>().join(" ");
        let mut said = format!("{opening} {body}").trim().to_owned();
        let remembers = !draft.memory.is_empty();
        let short = material.preferences.verbosity == Some(Verbosity::Short);
        if remembers && (short || material.trust < COOL) {
            said = filled("{{memory}}", &draft.memory);
        } else if material.trust < COOL {
            said = fill::first_sentences(&body, 1);
        } else if short && draft.uncut {
            said = fill::shortened_tale(&body);
        } else if short {
            said = fill::shortened(if draft.opening.is_empty() || self.introduced.is_some() {
                &said
            } else {
                &body
            });
        } else if material.mood == "annoyed" && !remembers && !draft.uncut {
            said = fill::first_sentences(&said, 2);
        } else if let (Some(Verbosity::Long), Some(more)) = (material.preferences.verbosity, &draft.more) {
            let first = without_last_question(&said);
            said = format!("{first} {}", filled(more, ""));
        }
        said = self.without_idle_question(&said);
        if material.preferences.emojis == Some(false) {
            said = fill::without_emoji(&said);
        }
        let unsaid = said.trim().is_empty() || fill::touches(&said, self.avoid);
        if unsaid { self.last_resort() } else { said.trim().to_owned() }
    }

    /// The answer without a closing question that the user has answered before.
    fn without_idle_question(&self, said: &str) -> String {
        let Some(last) = sentences(said).pop().filter(|last| last.ends_with('?')) else {
            return said.to_owned();
        };
        let asks = words(&last);
        let heard = |predicate: &str| {
            let lines =
                self.material.history.iter().filter(|(by_user, _)| *by_user).map(|(_, line)| line.as_str());
            let recalled = self
                .material
                .recalled
                .iter()
                .filter(|line| line.own_words_of_user)
                .map(|line| line.text.as_str());
            self.material.facts.iter().any(|fact| fact.predicate == predicate)
                || lines
                    .chain(recalled)
                    .any(|line| extract::statements(line).iter().any(|fact| fact.predicate == predicate))
        };
        let idle = (has_any(
            &asks,
            &["do you live with|have any|an? animals|pets|animal|pet", "any animals|pets at"],
        ) && heard("has_pet"))
            || (has_any(&asks, &["who am i talking to", "what do i call you"])
                && self.material.user_name.is_some()
                && heard("is_named"));
        if idle { without_last_question(said) } else { said.to_owned() }
    }

    fn last_resort(&self) -> String {
        let mut plain =
            fallback::exchanges().iter().filter(|exchange| exchange.topic == "last-resort").map(reply);
        plain.find(|line| !fill::touches(line, self.avoid)).unwrap_or("…").to_owned()
    }
}

fn without_last_question(said: &str) -> String {
    let mut parts = sentences(said);
    if parts.len() > 1 && parts.last().is_some_and(|last| last.ends_with('?')) {
        parts.pop();
    }
    parts.join(" ")
}
