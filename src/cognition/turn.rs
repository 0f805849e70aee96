//! One turn, from the stored message to what is remembered of it.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    escalate::Choice,
    gather::{self, Gathered},
    offline, prompt,
    reflect::{StepBudget, Trail, corrects},
    route::{Flag, Route, Router, asked},
    speak::{Spoken, plain},
    thrift, why,
};
use crate::{
    character::Character,
    embed::Embeddings,
    llm::{self, Attribution, Completion, Llm, LlmError, OfflineAnswer as _, Step, Tier},
    memory::{HistoryLine, Judgement, Memory, MemoryError, NewReply, NewTrace},
    model::{
        Clock, ErrorKind, Level, Message, MessageId, TranscriptLine, TurnEvent, TurnId, TurnPath, Viewer,
    },
    relationship::{self, RelationshipError, Relationships, Standing},
    tool::Toolbox,
};

/// What the mind is made of.
pub struct Parts {
    /// Memory.
    pub memory: Memory,
    /// Relationships.
    pub relationships: Relationships,
    /// Models.
    pub llm: Llm,
    /// Embeddings.
    pub embeddings: Embeddings,
    /// Tokens that the window of the answering model holds.
    pub context: usize,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What a character can look up and do while it thinks.
    pub toolbox: Toolbox,
    /// How many steps it may think in.
    pub steps: StepBudget,
    /// Where computed things may be kept between starts.
    pub cache_dir: PathBuf,
}

/// The mind: answers messages.
pub struct Mind {
    pub(super) parts: Parts,
    router: Router,
}

/// A message that is to be answered.
pub struct Ask {
    /// Who answers.
    pub character: Arc<Character>,
    /// Who asks, and where.
    pub viewer: Viewer,
    /// What the platform calls the person.
    pub user_name: String,
    /// The message, already stored. Of several that are answered together, the last, with the words of all.
    pub message: Message,
    /// The earlier ones of several.
    pub also: Vec<MessageId>,
    /// When work on it began, before it was stored.
    pub arrived: Instant,
}

impl Ask {
    /// Every message that is answered.
    fn messages(&self) -> Vec<MessageId> {
        self.also.iter().copied().chain([self.message.id]).collect()
    }
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// With an error, told in the character's voice.
    Failed,
}

/// A turn that cannot go on.
pub(super) enum Broken {
    Store(String),
    Llm(LlmError),
}

impl Broken {
    fn detail(&self) -> &str {
        match self {
            Self::Store(detail) => detail,
            Self::Llm(error) => &error.message,
        }
    }
}

impl From<MemoryError> for Broken {
    fn from(error: MemoryError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<RelationshipError> for Broken {
    fn from(error: RelationshipError) -> Self {
        Self::Store(error.to_string())
    }
}

/// What somebody is called who has not said a name.
pub(super) const NAMELESS: &str = "your visitor";
/// What is said when a character brings no words of its own for it.
const PLAIN_ERROR: &str = "Sorry, I lost my thread for a moment. Could you say that again in a little while?";
/// What is said to an attempt at manipulation when a character brings no words of its own for it.
const PLAIN_REFUSAL: &str = "I'd rather stay who I am. Let's talk about something else.";

impl Mind {
    /// A mind of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, router: Router::default() }
    }

    /// Prepares what makes the first turns faster; turns do not wait for it.
    pub async fn warm(&self) {
        self.router.warm(&self.parts.embeddings, &self.parts.cache_dir).await;
    }

    /// True when the offline responder answers.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.parts.llm.is_offline(Tier::Main)
    }

    /// Answers one message. Everything that happens goes to `events`; a reader that has gone away does not stop the turn,
    /// so that what was said is remembered all the same.
    pub async fn turn(&self, ask: &Ask, events: &mpsc::Sender<TurnEvent>) -> Outcome {
        self.take_turn(ask, None, events).await
    }

    /// The same for a message of which it is known how much thought it asks for.
    pub async fn turn_at(&self, ask: &Ask, level: Level, events: &mpsc::Sender<TurnEvent>) -> Outcome {
        self.take_turn(ask, Some(level), events).await
    }

