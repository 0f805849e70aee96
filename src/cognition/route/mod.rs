//! Routing: how much thought a message asks for. Rules for what is certain, then signs in the words and likeness to
//! prototype sentences, weighed; the router model only when these are unsure. Decided once a turn.

mod grams;
mod learn;
mod local;
mod model;
mod prototypes;
mod rules;
mod signs;
mod text;
mod weigh;

pub use local::{CrossCheck, Labelled, LocalDecision, LocalRouter, Trained};

use std::{path::Path, time::Duration};

use minijinja::context;
use serde::{Deserialize, Serialize};

use super::template;
use crate::{
    embed::Embeddings,
    llm::{Attribution, ChatMessage, ChatRequest, Llm, Purpose, Role, Tier},
    model::{ErrorKind, Level, RoutedBy, UnitScore},
};

/// From this confidence on, nobody else is asked. In `0.0..=1.0`. In the cross-check (docs/routing.md) those below are
/// about one in seventeen, and nearly half of them are wrong.
pub(super) const SURE: f64 = 0.65;

/// What else was recognised in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The writer may be in danger.
    Crisis,
    /// Tries to make the character drop its rules.
    Manipulation,
    /// Asks about the past.
    Memory,
    /// Wants a picture.
    Image,
    /// Wants to hear the answer.
    Voice,
    /// Wants news or facts of the world.
    Search,
    /// Wants to be reminded of something later.
    Remind,
    /// Wants something worked out in numbers.
    Calculate,
}

impl Flag {
    /// The name in `routed.flags`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crisis => "crisis",
            Self::Manipulation => "manipulation",
            Self::Memory => "memory",
            Self::Image => "image",
            Self::Voice => "voice",
            Self::Search => "search",
            Self::Remind => "remind",
            Self::Calculate => "calculate",
        }
    }
}

/// A level with how sure its finder is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Guess {
    level: Level,
    confidence: UnitScore,
}

/// The decision for one message.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Route {
    /// How much thought it asks for.
    pub level: Level,
    /// How sure the one who decided is.
    pub confidence: UnitScore,
    /// Who decided.
    pub by: RoutedBy,
    /// Flags and intents.
    pub flags: Vec<Flag>,
    /// Time spent waiting for the router model.
    pub waited: Duration,
}

impl Route {
    /// True when the flag was recognised.
    #[must_use]
    pub(super) fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// What a message asks, and whether its writer wants it thought about with care (product.md, TRN): then it begins with
/// `/reflect` or `!reflect`.
pub(super) fn asked(text: &str) -> (&str, bool) {
    let trimmed = text.trim_start();
    let rest = trimmed.strip_prefix("/reflect").or_else(|| trimmed.strip_prefix("!reflect"));
    match rest.map(|rest| (rest, rest.trim())) {
        Some((rest, question)) if rest.starts_with(char::is_whitespace) && !question.is_empty() => {
            (question, true)
        }
        _ => (text, false),
    }
}

/// Decides routes.
#[derive(Debug, Default)]
pub(super) struct Router {
    prototypes: prototypes::Prototypes,
}

impl Router {
    /// Prepares the patterns and the prototype sentences; until then, rules decide alone.
    pub(super) async fn warm(&self, embeddings: &Embeddings, cache_dir: &Path) {
        // Patterns are compiled on first use, which is not to be paid for by the first turn.
        if let Err(error) =
            tokio::task::spawn_blocking(|| Self::default().locally("draw me the plan, would you?", None))
                .await
        {
            tracing::warn!(%error, "the patterns of the router could not be prepared");
        }
        self.prototypes.warm(embeddings, cache_dir).await;
    }

    /// The route of a message whose writer has said how much thought they want.
    pub(super) fn demanded(&self, text: &str, level: Level) -> Route {
        Route { level, confidence: UnitScore::new(1.0), by: RoutedBy::Rule, ..self.locally(text, None) }
    }

    /// What can be said without a model.
    fn locally(&self, text: &str, vector: Option<&[f32]>) -> Route {
        let folded = text::fold(text);
        let shown = signs::Shown::in_folded(&folded);
        let likeness = vector.and_then(|vector| self.prototypes.likeness(vector, prototypes::ANY));
        let found = weigh::weigh(&weigh::features(&folded, &shown), likeness);
        let flags = rules::flags(text, &shown, &found);
        let certain = rules::certain(&folded, &flags, &shown);
        let by = if certain.is_none() && likeness.is_some() { RoutedBy::Prototype } else { RoutedBy::Rule };
        let Guess { level, confidence } = certain.unwrap_or(found.level);
        Route { level, confidence, by, flags, waited: Duration::ZERO }
    }

