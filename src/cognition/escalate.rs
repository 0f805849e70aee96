//! Local first, cloud when needed (product.md, LLM): whether the local model or the cloud answers, by how much thought a message
//! asks for, how unlike it is to what was learned, and how sure the local model is; and what is learned from the cloud.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    reflect::Trail,
    route::{Flag, Route},
    template,
    turn::{Ask, Mind},
};
use crate::{
    llm::{ChatRequest, LlmError, Role, Step},
    memory::{NewTrace, Pattern, PatternSource},
    model::{
        AnsweringTier, ErrorKind, EscalationBar, EscalationReason, Level, MessageId, TierChoice, UnitScore,
    },
};

/// Above this complexity the cloud answers (product.md, LLM), in `0.0..=1.0`.
const COMPLEX: f64 = 0.75;
/// Above this novelty the cloud answers.
const NOVEL: f64 = 0.85;
/// Up to this complexity a message is small talk for sure, and the local model is not asked how sure it is: SIMPLE with the
/// confidence from which the router asks nobody else.
const SMALL_TALK: f64 = 0.25;

/// The score that an example from the cloud begins with: nobody has liked it yet.
const DISTILLED: f64 = 0.5;

/// The choice of a turn as far as it has been made; nothing where there is no cloud tier.
#[derive(Debug, Default)]
pub(super) struct Choice(Option<Mutex<TierChoice>>);

impl Choice {
    fn locked(&self) -> Option<MutexGuard<'_, TierChoice>> {
        self.0.as_ref().map(|choice| choice.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The choice.
    pub(super) fn told(&self) -> Option<TierChoice> {
        self.locked().map(|choice| *choice)
    }

    /// True when the cloud is asked next.
    pub(super) fn asks_cloud(&self) -> bool {
        self.told().is_some_and(|choice| choice.tier == AnsweringTier::Cloud)
    }

    /// True when the local model is asked how sure it is: when the cloud could take its place.
    pub(super) fn asks_confidence(&self) -> bool {
        self.told().is_some_and(|choice| {
            choice.reason.is_none() && choice.barred.is_none() && choice.complexity.get() > SMALL_TALK
        })
    }

    /// The local model is sure of its answer, as far as is known.
    pub(super) fn is_sure(&self, confidence: Option<f64>) {
        if let Some(mut choice) = self.locked() {
            choice.confidence = confidence.map(UnitScore::new);
        }
    }

    /// The local model is not sure of its answer: the cloud is asked.
    pub(super) fn is_unsure(&self, confidence: Option<f64>) {
        self.is_sure(confidence);
        self.escalate(EscalationReason::Confidence);
    }

    /// The local model failed. True when the cloud is asked instead. Too little money and too long a prompt have remedies of
    /// their own.
    pub(super) fn local_failed(&self, error: &LlmError) -> bool {
        let other = matches!(error.kind, ErrorKind::Budget | ErrorKind::ContextLength | ErrorKind::Store);
        if other || self.told().is_none_or(|choice| choice.barred.is_some()) {
            return false;
        }
        tracing::warn!(error = error.message, "the local model failed: the cloud is asked");
        self.escalate(EscalationReason::Failure);
        true
    }

    fn escalate(&self, reason: EscalationReason) {
        if let Some(mut choice) = self.locked() {
            choice.tier = AnsweringTier::Cloud;
            choice.reason = choice.reason.or(Some(reason));
        }
    }

    /// The cloud brought nothing: the local model answers, for the rest of the turn.
    pub(super) fn cloud_failed(&self, error: &LlmError) {
        let short = error.kind == ErrorKind::Budget;
        if !short {
            tracing::warn!(error = error.message, "the cloud failed: the local model answers");
        }
        self.bar(if short { EscalationBar::Budget } else { EscalationBar::Failure });
    }

    /// The cheaper model answers.
    pub(super) fn is_short(&self) {
        self.bar(EscalationBar::Budget);
    }

    fn bar(&self, bar: EscalationBar) {
        if let Some(mut choice) = self.locked() {
            choice.tier = AnsweringTier::Local;
            choice.barred = choice.barred.or(Some(bar));
        }
    }

    /// Logs the choice with its numbers.
    pub(super) fn log(&self) {
        let Some(TierChoice { tier, reason, barred, complexity, novelty, confidence }) = self.told() else {
            return;
        };
        tracing::info!(
            ?tier,
            ?reason,
            ?barred,
            complexity = complexity.get(),
            novelty = novelty.map(UnitScore::get),
            confidence = confidence.map(UnitScore::get),
            "local first, cloud when needed"
        );
    }
}

impl Mind {
    /// Chooses before the first call. Whoever may be in danger is answered at home; so is everybody when money is short.
    pub(super) async fn choose(
        &self,
        ask: &Ask,
        (text, vector, patterns): (&str, Option<&[f32]>, &[Pattern]),
        route: &Route,
        step: Step,
    ) -> Choice {
        if !self.parts.llm.has_cloud() {
            return Choice::default();
        }
        let complexity = complexity(route.level, route.confidence);
        let barred = if route.has(Flag::Crisis) {
            Some(EscalationBar::Crisis)
        } else {
            (step >= Step::CheaperModel).then_some(EscalationBar::Budget)
        };
        // Small talk is always new, and never needs the cloud for that.
        let novelty = if route.level > Level::Simple && barred.is_none() {
            Some(UnitScore::new(1.0 - self.likest_learned(ask, (text, vector, patterns)).await))
        } else {
            None
        };
        let reason = if complexity.get() > COMPLEX {
            Some(EscalationReason::Complexity)
        } else {
            novelty.filter(|novelty| novelty.get() > NOVEL).map(|_| EscalationReason::Novelty)
        };
        let cloud = reason.is_some() && barred.is_none();
        let tier = if cloud { AnsweringTier::Cloud } else { AnsweringTier::Local };
        Choice(Some(Mutex::new(TierChoice { tier, reason, barred, complexity, novelty, confidence: None })))
    }