    #[tracing::instrument(
        skip_all,
        fields(turn = tracing::field::Empty, character = %ask.viewer.character, message = %ask.message.id)
    )]
    async fn take_turn(&self, ask: &Ask, level: Option<Level>, events: &mpsc::Sender<TurnEvent>) -> Outcome {
        let turn = TurnId::new();
        tracing::Span::current().record("turn", tracing::field::display(turn));
        match self.answer(ask, turn, level, events).await {
            Ok(()) => Outcome::Answered,
            Err(broken) => {
                self.fail(ask, broken, events).await;
                Outcome::Failed
            }
        }
    }

    async fn answer(
        &self,
        ask: &Ask,
        turn: TurnId,
        level: Option<Level>,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<(), Broken> {
        let started = ask.arrived;
        let Parts { memory, relationships, llm, .. } = &self.parts;
        let (viewer, message) = (&ask.viewer, &ask.message);
        let (text, reflect) = asked(&message.text);
        let now = message.at;

        self.take_wishes(ask).await?;
        let pinned = pinned_trust(ask);
        let (gathered, standing) = tokio::try_join!(
            async {
                gather::gather(memory, viewer, &ask.messages(), text, self.embed(text), now)
                    .await
                    .map_err(Broken::from)
            },
            async {
                relationships
                    .standing(&viewer.character, &viewer.user, now, pinned)
                    .await
                    .map_err(Broken::from)
            },
        )?;

        let attribution = Attribution {
            character: Some(viewer.character.clone()),
            user: Some(viewer.user.clone()),
            guild: viewer.place.guild().map(str::to_owned),
            turn: Some(turn),
        };
        let routing = Instant::now();
        let route = match level.or(reflect.then_some(Level::ComplexHigh)) {
            Some(level) => self.router.demanded(text, level),
            None => self.router.route(text, gathered.vector.as_deref(), llm, &attribution).await,
        };
        let step = llm.budget().standing(&attribution).await.step;
        // Somebody in danger is answered, whatever else they wrote, and at once.
        let refused = route.has(Flag::Manipulation) && !route.has(Flag::Crisis);
        let thinks = !refused && !route.has(Flag::Crisis) && step < Step::NoReflection;
        let steps = self.steps_for(route.level, ask).filter(|_| thinks);
        let path = if steps.is_some() { TurnPath::Reflective } else { TurnPath::Fast };
        send(events, routed(&route, path, routing.elapsed())).await;
        // Several messages at once have no vector of their own.
        let asked = (text, gathered.vector.as_deref().filter(|_| ask.also.is_empty()));
        let choice = if refused {
            Choice::default()
        } else {
            self.choose(ask, (asked.0, asked.1, &gathered.patterns), &route, step).await
        };
        let items = gathered.reported(text, viewer, &user_known(ask, &gathered).unwrap_or_default());
        let recalled = items.iter().map(why::item).collect();
        send(events, TurnEvent::Recalled { items }).await;

        let material = Self::material(ask, text, &gathered, &standing, &route);
        self.take_correction(ask, text, &gathered).await;
        let (completion, trail) = if refused {
            send(events, TurnEvent::Refused { rule: "manipulation".to_owned() }).await;
            (canned(ask, &ask.character.ux.manipulation_responses, PLAIN_REFUSAL), None)
        } else {
            let how = (steps, step, &choice);
            self.tell(ask, (&material, &gathered, &route), how, attribution, events).await?
        };
        choice.log();
        let tier = choice.told();
        if let Some(tier) = tier {
            send(events, TurnEvent::Tier(tier)).await;
        }

        // Only a model's own words are worth finding again: canned and offline answers quote what is already stored.
        let indexed = completion.model != OFFLINE && !refused;
        // On the clock of the talk, which may be one that is brought in.
        let said_at = now.plus(started.elapsed());
        let total = started.elapsed();
        let brought = why::Brought {
            recalled,
            patterns: if indexed { &material.patterns } else { &[] },
            tools: trail.as_ref().map(|trail| trail.tools.clone()).unwrap_or_default(),
        };
        let account = why::account(&route, path, brought, &completion, tier, millis(total));
        let new = NewReply { to: message, also: &ask.also, text: &completion.text, at: said_at, indexed };
        let reply = memory.store_reply_with(new, &account).await?;
        let total = started.elapsed();
        // What is stored, should an earlier answer have been there already.
        send(events, told(reply.text.clone(), viewer, &route, &completion, total)).await;
        if choice.asks_cloud() && indexed {
            self.distil(ask, asked, reply.id, trail.as_ref()).await;
        }
        if let Some(trail) = trail {
            self.learn(ask, text, gathered.vector.as_deref(), reply.id, trail).await;
        }
        let reply = indexed.then_some(reply.id);
        if let Err(broken) = self.remember(ask, gathered.vector, reply, pinned, events).await {
            // The answer stands; what is missing is caught up at the next start, or is one step of trust.
            tracing::error!(
                detail = broken.detail(),
                "the turn was answered, but not all of it is remembered"
            );
        }
        Ok(())
    }

    /// Keeps how a question that took thought was answered.
    async fn learn(&self, ask: &Ask, text: &str, vector: Option<&[f32]>, reply: MessageId, trail: Trail) {
        let message = ask.message.id;
        self.judge_used(message, &trail.used, Judgement::Served).await;
        // What rests on several messages would not go with one of them.
        if trail.plan.is_empty() || !ask.also.is_empty() {
            return;
        }
        let new = NewTrace { message, reply, question: text, vector, plan: &trail.plan };
        if let Err(error) = self.parts.memory.keep_trace(&ask.viewer, new).await {
            tracing::warn!(%error, "how a question was answered is not kept");
        }
    }

    /// Somebody who says that the last answer was wrong says it of the traces that it rests on.
    async fn take_correction(&self, ask: &Ask, text: &str, gathered: &Gathered) {
        if !corrects(text) {
            return;
        }
        let own = |line: &&HistoryLine| line.author.user() == Some(&ask.viewer.user);
        let Some(last) = gathered.history.iter().rev().find(own) else { return };
        if let Err(error) = self.parts.memory.judge_traces(last.id, Judgement::Corrected, true).await {
            tracing::warn!(%error, "a correction is not noted for the next answer");
        }
    }

    /// The answer, as far as money goes: thought, or at once, or a line in character.
    async fn tell(
        &self,
        ask: &Ask,
        (material, gathered, route): (&prompt::Material, &Gathered, &Route),
        (steps, step, choice): (Option<u32>, Step, &Choice),
        attribution: Attribution,
        events: &mpsc::Sender<TurnEvent>,
    ) -> Result<(Completion, Option<Trail>), Broken> {
        let prepared = offline::prepare(material, gathered, route, &ask.viewer, user_known(ask, gathered));
        let prepared = Arc::new(prepared);
        let spoken = Spoken { ask, material, offline: prepared.clone(), attribution, step, choice };
        let told = match steps {
            Some(steps) => {
                let vector = gathered.vector.as_deref().filter(|_| ask.also.is_empty());
                self.think_or_speak(&spoken, (route.level, steps), vector, events).await
            }
            None => self.speak(&spoken, None, events).await.map(|completion| (completion, None)),
        };
        match told {
            Err(error) if error.kind == ErrorKind::Budget => {
                send(events, TurnEvent::Refused { rule: "budget".to_owned() }).await;
                let line = canned(ask, &ask.character.ux.budget_responses, thrift::PLAIN_BUDGET);
                // Help does not depend on money: the built-in responder knows what to say.
                let text = if route.has(Flag::Crisis) { prepared.answer() } else { line.text };
                Ok((Completion { text, waited: error.waited, ..line }, None))
            }
            told => told.map_err(Broken::Llm),
        }
    }

    /// Explicit wishes ("short answers, please") hold from this very answer on.
    async fn take_wishes(&self, ask: &Ask) -> Result<(), Broken> {
        let line = TranscriptLine {
            id: ask.message.id,
            speaker: Some(ask.viewer.user.clone()),
            name: ask.user_name.clone(),
            text: ask.message.text.clone(),
            at: ask.message.at,
        };
        let wishes = llm::offline::extract::preferences(&line);
        if wishes.is_empty() {
            return Ok(());
        }
        self.parts.memory.set_preferences(&ask.viewer, &wishes, ask.message.at).await.map_err(Broken::from)
    }

    /// The vector of the message, when there is a model; without one, words alone are searched.
    async fn embed(&self, text: &str) -> Option<Vec<f32>> {
        match self.parts.embeddings.embed(vec![text.to_owned()]).await {
            Ok(vectors) => vectors.and_then(|vectors| vectors.into_iter().next()),
            Err(error) => {
                tracing::warn!(%error, "the message could not be embedded: recall works by words for this turn");
                None
            }
        }
    }

    fn material(
        ask: &Ask,
        text: &str,
        gathered: &Gathered,
        standing: &Standing,
        route: &Route,
    ) -> prompt::Material {
        let mood = standing.mood.as_str();
        let trust = standing.trust.get();
        let user_name = user_known(ask, gathered).unwrap_or_else(|| NAMELESS.to_owned());
        prompt::Material {
            character: ask.character.clone(),
            user_name: user_name.clone(),
            place: ask.viewer.place.clone(),
            now: ask.message.at,
            message: text.to_owned(),
            beside: ask.message.beside.clone(),
            trust,
            mood,
            traits: active_traits(ask, trust, mood),
            note: special_user(ask).and_then(|special| special.note.clone()),
            preferences: gathered.preferences.clone(),
            facts: gathered
                .facts
                .iter()
                .map(|fact| gather::sentence(fact, &ask.viewer, &user_name))
                .collect(),
            summaries: gathered.summaries.clone(),
            recalled: gathered.recalled.clone(),
            // To somebody in danger no earlier answer is an example.
            patterns: if route.has(Flag::Crisis) { Vec::new() } else { gathered.patterns.clone() },
            history: gathered.history.clone(),
            goals: gathered.goals.clone(),
            reminders: gathered.reminders.clone(),
            about_past: route.has(Flag::Memory),
            guard: route.has(Flag::Crisis).then_some(prompt::CRISIS_GUARD),
            thinking: None,
        }
    }

    /// The message stays stored, marked as failed; the person hears of it in the character's voice, the operator in the log.
    async fn fail(&self, ask: &Ask, broken: Broken, events: &mpsc::Sender<TurnEvent>) {
        let (kind, detail) = match broken {
            Broken::Store(detail) => (ErrorKind::Store, detail),
            Broken::Llm(error) => (error.kind, error.message),
        };
        tracing::error!(?kind, detail, "the turn failed");
        if let Err(error) = self.parts.memory.mark_failed(&ask.messages()).await {
            tracing::error!(%error, "the message could not be marked as failed");
        }
        let line = pick(&ask.character.ux.error_messages, &ask.message.id).unwrap_or(PLAIN_ERROR);
        send(events, TurnEvent::Error { kind, message: line.to_owned() }).await;
    }
}

