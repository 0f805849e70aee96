//! Hearing a model out: its words are shown as they come, and where the local model is not enough, the cloud's are.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream::BoxStream};
use tokio::sync::mpsc;

use super::{
    confide::{Gate, Passed},
    escalate::{self, Choice},
    reflect::{Hold, LONGEST},
    speak::plain,
    turn::{Mind, send},
};
use crate::{
    llm::{self, ChatEvent, ChatRequest, Completion, Llm, LlmError, Tier},
    model::{ErrorKind, TurnEvent},
};

type Events = mpsc::Sender<TurnEvent>;

/// How far an answer has got.
enum Heard {
    /// It is over.
    Whole(Completion),
    /// Its model is not sure enough; nothing of it was shown.
    Doubted,
}

/// One call under way. Dropping it cancels the call.
struct Hearing<'a> {
    llm: &'a Llm,
    answer: futures::stream::Peekable<BoxStream<'static, Result<ChatEvent, LlmError>>>,
    /// Where the model was asked how sure it is.
    gate: Option<Gate>,
    /// It is over, and was doubted.
    over: Option<Completion>,
    text: String,
    /// Of the next piece.
    logprobs: Vec<f64>,
    /// What stands before the first words that are shown.
    lead: Option<String>,
    model: String,
    prompt: usize,
    began: Instant,
}

impl<'a> Hearing<'a> {
    fn begin(llm: &'a Llm, request: ChatRequest, gate: Option<Gate>, lead: &str) -> Self {
        Self {
            llm,
            gate,
            over: None,
            text: String::new(),
            logprobs: Vec::new(),
            lead: Some(lead.to_owned()),
            model: request.model.clone().unwrap_or_else(|| llm.model_of(request.tier).to_owned()),
            prompt: llm::tokens::estimate_messages(&request.messages),
            began: Instant::now(),
            answer: llm.chat(request).boxed().peekable(),
        }
    }

    /// Waits for the first word; false when there will be none.
    async fn has_begun(&mut self) -> bool {
        matches!(std::pin::Pin::new(&mut self.answer).peek().await, Some(Ok(_)))
    }

    /// Hears more of it, until its end or a doubt. An answer without end is cut off.
    async fn go_on(&mut self, hold: &mut Hold, events: &Events) -> Result<Heard, LlmError> {
        if let Some(completion) = self.over.take() {
            return self.whole(completion).map(Heard::Whole);
        }
        while let Some(event) = self.answer.next().await {
            match event? {
                ChatEvent::Logprobs(logprobs) => self.logprobs.extend(logprobs),
                ChatEvent::Delta(piece) => {
                    self.text.push_str(&piece);
                    let logprobs = std::mem::take(&mut self.logprobs);
                    match self
                        .gate
                        .as_mut()
                        .map_or(Passed::Text(piece.clone()), |gate| gate.push(&piece, &logprobs))
                    {
                        Passed::Nothing => {}
                        Passed::Text(text) => self.show(&text, hold, events).await,
                        Passed::Doubted => return Ok(Heard::Doubted),
                    }
                    if self.text.len() > LONGEST {
                        tracing::warn!(model = self.model, "an answer has no end: it is cut off");
                        return self.whole(self.so_far()).map(Heard::Whole);
                    }
                }
                ChatEvent::Done(completion) => {
                    let calls = !completion.tool_calls.is_empty();
                    match self.gate.as_mut().map_or(Passed::Nothing, |gate| gate.end(calls)) {
                        Passed::Nothing => {}
                        Passed::Text(text) => self.show(&text, hold, events).await,
                        Passed::Doubted => {
                            self.over = Some(completion);
                            return Ok(Heard::Doubted);
                        }
                    }
                    return self.whole(completion).map(Heard::Whole);
                }
            }
        }
        Err(self.empty("the stream ended without an answer"))
    }

    /// Shows what was doubted: nobody does better.
    async fn trust(&mut self, hold: &mut Hold, events: &Events) {
        if let Some(held) = self.gate.as_mut().map(Gate::trust) {
            self.show(&held, hold, events).await;
        }
    }

    async fn show(&mut self, text: &str, hold: &mut Hold, events: &Events) {
        if let Some(clear) = hold.push(text) {
            let text = self.lead.take().unwrap_or_default() + &clear;
            send(events, TurnEvent::Delta { text }).await;
        }
    }

    fn whole(&self, completion: Completion) -> Result<Completion, LlmError> {
        let Some(gate) = &self.gate else { return Ok(completion) };
        if gate.text().trim().is_empty() && completion.tool_calls.is_empty() {
            return Err(self.empty("the model said how sure it is, and nothing else"));
        }
        Ok(Completion { text: gate.text().to_owned(), ..completion })
    }

    /// What has been heard and taken by now; of what was not counted yet, an estimate.
    fn so_far(&self) -> Completion {
        if let Some(completion) = &self.over {
            return completion.clone();
        }
        let count = |tokens: usize| u64::try_from(tokens).unwrap_or(u64::MAX);
        let (tokens_in, tokens_out) = (count(self.prompt), count(llm::tokens::estimate(&self.text)));
        Completion {
            tokens_in,
            tokens_out,
            usage_estimated: true,
            cost_usd: self.llm.cost_of(&self.model, tokens_in, tokens_out),
            waited: self.began.elapsed(),
            attempts: 1,
            ..plain(self.text.clone(), &self.model)
        }
    }

