//! One adapter, measured from outside.

use std::{path::Path, time::Duration};

use anyhow::{Context, anyhow};
use serde::Serialize;
use tokio::{sync::mpsc, time::Instant};

use super::{
    LINES,
    bot::{Bot, Memory},
    percentile,
    server::{Platform, Server, Told},
};
use crate::{
    config::Settings,
    llm::simulator::{Moment, Simulator},
};

/// What the model says; nothing in it changes on its way through any platform's formatting.
const ANSWER: &str = "That sounds like a good walk. What did Luna find?";
/// Starts that are timed, behind a first one that makes the database.
const STARTS: usize = 5;
/// Turns before anything is measured: statements are prepared, connections are open.
const WARM_UP: usize = 20;
/// Messages after which memory is looked at, as comparable bots were.
const FEW: usize = 300;
/// Users of the long run.
const MANY_USERS: u64 = 32;
/// How long a bot is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) platform: Platform,
    pub(super) messages: usize,
    pub(super) users: u64,
    pub(super) idle_after: Option<usize>,
}

/// Half and nearly all of many times, in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Spread {
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
}

impl Spread {
    fn of(mut times: Vec<f64>) -> Self {
        Self { p50_ms: percentile(&mut times, 0.50), p95_ms: percentile(&mut times, 0.95) }
    }
}

/// Many turns at once.
#[derive(Debug, Serialize)]
pub(super) struct Pace {
    pub(super) users: u64,
    pub(super) answers: usize,
    pub(super) answers_per_second: f64,
    pub(super) processor_ms_per_message: f64,
}

/// Memory after this many messages.
#[derive(Debug, Serialize)]
pub(super) struct After {
    pub(super) messages: usize,
    pub(super) memory: Memory,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub(super) platform: &'static str,
    /// `words` or `embeddings`.
    pub(super) recall: &'static str,
    /// From the start of the process to the first poll, or to READY, with a database that has to be made.
    pub(super) first_start_ms: f64,
    /// The same with one that is there; the median.
    pub(super) start_ms: f64,
    pub(super) idle: Memory,
    /// From the delivery of a message to the request to the model, one user.
    pub(super) before_model: Spread,
    /// From the last token of the model to the request with the whole answer, one user.
    pub(super) after_model: Spread,
    /// Both together.
    pub(super) overhead: Spread,
    pub(super) one_user: Pace,
    pub(super) many_users: Pace,
    /// After few messages of one user.
    pub(super) after_few: After,
    /// After the run of many users, whose talks and connections are open by then.
    pub(super) after_users: After,
    pub(super) after_many: Option<After>,
    /// How much larger resident memory is after many messages than after few, in per cent.
    pub(super) growth_percent: Option<f64>,
    /// How much larger it is than after the run of many users, in per cent: what messages add, and not users.
    pub(super) growth_since_users_percent: Option<f64>,
}

/// Measures one adapter with `embedding_model` (`none`: words only), with its data in `dir`.
///
/// # Errors
/// When the bot does not start or stops answering.
pub(super) async fn measure(
    settings: &Settings,
    dir: &Path,
    plan: Plan,
    embedding_model: &str,
) -> anyhow::Result<Figures> {
    let (watcher, mut moments) = mpsc::unbounded_channel();
    let model = Simulator::watched(ANSWER, watcher).await?;
    let server = Server::start(plan.platform, ANSWER).await?;
    let base_url = model.base_url();
    let start = || Bot::start(settings, dir, (&server, &base_url), embedding_model);

    let mut bot = start().await?;
    let first_start_ms = millis(bot.took);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        bot.kill().await?;
        bot = start().await?;
        starts.push(millis(bot.took));
    }
    tokio::time::sleep(SETTLE).await;
    let idle = bot.memory()?;

    let mut said = 0;
    let mut turns = Turns::default();
    let mut talk = Talk { bot, server: &server };
    talk.alone(WARM_UP, &mut moments, &mut Turns::default()).await?;
    said += WARM_UP;
    let few = plan.messages.min(FEW.saturating_sub(WARM_UP));
    let mut one_user = talk.alone(few, &mut moments, &mut turns).await?;
    said += few;
    let after_few = After { messages: said, memory: talk.settled().await? };
    if plan.messages > few {
        one_user = one_user.and(&talk.alone(plan.messages - few, &mut moments, &mut turns).await?);
        said += plan.messages - few;
    }
    let many_users = talk.together(plan.users, plan.messages).await?;
    said += many_users.answers;
    let after_users = After { messages: said, memory: talk.settled().await? };
    let after_many = match plan.idle_after {
        Some(many) => {
            talk.together(MANY_USERS, many.saturating_sub(said)).await?;
            Some(After { messages: many.max(said), memory: talk.settled().await? })
        }
        None => None,
    };
    let growth = |since: &After| {
        let after = after_many.as_ref()?;
        Some((after.memory.resident_mib / since.memory.resident_mib - 1.0) * 100.0)
    };
    let (growth_percent, growth_since_users_percent) = (growth(&after_few), growth(&after_users));
    talk.bot.kill().await?;
    Ok(Figures {
        platform: plan.platform.as_str(),
        recall: if embedding_model == "none" { "words" } else { "embeddings" },
        first_start_ms,
        start_ms: percentile(&mut starts, 0.5),
        idle,
        before_model: Spread::of(turns.before),
        after_model: Spread::of(turns.after),
        overhead: Spread::of(turns.both),
        one_user,
        many_users,
        after_few,
        after_users,
        after_many,
        growth_percent,
        growth_since_users_percent,
    })
}

