//! The local router by itself, as `dramatis bench routing` judges and trains it.

use std::path::Path;

use super::{Flag, Router, SURE, learn, prototypes, signs::Shown, weigh};
use crate::{
    embed::Embeddings,
    model::{Level, RoutedBy},
};

/// A message with the right answer.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The message.
    pub text: String,
    /// Its level.
    pub level: Level,
    /// Its flags and intents.
    pub flags: Vec<Flag>,
    /// Its vector, when there is an embedding model.
    pub vector: Option<Vec<f32>>,
}

/// What the local router says of a message.
#[derive(Debug, Clone)]
pub struct LocalDecision {
    /// The level.
    pub level: Level,
    /// How sure it is, in `0.0..=1.0`.
    pub confidence: f64,
    /// True when no model would be asked.
    pub sure: bool,
    /// Who decided.
    pub by: RoutedBy,
    /// Flags and intents.
    pub flags: Vec<Flag>,
}

/// Weights, and how well weights from four fifths of the messages did on the rest.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The text of `src/cognition/route/weights.txt`.
    pub weights: String,
    /// Share of levels that were right in the cross-check, in `0.0..=1.0`.
    pub accuracy: f64,
    /// Share of messages that were decided without a model in the cross-check.
    pub decided: f64,
    /// Share of levels that were right among these.
    pub accuracy_of_decided: f64,
}

/// The router without a model to ask.
#[derive(Debug, Default)]
pub struct LocalRouter(Router);

impl LocalRouter {
    /// Prepares the patterns and, with an embedding model, the prototype sentences; their vectors are kept in `cache_dir`.
    pub async fn warm(&self, embeddings: &Embeddings, cache_dir: &Path) {
        self.0.warm(embeddings, cache_dir).await;
    }

    /// What the local router says of `text`; `vector` is its embedding.
    #[must_use]
    pub fn decide(&self, text: &str, vector: Option<&[f32]>) -> LocalDecision {
        let route = self.0.locally(text, vector);
        LocalDecision {
            level: route.level,
            confidence: route.confidence.get(),
            sure: route.confidence.get() >= SURE,
            by: route.by,
            flags: route.flags,
        }
    }

    /// Learns weights from messages. Each counts twice when it has a vector: as it looks with and without one.
    #[must_use]
    pub fn train(&self, messages: &[Labelled]) -> Trained {
        let examples: Vec<learn::Example> = messages
            .iter()
            .flat_map(|message| {
                let shown = Shown::in_text(&message.text);
                let alike = message
                    .vector
                    .as_deref()
                    .and_then(|vector| self.0.prototypes.likeness(vector, prototypes::ITSELF));
                let forms = if alike.is_some() { vec![None, alike] } else { vec![None, None] };
                forms.into_iter().map(move |likeness| learn::Example {
                    features: weigh::features(&message.text, &shown, likeness),
                    level: message.level,
                    memory: message.flags.contains(&Flag::Memory),
                    search: message.flags.contains(&Flag::Search),
                })
            })
            .collect();
        let judged = learn::cross_check(&examples);
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        let right = judged.iter().filter(|(right, _)| *right).count();
        let decided = judged.iter().filter(|(_, sure)| *sure >= SURE).count();
        let decided_right = judged.iter().filter(|(right, sure)| *right && *sure >= SURE).count();
        Trained {
            weights: learn::fit(&examples.iter().collect::<Vec<_>>()).written(),
            accuracy: share(right, judged.len()),
            decided: share(decided, judged.len()),
            accuracy_of_decided: share(decided_right, decided),
        }
    }
}