    fn confidence(&self) -> Option<f64> {
        self.gate.as_ref().and_then(Gate::confidence)
    }

    fn empty(&self, message: &str) -> LlmError {
        LlmError {
            kind: ErrorKind::EmptyAnswer,
            message: message.to_owned(),
            partial: String::new(),
            waited: self.began.elapsed(),
        }
    }
}

impl Mind {
    /// One call, of which what `hold` lets through is shown, behind `lead`.
    async fn hear(
        &self,
        request: ChatRequest,
        hold: &mut Hold,
        lead: &str,
        events: &Events,
    ) -> Result<Completion, LlmError> {
        let mut hearing = Hearing::begin(&self.parts.llm, request, None, lead);
        match hearing.go_on(hold, events).await? {
            Heard::Whole(completion) => Ok(completion),
            Heard::Doubted => Err(hearing.empty("an answer was doubted that was not to be")),
        }
    }

    /// One call of the local tier, or of the cloud where that is due: at once where `choice` says so, else when the local model
    /// is not sure of its words or fails before one of them is shown. Where the cloud brings nothing, the local answer counts.
    pub(super) async fn hear_best(
        &self,
        request: ChatRequest,
        choice: &Choice,
        hold: &mut Hold,
        lead: &str,
        events: &Events,
    ) -> Result<Completion, LlmError> {
        if request.tier == Tier::Cheap {
            choice.is_short();
            return self.hear(request, hold, lead, events).await;
        }
        let mut lost = Duration::ZERO;
        if choice.asks_cloud() {
            match self.hear(in_cloud(&request), hold, lead, events).await {
                Err(error) if hold.passed().is_empty() => {
                    lost = error.waited;
                    choice.cloud_failed(&error);
                    hold.drop_kept();
                }
                heard => return heard,
            }
        }
        if !choice.asks_confidence() {
            let heard = self.hear(request.clone(), hold, lead, events).await;
            return match heard {
                Err(error) if hold.passed().is_empty() && choice.local_failed(&error) => {
                    hold.drop_kept();
                    match self.hear(in_cloud(&request), hold, lead, events).await {
                        Ok(answer) => Ok(Completion { waited: answer.waited + error.waited, ..answer }),
                        Err(other) => {
                            choice.cloud_failed(&other);
                            // Words that were shown are not followed by somebody else's.
                            Err(if hold.passed().is_empty() { error } else { other })
                        }
                    }
                }
                heard => heard.map(|answer| Completion { waited: answer.waited + lost, ..answer }),
            };
        }
        self.hear_doubting(request, choice, hold, lead, events).await
    }

    /// One call of the local tier, which is asked how sure it is.
    async fn hear_doubting(
        &self,
        request: ChatRequest,
        choice: &Choice,
        hold: &mut Hold,
        lead: &str,
        events: &Events,
    ) -> Result<Completion, LlmError> {
        let llm = &self.parts.llm;
        let gate = Gate::new(!request.tools.is_empty());
        let asking = escalate::asking_confidence(request.clone());
        let mut draft = Hearing::begin(llm, asking, Some(gate), lead);
        let failed = match draft.go_on(hold, events).await {
            Ok(Heard::Whole(completion)) => {
                if completion.tool_calls.is_empty() {
                    choice.is_sure(draft.confidence());
                }
                return Ok(completion);
            }
            Ok(Heard::Doubted) => {
                choice.is_unsure(draft.confidence());
                None
            }
            Err(error) if hold.passed().is_empty() && choice.local_failed(&error) => Some(error),
            Err(error) => return Err(error),
        };
        hold.drop_kept();
        let mut cloud = Hearing::begin(llm, in_cloud(&request), None, lead);
        // The draft is kept until there is something better: nobody is left without an answer.
        if !cloud.has_begun().await && failed.is_none() {
            if let Err(error) = cloud.go_on(hold, events).await {
                choice.cloud_failed(&error);
            }
            draft.trust(hold, events).await;
            return match draft.go_on(hold, events).await? {
                Heard::Whole(completion) => Ok(completion),
                Heard::Doubted => Err(draft.empty("an answer was doubted twice")),
            };
        }
        let before = draft.so_far();
        drop(draft);
        match cloud.go_on(hold, events).await {
            Ok(Heard::Whole(answer)) => Ok(sum(&before, answer)),
            Ok(Heard::Doubted) => Err(cloud.empty("an answer was doubted that was not to be")),
            Err(error) if hold.passed().is_empty() => {
                choice.cloud_failed(&error);
                hold.drop_kept();
                match failed {
                    Some(failed) => Err(failed),
                    None => self.hear(request, hold, lead, events).await.map(|answer| sum(&before, answer)),
                }
            }
            Err(error) => Err(error),
        }
    }
}

/// The same of the cloud. A model of the character's own is one of another endpoint.
fn in_cloud(request: &ChatRequest) -> ChatRequest {
    ChatRequest { tier: Tier::Cloud, model: None, offline: None, ..request.clone() }
}

/// An answer, with what was taken before it.
fn sum(before: &Completion, answer: Completion) -> Completion {
    Completion {
        tokens_in: before.tokens_in + answer.tokens_in,
        tokens_out: before.tokens_out + answer.tokens_out,
        usage_estimated: before.usage_estimated || answer.usage_estimated,
        cost_usd: before.cost_usd + answer.cost_usd,
        waited: before.waited + answer.waited,
        attempts: before.attempts + answer.attempts,
        ..answer
    }
}