    /// How like the message is to the likest that the local tier has learned to answer, by a trace or an example, in
    /// `0.0..=1.0`; 0 where nothing is similar. What is similar is decided where it was learned.
    async fn likest_learned(
        &self,
        ask: &Ask,
        (text, vector, patterns): (&str, Option<&[f32]>, &[Pattern]),
    ) -> f64 {
        let traces = self.parts.memory.traces_like(&ask.viewer, text, vector).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "what was learned from earlier questions cannot be looked up");
            Vec::new()
        });
        let examples = patterns.iter().map(|pattern| pattern.similarity.get());
        traces.iter().map(|trace| trace.likeness).chain(examples).fold(0.0, f64::max)
    }

    /// Keeps what a cloud answer teaches: the answer as an example for messages like this one, and, where thinking has left no
    /// plan, that a question of this kind is answered without looking anything up.
    pub(super) async fn distil(
        &self,
        ask: &Ask,
        (text, vector): (&str, Option<&[f32]>),
        reply: MessageId,
        trail: Option<&Trail>,
    ) {
        // What is learned goes with its message; what rests on several messages would not go with one of them.
        if !ask.also.is_empty() {
            return;
        }
        let score = UnitScore::new(DISTILLED);
        let kept =
            self.parts.memory.learn_pattern(ask.message.id, reply, score, PatternSource::Distilled).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "what the cloud answered is no example for the local model");
        }
        if trail.is_some_and(|trail| !(trail.plan.is_empty() && trail.used.is_empty())) {
            return;
        }
        let new = NewTrace { message: ask.message.id, reply, question: text, vector, plan: &[] };
        if let Err(error) = self.parts.memory.keep_trace(&ask.viewer, new).await {
            tracing::warn!(%error, "what the cloud answered is not kept for the local model");
        }
    }
}

/// How much thought a message asks for: `c · l/3 + (1 − c) · ½`, where `l` is the level's number from 0 (SIMPLE) to 3
/// (`COMPLEX_HIGH`) and `c` the router's confidence in it. It is what is to be expected of the level when the router is right with
/// the probability `c` and any level is as good as the other else. Only `COMPLEX_HIGH` gets above 0.75, from `c > ½` on.
fn complexity(level: Level, confidence: UnitScore) -> UnitScore {
    let number = match level {
        Level::Simple => 0.0,
        Level::ComplexLow => 1.0,
        Level::ComplexMid => 2.0,
        Level::ComplexHigh => 3.0,
    };
    let sure = confidence.get();
    UnitScore::new(sure * number / 3.0 + (1.0 - sure) * 0.5)
}

/// The request with the question how sure the model is: in words behind the instructions, where it leaves what stands before it
/// as it is, and by its tokens' probabilities.
pub(super) fn asking_confidence(mut request: ChatRequest) -> ChatRequest {
    let instructions = request.messages.iter_mut().find(|message| message.role == Role::System);
    if let Some(instructions) = instructions {
        instructions.content = format!("{}\n\n{}", instructions.content.trim_end(), template::confidence());
    }
    ChatRequest { confidence: true, ..request }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Level::Simple, 1.0, 0.0)]
    #[case(Level::Simple, 0.5, 0.25)]
    #[case(Level::ComplexLow, 1.0, 1.0 / 3.0)]
    #[case(Level::ComplexMid, 1.0, 2.0 / 3.0)]
    #[case(Level::ComplexHigh, 0.5, 0.75)]
    #[case(Level::ComplexHigh, 1.0, 1.0)]
    #[case(Level::ComplexHigh, 0.0, 0.5)]
    fn complexity_is_the_level_as_far_as_it_is_sure(
        #[case] level: Level,
        #[case] sure: f64,
        #[case] expected: f64,
    ) {
        assert!((complexity(level, UnitScore::new(sure)).get() - expected).abs() < 1e-9);
    }

    #[test]
    fn without_a_cloud_nothing_is_asked() {
        let choice = Choice::default();
        choice.is_unsure(Some(0.1));
        assert_eq!((choice.told(), choice.asks_cloud(), choice.asks_confidence()), (None, false, false));
    }
}