/// The parts of each turn, in milliseconds.
#[derive(Default)]
struct Turns {
    before: Vec<f64>,
    after: Vec<f64>,
    both: Vec<f64>,
}

struct Talk<'a> {
    bot: Bot,
    server: &'a Server,
}

impl Talk<'_> {
    /// `count` turns of one user, one after the other.
    async fn alone(
        &mut self,
        count: usize,
        moments: &mut mpsc::UnboundedReceiver<Moment>,
        turns: &mut Turns,
    ) -> anyhow::Result<Pace> {
        let (begun, processor) = (Instant::now(), self.bot.processor_ms()?);
        for line in LINES.iter().cycle().take(count) {
            while moments.try_recv().is_ok() {}
            let told = self.turn(1, line).await?;
            let (asked, answered) = model_times(moments, told).context("an answer came without the model")?;
            let before = millis(asked - told.delivered);
            let after = millis(told.answered - answered);
            turns.before.push(before);
            turns.after.push(after);
            turns.both.push(before + after);
        }
        Ok(Pace {
            users: 1,
            answers: count,
            answers_per_second: count as f64 / begun.elapsed().as_secs_f64(),
            processor_ms_per_message: (self.bot.processor_ms()? - processor) / count.max(1) as f64,
        })
    }

    /// At least `count` turns of `users`, each of whom waits for an answer before saying more.
    async fn together(&mut self, users: u64, count: usize) -> anyhow::Result<Pace> {
        let each = count.div_ceil(usize::try_from(users)?);
        let (begun, processor) = (Instant::now(), self.bot.processor_ms()?);
        let server = self.server;
        let talks = (0..users).map(|user| async move {
            for (turn, line) in LINES.iter().cycle().take(each).enumerate() {
                wait(server, 1_000 + user, line)
                    .await
                    .with_context(|| format!("message {turn} of user {user}"))?;
            }
            anyhow::Ok(())
        });
        let talked = futures::future::try_join_all(talks).await;
        talked.map_err(|error| self.explained(&error))?;
        let answers = each * usize::try_from(users)?;
        Ok(Pace {
            users,
            answers,
            answers_per_second: answers as f64 / begun.elapsed().as_secs_f64(),
            processor_ms_per_message: (self.bot.processor_ms()? - processor) / answers.max(1) as f64,
        })
    }

    async fn turn(&mut self, user: u64, line: &str) -> anyhow::Result<Told> {
        let told = wait(self.server, user, line).await;
        told.map_err(|error| self.explained(&error))
    }

    async fn settled(&self) -> anyhow::Result<Memory> {
        tokio::time::sleep(SETTLE).await;
        self.bot.memory()
    }

    fn explained(&mut self, error: &anyhow::Error) -> anyhow::Error {
        anyhow!("{error:#}; {}", self.bot.complaint())
    }
}

async fn wait(server: &Server, user: u64, line: &str) -> anyhow::Result<Told> {
    let told = tokio::time::timeout(PATIENCE, server.say(user, line)).await;
    told.ok()
        .and_then(Result::ok)
        .with_context(|| format!("the bot gave no answer within {} s", PATIENCE.as_secs()))
}

/// When the model was asked, and when it had told all.
fn model_times(moments: &mut mpsc::UnboundedReceiver<Moment>, told: Told) -> Option<(Instant, Instant)> {
    let (mut asked, mut answered) = (None, None);
    while let Ok(moment) = moments.try_recv() {
        match moment {
            Moment::Asked(at) if at >= told.delivered => asked = asked.or(Some(at)),
            Moment::Told(at) if at <= told.answered => answered = Some(at),
            Moment::Asked(_) | Moment::Told(_) => {}
        }
    }
    Some((asked?, answered?))
}

impl Pace {
    /// Two runs as one.
    fn and(&self, other: &Self) -> Self {
        let (mine, theirs) = (self.answers as f64, other.answers as f64);
        let seconds = mine / self.answers_per_second + theirs / other.answers_per_second;
        let processor = mine * self.processor_ms_per_message + theirs * other.processor_ms_per_message;
        Self {
            users: self.users,
            answers: self.answers + other.answers,
            answers_per_second: (mine + theirs) / seconds,
            processor_ms_per_message: processor / (mine + theirs),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