    /// The route of `text`. The router model is asked only when there is one and nobody else is sure; when it fails, the
    /// local decision stands.
    pub(super) async fn route(
        &self,
        text: &str,
        vector: Option<&[f32]>,
        llm: &Llm,
        attribution: &Attribution,
    ) -> Route {
        let local = self.locally(text, vector);
        if local.confidence.get() >= SURE || llm.is_offline(Tier::Router) {
            return local;
        }
        let question = template::route(&context! { message => template::as_data(text) });
        let request = ChatRequest {
            temperature: Some(0.0),
            max_tokens: Some(120),
            json: true,
            attribution: attribution.clone(),
            ..ChatRequest::new(Tier::Router, Purpose::Route, vec![ChatMessage::new(Role::User, question)])
        };
        match llm.complete(request).await {
            Ok(completion) => {
                let waited = completion.waited;
                parse(&completion.text).map_or(Route { waited, ..local.clone() }, |answer| {
                    let mut flags = local.flags.clone();
                    flags.extend(answer.flags.into_iter().filter(|flag| !local.flags.contains(flag)));
                    Route {
                        level: answer.level,
                        confidence: answer.confidence,
                        by: RoutedBy::Model,
                        flags,
                        waited,
                    }
                })
            }
            Err(error) if error.kind == ErrorKind::Budget => {
                tracing::debug!("the router model is not asked: {}", error.message);
                Route { waited: error.waited, ..local }
            }
            Err(error) => {
                tracing::warn!(error = %error.message, "the router model failed: the local decision stands");
                Route { waited: error.waited, ..local }
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    level: Level,
    #[serde(default)]
    confidence: UnitScore,
    #[serde(default)]
    flags: Vec<Flag>,
}

fn parse(text: &str) -> Option<Answer> {
    template::json_object(text).and_then(|json| serde_json::from_str(json).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_answer_is_read_even_inside_a_code_fence() {
        let answer =
            parse("```json\n{\"level\": \"COMPLEX_MID\", \"flags\": [\"memory\"], \"confidence\": 0.8}\n```")
                .unwrap();
        assert_eq!(answer.level, Level::ComplexMid);
        assert_eq!(answer.flags, [Flag::Memory]);
    }

    #[rstest::rstest]
    #[case("/reflect What is time?", ("What is time?", true))]
    #[case("!reflect\nWhat is time?", ("What is time?", true))]
    #[case("/reflect", ("/reflect", false))]
    #[case("/reflection is nice", ("/reflection is nice", false))]
    #[case("What does /reflect do?", ("What does /reflect do?", false))]
    fn thought_is_asked_for_at_the_beginning(#[case] text: &str, #[case] expected: (&str, bool)) {
        assert_eq!(asked(text), expected);
    }

    #[test]
    fn who_asks_for_thought_gets_it_and_danger_is_still_seen() {
        let route = Router::default().demanded("hello! I want to kill myself", Level::ComplexHigh);
        assert_eq!((route.level, route.has(Flag::Crisis)), (Level::ComplexHigh, true));
    }

    #[test]
    fn danger_in_the_middle_of_a_long_message_is_seen() {
        let talk = "and then we went on and talked about the garden. ".repeat(20);
        let route = Router::default().locally(&format!("{talk}i want to kill myself. {talk}"), None);
        assert!(route.has(Flag::Crisis));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(40))]
        #[test]
        fn any_text_gets_a_route(text in "\\PC{0,600}", times in 1_usize..200) {
            let route = Router::default().locally(&text.repeat(times), None);
            proptest::prop_assert!((0.0..=1.0).contains(&route.confidence.get()));
        }
    }

    #[test]
    fn nonsense_from_the_router_is_no_answer() {
        assert!(parse("SIMPLE, I think").is_none());
        assert!(parse("{\"level\": \"GIGANTIC\"}").is_none());
    }

    #[rstest::rstest]
    #[case("hi there", Level::Simple)]
    #[case("!reflect who am I", Level::ComplexHigh)]
    #[case("What is my dog called?", Level::ComplexLow)]
    #[case("compare the two boats for me and make a plan", Level::ComplexMid)]
    #[case("give me an in-depth essay on tides, with the arguments of both sides", Level::ComplexHigh)]
    fn words_alone_decide_what_is_plain(#[case] text: &str, #[case] expected: Level) {
        let route = Router::default().locally(text, None);
        assert_eq!((route.level, route.by), (expected, RoutedBy::Rule));
        assert!(route.confidence.get() >= SURE);
    }

    #[rstest::rstest]
    #[case("I want to die", &[Flag::Crisis])]
    #[case("this traffic is killing me", &[])]
    #[case("What is my dog called?", &[Flag::Memory])]
    #[case("What is my name and where do I live?", &[Flag::Memory])]
    #[case("do you remember the lighthouse", &[Flag::Memory])]
    #[case("What are you doing?", &[])]
    #[case("draw me a whale", &[Flag::Image])]
    #[case("google the tide times", &[Flag::Search])]
    #[case("remind me to call Ana tomorrow", &[Flag::Remind])]
    #[case("what is 12 * 7", &[Flag::Calculate])]
    fn flags_are_seen_in_the_words(#[case] text: &str, #[case] expected: &[Flag]) {
        assert_eq!(Router::default().locally(text, None).flags, expected);
    }
}
