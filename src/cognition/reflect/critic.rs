//! The check of an answer that took much thought (product.md, TRN): rules first, which cost nothing, then a model.

use minijinja::context;
use serde::Deserialize;

use super::{
    Thought,
    calls::{Made, fenced},
    english::is_english,
    evidence,
};
use crate::{
    cognition::{prompt, template},
    llm::{ChatMessage, ChatRequest, Purpose, Role, Tier},
};

/// Reasons that are passed on at most.
const REASONS: usize = 4;
/// Characters of each result, and of what was known before, that the checking model is shown.
const LONGEST: usize = 2_000;

/// Claims of things done, in the first person, with what the name of a tool that does it holds.
const DEEDS: [(&[&str], &[&str]); 4] = [
    (
        &[
            "saved",
            "noted",
            "stored",
            "recorded",
            "updated",
            "changed",
            "corrected",
            "written",
            "added",
            "deleted",
        ],
        &["update", "create", "save", "write", "add", "note", "store", "set", "delete", "remove", "edit"],
    ),
    (&["reminded", "scheduled", "set"], &["remind", "schedule", "create", "set", "add"]),
    (&["sent", "messaged", "told", "asked"], &["send", "ask", "message", "post", "mail"]),
    (&["booked", "ordered", "bought"], &["book", "order", "buy"]),
];
/// Words that stand between "I" and such a claim.
const BETWEEN: [&str; 6] = ["just", "already", "also", "now", "have", "ve"];
/// Ways to say that one does not know.
const HEDGES: [&str; 12] = [
    "i don't know",
    "i do not know",
    "i'm not sure",
    "i am not sure",
    "i don't remember",
    "i can't remember",
    "i can't recall",
    "i don't recall",
    "i have no record",
    "i have no memory",
    "nothing on record",
    "no idea",
];
/// In a text with more capitals than this share of its words, names cannot be told from other words.
const MANY_CAPITALS: f64 = 0.2;

#[derive(Deserialize)]
struct Verdict {
    pass: bool,
    #[serde(default)]
    reasons: Vec<String>,
}

impl Thought<'_> {
    /// What is wrong with a draft; nothing, when it may go out. A check that fails lets it.
    pub(super) async fn criticise(&mut self, draft: &str) -> Vec<String> {
        let known = known(&self.question.material);
        let found = by_rules(draft, &self.question.material.message, &known, &self.calls.made);
        let mut reasons = if found.is_empty() { self.by_model(draft, &known).await } else { found };
        reasons.truncate(REASONS);
        for reason in &mut reasons {
            *reason = template::as_data(&template::one_line(reason));
        }
        if !reasons.is_empty() {
            tracing::info!(?reasons, "the draft of an answer was not sent");
        }
        reasons
    }

    async fn by_model(&mut self, draft: &str, known: &str) -> Vec<String> {
        let short = |text: &str| prompt::cut_at(text, LONGEST);
        let observations: Vec<String> = self
            .calls
            .made
            .iter()
            .filter_map(|made| Some(fenced(&made.name, &short(made.result.as_ref().ok()?))))
            .collect();
        let question = template::critic(&context! {
            question => template::as_data(&self.question.material.message),
            persona => template::as_data(&short(known)),
            observations,
            draft => template::as_data(draft),
        });
        let request = ChatRequest {
            temperature: Some(0.0),
            max_tokens: Some(300),
            json: true,
            attribution: self.question.attribution.clone(),
            ..ChatRequest::new(
                Tier::Reflective,
                Purpose::Critic,
                vec![ChatMessage::new(Role::User, question)],
            )
        };
        match self.mind.parts.llm.complete(request).await {
            Ok(completion) => {
                self.spent.add(&completion);
                let json = template::json_object(&completion.text);
                match json.and_then(|json| serde_json::from_str::<Verdict>(json).ok()) {
                    Some(Verdict { pass: false, reasons }) if reasons.is_empty() => {
                        vec!["it does not answer the question from what was looked up".to_owned()]
                    }
                    Some(Verdict { pass: false, reasons }) => reasons,
                    Some(_) => Vec::new(),
                    None => {
                        tracing::warn!("the verdict on an answer cannot be read: the answer stands");
                        Vec::new()
                    }
                }
            }
            Err(error) => {
                self.spent.add_wait(error.waited);
                tracing::warn!(error = %error.message, "an answer was not checked by a model: it stands");
                Vec::new()
            }
        }
    }
}

