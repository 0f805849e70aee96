//! Saying it: the answer at once, or after thought, streamed as it comes.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    escalate::Choice,
    offline, prompt,
    reflect::{Failed, Hold, Question, Spent, Trail},
    thrift,
    turn::{Ask, Mind, NAMELESS, send},
};
use crate::{
    llm::{Attribution, ChatRequest, Completion, LlmError, Purpose, Step, Tier},
    memory::Judgement,
    model::{ErrorKind, Level, MessageId, TurnEvent},
};

/// What an answer is made of.
pub(super) struct Spoken<'a> {
    pub(super) ask: &'a Ask,
    pub(super) material: &'a prompt::Material,
    pub(super) offline: Arc<offline::Prepared>,
    pub(super) attribution: Attribution,
    /// How far money has run short.
    pub(super) step: Step,
    /// Whether the local model or the cloud answers.
    pub(super) choice: &'a Choice,
}

impl Mind {
    /// Thinks in steps; where that fails before a word is shown, answers at once instead.
    pub(super) async fn think_or_speak(
        &self,
        spoken: &Spoken<'_>,
        (level, steps): (Level, u32),
        vector: Option<&[f32]>,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<(Completion, Option<Trail>), LlmError> {
        let Spoken { ask, material, attribution, choice, .. } = spoken;
        let material = self.without_orders(material, ask);
        let question = Question { ask, material, level, vector, attribution, choice, events };
        match self.think(question, steps).await {
            Ok((completion, trail)) => Ok((completion, Some(trail))),
            Err(Failed { error, spent, shown, used }) => {
                self.judge_used(ask.message.id, &used, Judgement::Failed).await;
                if shown {
                    return Err(error);
                }
                tracing::warn!(error = %error.message, "thinking failed: the character answers at once");
                Ok((self.speak(spoken, Some(spent), events).await?, None))
            }
        }
    }

    /// The material with nobody in it who is called like an order to use a tool: people choose their names, and a name
    /// stands where no fence is.
    fn without_orders(&self, material: &prompt::Material, ask: &Ask) -> prompt::Material {
        let specs = self.parts.toolbox.specs(&ask.character);
        let names_tool = |name: &str| {
            let plain = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).collect() };
            let name = plain(&name.to_lowercase());
            specs.iter().any(|spec| name.contains(&plain(&spec.name)))
        };
        let mut material = material.clone();
        if names_tool(&material.user_name) {
            NAMELESS.clone_into(&mut material.user_name);
        }
        for line in material.history.iter_mut().filter(|line| names_tool(&line.name)) {
            NAMELESS.clone_into(&mut line.name);
        }
        for item in &mut material.recalled {
            item.name = item.name.take().filter(|name| !names_tool(name));
        }
        if material.preferences.nickname.as_deref().is_some_and(names_tool) {
            material.preferences.nickname = None;
        }
        material
    }

    /// Notes what became of the traces that an answer used. The turn does not depend on it.
    pub(super) async fn judge_used(&self, message: MessageId, used: &[String], judgement: Judgement) {
        let memory = &self.parts.memory;
        let noted = async {
            memory.use_traces(message, used).await?;
            memory.judge_traces(message, judgement, true).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "what became of an answer is not noted for the next one like it");
        }
    }

    /// Streams the answer. A prompt that turns out too long is cut to half its budget, twice at most. After thought that
    /// failed (`spent`), a call of a tool written as text is not taken for an answer.
    pub(super) async fn speak(
        &self,
        spoken: &Spoken<'_>,
        spent: Option<Spent>,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Completion, LlmError> {
        let Spoken { ask, material, offline, attribution, step, choice } = spoken;
        let mut tier = thrift::tier(*step, &self.parts.llm);
        let whole = prompt::budget_of(self.parts.context);
        let mut budget = whole;
        let mut waited = Duration::ZERO;
        loop {
            let request = ChatRequest {
                attribution: attribution.clone(),
                offline: Some(offline.clone()),
                ..ChatRequest::new(tier, Purpose::Answer, prompt::assemble(material, budget))
            };
            let mut hold = if spent.is_some() { Hold::new(0) } else { Hold::open() };
            let request = thrift::overridden(request, &ask.character);
            let heard = Box::pin(self.hear_best(request, choice, &mut hold, "", events)).await;
            match heard {
                Ok(completion) => {
                    let mut completion = match spent {
                        Some(spent) => spent.before(self.told(completion, &hold, ask, events).await?),
                        None => completion,
                    };
                    completion.waited += waited;
                    return Ok(completion);
                }
                Err(error)
                    if error.kind == ErrorKind::Budget
                        && tier != thrift::tier(Step::Silent, &self.parts.llm) =>
                {
                    waited += error.waited;
                    tier = Tier::Cheap;
                }
                Err(error) if error.kind == ErrorKind::ContextLength && budget > whole / 4 => {
                    tracing::warn!(budget, "the prompt is too long for the model: cutting it to half");
                    waited += error.waited;
                    budget /= 2;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// An answer of which what looked like a call was held back: shown if it is none.
    async fn told(
        &self,
        completion: Completion,
        hold: &Hold,
        ask: &Ask,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<Completion, LlmError> {
        let kept = hold.kept();
        if !self.is_stray(kept, ask) {
            if !kept.is_empty() {
                send(events, TurnEvent::Delta { text: kept.to_owned() }).await;
            }
            return Ok(completion);
        }
        if hold.passed().trim().is_empty() {
            return Err(LlmError {
                kind: ErrorKind::BadAnswer,
                message: format!("{} wrote a call of a tool instead of an answer", completion.model),
                partial: String::new(),
                waited: completion.waited,
            });
        }
        Ok(Completion { text: hold.passed().trim_end().to_owned(), ..completion })
    }
}

/// These words, for nothing.
pub(super) fn plain(text: String, model: &str) -> Completion {
    Completion {
        text,
        tool_calls: Vec::new(),
        confidence: None,
        model: model.to_owned(),
        tokens_in: 0,
        tokens_out: 0,
        usage_estimated: false,
        cost_usd: 0.0,
        waited: Duration::ZERO,
        attempts: 0,
        recovered: false,
    }
}
