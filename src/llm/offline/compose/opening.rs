//! What is said before the answer itself: a greeting, a welcome, a word that shows that something arrived.

use super::{Draft, Turn};
use crate::llm::offline::{
    act,
    choose::{asked as line_of, reply},
    extract, stem,
    text::{self, capitalise, has_any, sentences, words},
};

impl Turn<'_> {
    /// The first words of a greeting of the character's.
    pub(super) fn brief_greeting(&self) -> Option<String> {
        self.examples
            .candidates("greeting", self.hail())
            .into_iter()
            .filter_map(|exchange| sentences(reply(exchange)).into_iter().next())
            .find(|first| {
                let count = words(first).len();
                let hails = act::greets(first) || first.contains("{{user}}");
                let timely = !has_any(&words(first), &["morning|evening|afternoon"])
                    || has_any(&words(self.message()), &["morning|evening|afternoon"]);
                count <= 10 && !first.ends_with('?') && hails && timely
            })
            .or_else(|| Some("Hello.".to_owned()))
    }

    /// The greeting that was heard, in its plainest form.
    fn hail(&self) -> &'static str {
        let heard = words(&self.material.message);
        ["good morning", "good evening", "good afternoon"]
            .into_iter()
            .find(|hail| has_any(&heard, &[hail]))
            .unwrap_or("hello")
    }

    /// A word to somebody who has just said their name.
    pub(super) fn welcome(&self) -> Option<String> {
        let name = self.introduced.as_ref()?;
        let known = self
            .material
            .history
            .iter()
            .any(|(_, said)| words(said).iter().any(|word| word.raw.eq_ignore_ascii_case(name)));
        if known {
            return None;
        }
        let called = self.material.user_name.as_ref().unwrap_or(name);
        let pet = self.told.iter().find(|fact| {
            fact.predicate == "is_named" && extract::lists::PETS.iter().any(|pet| fact.subject.ends_with(pet))
        });
        Some(match pet {
            Some(pet) => format!("Nice to meet you, {called}, and hello to {}.", capitalise(&pet.object)),
            None => match self
                .told
                .iter()
                .find(|fact| fact.subject == extract::SPEAKER && fact.predicate == "comes_from")
            {
                Some(origin) => format!("Nice to meet you, {called} from {}.", origin.object),
                None => format!("Nice to meet you, {called}."),
            },
        })
    }

    /// An answer that holds the character's name, when that is what is asked for.
    pub(super) fn own_name(&self) -> Option<Draft> {
        let asked = words(self.message());
        let of_name = has_any(
            &asked,
            &[
                "what|whats is? your? full|real|first? name",
                "your name $",
                "tell me your name",
                "who are you $",
                "who are you again|anyway|then|exactly",
                "who am i talking|speaking to|with",
                "what are you called",
                "what do|should|can|may i call you",
                "introduce yourself",
            ],
        );
        if !of_name || has_any(&asked, &["my name"]) {
            return None;
        }
        let name = self.material.name.split(' ').next()?;
        let fits = |template: &str| template.contains("{{char}}") || template.contains(name);
        let mut candidates = self.examples.candidates("who-are-you", self.message());
        if has_any(&asked, &["name", "called", "call you"]) {
            candidates.sort_by_key(|exchange| {
                !line_of(exchange).is_some_and(|line| has_any(&words(line), &["name"]))
            });
        }
        let body = candidates
            .into_iter()
            .map(reply)
            .find(|template| {
                let first = sentences(template).into_iter().next().unwrap_or_default();
                fits(&first) && self.examples.staleness(template) == 0.0
            })
            .map_or_else(|| self.examples.answer("my-name", self.message()), str::to_owned);
        let body = if self.material.user_name.is_some() { without_name_question(&body) } else { body };
        let mut draft = Draft::of(body);
        draft.opening.extend(self.brief_greeting().filter(|_| act::greets(self.message())));
        draft.opening.extend(self.welcome());
        Some(draft)
    }

    /// What was told, in a word or two, to show that it arrived.
    pub(super) fn echo(&self) -> Option<String> {
        if self.introduced.is_some() {
            return None;
        }
        let fact =
            self.told.iter().filter(|fact| !fact.predicate.starts_with("no_longer_")).find(|fact| {
                fact.predicate != "has_pet" || !self.told.iter().any(|other| other.predicate == "is_named")
            })?;
        let object = fact.object.as_str();
        let own = has_any(&words(object), &["my|me|i|our|your"]);
        if own || object.split(' ').count() > 4 || stem::is_light(&object.to_lowercase()) {
            return None;
        }
        let count = text::words(object)
            .first()
            .is_some_and(|first| extract::lists::NUMBERS.contains(&first.low.as_str()));
        match fact.predicate.as_str() {
            "lives_in" | "comes_from" | "likes" | "learns" | "plays" | "studies" | "is_named" => {
                Some(format!("{}, then.", capitalise(object)))
            }
            "works_as" => Some(format!(
                "{} {object}.",
                if object.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "An" } else { "A" }
            )),
            "has_pet" if !count => Some(format!("A {object}!")),
            "dislikes" | "does_not_eat" | "does_not_drink" => Some(format!("No {object}, then.")),
            "has_pet" => Some(format!("{}!", capitalise(object))),
            predicate if predicate.starts_with("favourite_") => Some(format!("{}.", capitalise(object))),
            _ => None,
        }
    }
}

/// The answer without a closing question for the user's name.
fn without_name_question(said: &str) -> String {
    let mut parts = sentences(said);
    let asks_name = parts.len() > 1
        && parts.last().is_some_and(|last| {
            last.ends_with('?')
                && has_any(
                    &words(last),
                    &["yours", "call you", "you called", "who is there", "what is yours", "and you $"],
                )
        });
    if asks_name {
        parts.pop();
    }
    parts.join(" ")
}