/// What the model could know without a tool.
fn known(material: &prompt::Material) -> String {
    let character = &material.character;
    let background = character.background.iter().map(|fact| format!("{} {}", fact.predicate, fact.object));
    let mut lines = vec![material.user_name.clone(), character.name.clone()];
    lines.extend(material.facts.iter().cloned());
    lines.extend(material.recalled.iter().map(|item| {
        format!("{} {}: {}", prompt::date(item.when), item.name.as_deref().unwrap_or_default(), item.text)
    }));
    lines.extend(material.summaries.iter().map(|(when, text)| format!("{} {text}", prompt::date(*when))));
    lines.extend(material.history.iter().map(|line| format!("{}: {}", line.name, line.text)));
    lines.extend(prompt::goals(material));
    lines.extend(prompt::reminders(material));
    lines.push(prompt::local_time(material));
    lines.extend(background);
    lines.push(character.persona.clone());
    lines.join("\n")
}

/// What rules find wrong with a draft. They know English words; of a draft in another language only its numbers are looked at.
fn by_rules(draft: &str, question: &str, known: &str, made: &[Made]) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(deed) = claimed_deed(draft, made) {
        reasons.push(format!("it says that something was {deed}, and no tool did that"));
    }
    let lower = draft.to_lowercase().replace('’', "'");
    if HEDGES.iter().any(|hedge| lower.contains(hedge)) && evidence::covers(question, made, evidence::COVERED)
    {
        reasons
            .push("it says that it does not know, and what was looked up bears on the question".to_owned());
    }
    let looked_up = made.iter().filter_map(|made| made.result.as_ref().ok()).cloned();
    let ground: String =
        looked_up.chain([question.to_owned(), known.to_owned()]).collect::<Vec<_>>().join("\n");
    let ground = ground.to_lowercase();
    let ground = format!("{ground}\n{}", without_separators(&ground));
    for claim in claims(draft) {
        if !ground.contains(&claim.to_lowercase()) {
            reasons.push(format!("nothing that is known or was looked up says \"{claim}\""));
        }
    }
    reasons
}

/// A deed in the first person that no tool did.
fn claimed_deed(draft: &str, made: &[Made]) -> Option<String> {
    let words: Vec<String> = draft
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.iter().enumerate().filter(|(_, word)| *word == "i").find_map(|(at, _)| {
        let verb = words.iter().skip(at + 1).find(|word| !BETWEEN.contains(&word.as_str()))?;
        let (_, tools) = DEEDS.iter().find(|(verbs, _)| verbs.contains(&verb.as_str()))?;
        let perfect = words.get(at + 1).is_some_and(|next| BETWEEN.contains(&next.as_str()));
        let done = made.iter().any(|made| {
            made.result.is_ok() && tools.iter().any(|part| made.name.to_lowercase().contains(part))
        });
        (perfect && !done).then(|| verb.clone())
    })
}

/// Numbers of two digits and more, and names: what an answer cannot know without having been told. Which words are names is
/// known of English alone.
fn claims(draft: &str) -> Vec<String> {
    let mut claims = numbers(draft);
    if is_english(draft) {
        claims.extend(names(draft));
    }
    claims.sort();
    claims.dedup();
    claims
}