/// The model name that the offline responder signs with.
const OFFLINE: &str = "offline";

fn routed(route: &Route, path: TurnPath, took: Duration) -> TurnEvent {
    TurnEvent::Routed {
        level: route.level,
        path,
        confidence: route.confidence,
        by: route.by,
        flags: route.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        ms: millis(took),
    }
}

/// The end of a turn that took `total`.
fn told(text: String, viewer: &Viewer, route: &Route, completion: &Completion, total: Duration) -> TurnEvent {
    let waited = completion.waited + route.waited;
    TurnEvent::Final {
        text,
        character: viewer.character.clone(),
        level: route.level,
        model: completion.model.clone(),
        tokens_in: completion.tokens_in,
        tokens_out: completion.tokens_out,
        cost_usd: completion.cost_usd,
        total_ms: millis(total),
        overhead_ms: millis(total.saturating_sub(waited)),
    }
}

/// A refusal in the character's words; no model is asked, so nothing can be talked out of it.
fn canned(ask: &Ask, lines: &[String], otherwise: &str) -> Completion {
    plain(pick(lines, &ask.message.id).unwrap_or(otherwise).to_owned(), OFFLINE)
}

/// One of the lines, the same for the same message.
fn pick<'a>(lines: &'a [String], message: &MessageId) -> Option<&'a str> {
    let sum: usize = message.to_string().bytes().map(usize::from).sum();
    lines.get(sum.checked_rem(lines.len())?).map(String::as_str)
}

