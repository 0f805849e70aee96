//! The local router by itself, as `dramatis bench routing` judges and trains it.

use std::path::Path;

use super::{
    Flag, Router, SURE, learn,
    model::{COLUMNS, LEVELS, Settle, stretched},
    prototypes,
    signs::Shown,
    text::fold,
    weigh::{self, Likeness},
};
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

/// How well weights from four fifths of the messages did on the rest, rules left out. Shares are in `0.0..=1.0`.
#[derive(Debug, Clone, Copy)]
pub struct CrossCheck {
    /// Levels that were right.
    pub accuracy: f64,
    /// Messages that were decided without a model.
    pub decided: f64,
    /// Levels that were right among these.
    pub accuracy_of_decided: f64,
    /// The mean confidence.
    pub confidence: f64,
}

/// Weights, and how well they did.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The text of `src/cognition/route/weights.txt`.
    pub weights: String,
    /// The text of `src/cognition/route/grams.txt`.
    pub grams: String,
    /// Without an embedding model.
    pub words: CrossCheck,
    /// With one.
    pub alike: CrossCheck,
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

    /// Learns weights from messages: first those of the words, then how these are settled into probabilities, without and
    /// with likeness, by what weights from the other messages said of each.
    #[must_use]
    pub fn train(&self, messages: &[Labelled]) -> Trained {
        let examples: Vec<learn::Example> = messages.iter().map(|message| self.example(message)).collect();
        let scores = learn::scores_from_others(&examples);
        let words: Vec<_> =
            scores.iter().zip(&examples).map(|(scores, it)| judged(scores, it, None)).collect();
        let alike: Vec<_> =
            scores.iter().zip(&examples).map(|(scores, it)| judged(scores, it, it.likeness)).collect();
        let mut model = learn::fit(&examples.iter().collect::<Vec<_>>());
        (model.words, model.alike) = (learn::settle(&words), learn::settle(&alike));
        Trained {
            weights: model.written(),
            grams: model.grams_written(),
            words: cross_check(&model.words, &words),
            alike: cross_check(&model.alike, &alike),
        }
    }

    fn example(&self, message: &Labelled) -> learn::Example {
        let folded = fold(&message.text);
        let vector = message.vector.as_deref();
        learn::Example {
            features: weigh::features(&folded, &Shown::in_folded(&folded)),
            likeness: vector.and_then(|it| self.0.prototypes.likeness(it, prototypes::ITSELF)),
            level: message.level,
            marks: [Flag::Memory, Flag::Search, Flag::Crisis, Flag::Manipulation]
                .map(|flag| message.flags.contains(&flag)),
        }
    }
}

fn judged(scores: &[f64; COLUMNS], example: &learn::Example, likeness: Option<Likeness>) -> learn::Judged {
    let [simple, low, mid, high, ..] = *scores;
    ([simple, low, mid, high], likeness, example.level)
}

fn cross_check(settle: &Settle, judged: &[learn::Judged]) -> CrossCheck {
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let found: Vec<(bool, f64)> = judged
        .iter()
        .filter_map(|(scores, likeness, level)| {
            let found = settle.probabilities(*scores, likeness.map(stretched));
            let best = LEVELS.into_iter().zip(found).max_by(|a, b| a.1.total_cmp(&b.1));
            best.map(|(best, sure)| (best == *level, sure))
        })
        .collect();
    let right = found.iter().filter(|(right, _)| *right).count();
    let decided = found.iter().filter(|(_, sure)| *sure >= SURE).count();
    let decided_right = found.iter().filter(|(right, sure)| *right && *sure >= SURE).count();
    CrossCheck {
        accuracy: share(right, found.len()),
        decided: share(decided, found.len()),
        accuracy_of_decided: share(decided_right, decided),
        confidence: found.iter().map(|(_, sure)| sure).sum::<f64>() / found.len().max(1) as f64,
    }
}