/// The numbers of a text, without leading zeros, from two digits on. `1.200` counts as `1` and `200`, `2026年` as `2026`.
fn numbers(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit()).map(|run| run.trim_start_matches('0'));
    runs.filter(|run| run.len() >= 2).map(str::to_owned).collect()
}

/// The text with `1,200`, `1.200` and `1 200` as `1200`.
fn without_separators(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_digit);
    let kept = chars.iter().enumerate().filter(|(at, c)| {
        !(",.' \u{a0}\u{202f}".contains(**c) && is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)))
    });
    kept.map(|(_, c)| *c).collect()
}

/// Words with a capital that begin neither a sentence nor a quotation.
fn names(draft: &str) -> Vec<String> {
    let words: Vec<&str> = draft.split_whitespace().collect();
    let is_capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    let mut names = Vec::new();
    let mut begins = true;
    for word in &words {
        let plain = word.trim_matches(|c: char| !c.is_alphanumeric());
        let plain = plain.trim_end_matches("'s").trim_end_matches("’s");
        let opens = word.starts_with(|c: char| !c.is_alphanumeric());
        let name = is_capital(plain) && plain.chars().count() > 2 && !plain.starts_with("I'");
        if name && !begins && !opens && !plain.chars().any(char::is_numeric) {
            names.push(plain.to_owned());
        }
        begins = word.ends_with(['.', '!', '?', ':', '"', '”', '*', '…', ')', '—']) || plain.is_empty();
    }
    if names.len() as f64 > words.len() as f64 * MANY_CAPITALS {
        names.clear();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::Value;

    fn made(name: &str, text: &str) -> Vec<Made> {
        vec![Made { name: name.to_owned(), arguments: Value::Null, result: Ok(text.to_owned()) }]
    }

    const QUESTION: &str = "When did my sister Ana repair the boat?";
    const FOUND: &str = "3 May 2026: my sister Ana repaired the boat in 47 minutes";

    #[rstest]
    #[case::fine("Ana repaired it on 3 May 2026, in 47 minutes.", "search_memories", 0)]
    #[case::another_name("Your brother Bruno did it.", "search_memories", 1)]
    #[case::another_number("It took her 48 minutes.", "search_memories", 1)]
    #[case::hedging("I'm not sure when that was.", "search_memories", 1)]
    #[case::promised("Done. I've updated that for you.", "search_memories", 1)]
    #[case::done("Done. I've updated that for you.", "update_fact", 0)]
    #[case::an_old_deed("I saved a gull once.", "search_memories", 0)]
    #[case::reminded("I have already set a reminder.", "search_memories", 1)]
    #[case::a_quotation("She said: it was \"Easy\" work for her, and that is all.", "search_memories", 0)]
    #[case::german(
        "Deine Schwester hat das Boot am 3. Mai 2026 repariert, in 47 Minuten, mit der Hilfe von Nachbarn.",
        "search_memories",
        0
    )]
    #[case::german_with_one_noun(
        "Sie hat mir gesagt, dass sie es am liebsten noch im Sommer machen würde.",
        "search_memories",
        0
    )]
    #[case::german_sure_of_nothing(
        "Ich bin nicht sicher, wann das war, ich habe es aber notiert.",
        "search_memories",
        0
    )]
    #[case::french(
        "C'est ta sœur Ana qui a réparé le bateau le 3 mai 2026 : « Enfin ! » a dit Bruno.",
        "search_memories",
        0
    )]
    #[case::japanese("妹のアナさんが2026年5月3日にボートを47分で修理しました。", "search_memories", 0)]
    #[case::german_with_another_number("Das hat sie in 48 Minuten gemacht.", "search_memories", 1)]
    #[case::japanese_with_another_number("ボートを48分で修理しました。", "search_memories", 1)]
    fn rules(#[case] draft: &str, #[case] tool: &str, #[case] reasons: usize) {
        let found = by_rules(draft, QUESTION, "Elena", &made(tool, FOUND));
        assert_eq!(found.len(), reasons, "{found:?}");
    }
}