fn special_user(ask: &Ask) -> Option<&crate::character::SpecialUser> {
    ask.character.evolution.special_users.iter().find(|special| special.is(&ask.viewer.user))
}

fn pinned_trust(ask: &Ask) -> Option<f64> {
    special_user(ask).and_then(|special| special.trust_override).map(f64::from)
}

fn user_known(ask: &Ask, gathered: &Gathered) -> Option<String> {
    let asked_for = gathered.preferences.nickname.clone().or_else(|| gathered.known_name.clone());
    asked_for.or_else(|| (!ask.user_name.trim().is_empty()).then(|| ask.user_name.clone()))
}

fn active_traits(ask: &Ask, trust: f64, mood: &str) -> Vec<usize> {
    let traits: Vec<(&str, i32, bool)> = ask
        .character
        .evolution
        .traits
        .iter()
        .map(|it| {
            let suppressed = it.suppress_on_mood.iter().any(|name| name == mood);
            (it.name.as_str(), it.unlock_at, suppressed)
        })
        .collect();
    let day = ask.message.at.micros().div_euclid(86_400_000_000);
    relationship::active_traits(&traits, trust, day.unsigned_abs())
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

pub(super) async fn send(events: &mpsc::Sender<TurnEvent>, event: TurnEvent) {
    // A reader that has gone away must not stop the turn.
    let _ = events.send(event).await;
}
