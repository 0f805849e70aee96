//! `dramatis bench thinking`: how many calls of a model a question takes, and what composites, adaptive steps and traces save.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::{
    thinking_model::{Habit, Manner, Nature},
    thinking_world::{Asked, Rules, World},
};
use crate::{
    character::{Cast, Character},
    cognition::StepBudget,
    model::Level,
};

/// What must be saved at least, in per cent of the calls (issue "Thinking": 1, 2 and 3).
const COMPOSITES_AIM: f64 = 30.0;
const ADAPTIVE_AIM: f64 = 40.0;
const TRACES_AIM: f64 = 50.0;
/// The budget that adaptive steps are measured against (the issue: "a fixed 10-step budget").
const FIXED: u32 = 10;
/// The shares of a question's words that `--sweep` compares, in per cent.
const SHARES: [u8; 5] = [40, 50, 60, 70, 80];
/// The second question of a kind is about the topic that stands so far behind that of the first.
const SHIFT: usize = 3;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    /// Asks only the first so many questions of each set
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    questions: Option<u16>,
    /// Compares instead what share of a question's words makes enough, from 40 to 80 per cent
    #[arg(long)]
    sweep: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Set {
    pub(super) topics: Vec<Topic>,
    questions: Vec<Question>,
    kinds: Vec<Kind>,
}

/// Something that somebody has told of, in a fact, a memory and a summary; an answer about it has a word of each.
#[derive(Debug, Deserialize)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) fact: [String; 3],
    pub(super) said: String,
    pub(super) summary: String,
    pub(super) wants: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Question {
    ask: String,
    level: Level,
    topics: Vec<String>,
}

/// A kind of question; `{}` stands for its topic.
#[derive(Debug, Deserialize)]
struct Kind {
    ask: String,
    level: Level,
}

/// Calls of a model for a set of questions, once one way and once the other.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
struct Compared {
    questions: usize,
    calls_before: usize,
    calls_after: usize,
    right_before: usize,
    right_after: usize,
    fewer_percent: f64,
}

impl Compared {
    fn of(before: &[Asked], after: &[Asked]) -> Self {
        let calls = |asked: &[Asked]| asked.iter().map(|it| it.calls).sum::<usize>();
        let right = |asked: &[Asked]| asked.iter().filter(|it| it.right).count();
        Self {
            questions: before.len(),
            calls_before: calls(before),
            calls_after: calls(after),
            right_before: right(before),
            right_after: right(after),
            fewer_percent: 0.0,
        }
        .weighed()
    }

    fn sum(rows: &[Row]) -> Self {
        let all = rows.iter().map(|row| row.compared).fold(Self::default(), |a, b| Self {
            questions: a.questions + b.questions,
            calls_before: a.calls_before + b.calls_before,
            calls_after: a.calls_after + b.calls_after,
            right_before: a.right_before + b.right_before,
            right_after: a.right_after + b.right_after,
            fewer_percent: 0.0,
        });
        all.weighed()
    }

    fn weighed(mut self) -> Self {
        if self.calls_before > 0 {
            self.fewer_percent = 100.0 * (1.0 - self.calls_after as f64 / self.calls_before as f64);
        }
        self
    }
}

#[derive(Debug, Serialize)]
struct Row {
    model: &'static str,
    #[serde(flatten)]
    compared: Compared,
}

/// One of the three things that are measured.
#[derive(Debug, Serialize)]
struct Part {
    title: &'static str,
    aim_percent: f64,
    met: bool,
    all: Compared,
    /// What the aim is judged by.
    judged: Vec<Row>,
    /// What is told besides.
    beside: Vec<Row>,
}

impl Part {
    /// The aim is met where so many calls are saved and every answer, before and after, is right.
    fn of(title: &'static str, aim_percent: f64, judged: Vec<Row>, beside: Vec<Row>) -> Self {
        let all = Compared::sum(&judged);
        let right = all.right_before == all.questions && all.right_after == all.questions;
        let met = right && all.questions > 0 && all.fewer_percent >= aim_percent;
        Self { title, aim_percent, met, all, judged, beside }
    }

    fn missed(&self) -> Option<String> {
        let Compared { questions, right_before, right_after, fewer_percent, .. } = self.all;
        (!self.met).then(|| {
            format!(
                "the aim is missed: {}: {fewer_percent:.1} % fewer calls, at least {:.0} % are wanted; right: \
                 {right_before} and {right_after} of {questions}, all are wanted",
                self.title, self.aim_percent
            )
        })
    }
}

#[derive(Debug, Serialize)]
struct Report {
    composites: Part,
    adaptive_steps: Part,
    traces: Part,
}

impl Report {
    fn parts(&self) -> [&Part; 3] {
        [&self.composites, &self.adaptive_steps, &self.traces]
    }
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut set: Set = serde_json::from_str(include_str!("thinking.json")).context("the set of questions")?;
    if let Some(most) = arguments.questions {
        set.questions.truncate(most.into());
        set.kinds.truncate(most.into());
    }
    let settings = crate::cli::load()?;
    let (cast, _) = Cast::open(&settings.characters_dir)?;
    let character = cast.get(&settings.character).context("there is no character to ask")?;
    let bench = Bench { set, cast, character };
    if arguments.sweep {
        bench.sweep(arguments.json).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = Report {
        composites: bench.composites().await?,
        adaptive_steps: bench.adaptive_steps().await?,
        traces: bench.traces().await?,
    };
    if arguments.json {
        say!("{}", serde_json::to_string(&report)?);
    } else {
        table(&report);
    }
    let missed: Vec<String> = report.parts().iter().filter_map(|part| part.missed()).collect();
    for line in &missed {
        eprintln!("{line}");
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(report: &Report) {
    say!("calls of a model, against an endpoint that plays one (docs/thinking.md says what it does)");
    for part in report.parts() {
        let aim = if part.met { "met" } else { "missed" };
        say!(
            "\n{:<46}{:>10}{:>8}{:>8}{:>8}{:>16}",
            part.title,
            "questions",
            "before",
            "after",
            "fewer",
            "right"
        );
        let row = |name: &str, it: &Compared, told: &str| {
            let right = format!("{} and {}", it.right_before, it.right_after);
            let (questions, before, after) = (it.questions, it.calls_before, it.calls_after);
            say!(
                "  {name:<44}{questions:>10}{before:>8}{after:>8}{:>7.1}%{right:>16}{told}",
                it.fewer_percent
            );
        };
        for it in &part.judged {
            row(it.model, &it.compared, "");
        }
        row("together", &part.all, &format!("   at least {:.0} %: {aim}", part.aim_percent));
        for it in &part.beside {
            row(it.model, &it.compared, "   no aim");
        }
    }
}

/// How a manner is told.
const fn told(manner: Manner) -> &'static str {
    match manner {
        Manner::OneCall => "one call a step",
        Manner::OnePlace => "one place a step, all topics",
        Manner::AllAtOnce => "all calls in one step",
    }
}

struct Bench {
    set: Set,
    cast: Cast,
    character: Arc<Character>,
}

impl Bench {
    async fn world(&self, rules: Rules) -> anyhow::Result<World> {
        World::new(&self.set, &self.cast, &self.character, rules).await
    }

    fn topics(&self, names: &[String]) -> anyhow::Result<Vec<&Topic>> {
        let topic = |name: &String| self.set.topics.iter().find(|topic| topic.name == *name);
        names.iter().map(|name| topic(name).with_context(|| format!("no topic {name}"))).collect()
    }

    /// Asks every question, each as if it were the first.
    async fn ask_all(&self, rules: Rules) -> anyhow::Result<Vec<Asked>> {
        let world = self.world(rules).await?;
        let mut asked = Vec::new();
        for question in &self.set.questions {
            let topics = self.topics(&question.topics)?;
            asked.push(world.ask_afresh(&question.ask, question.level, &topics).await?);
        }
        world.close().await;
        Ok(asked)
    }

    async fn composites(&self) -> anyhow::Result<Part> {
        let mut judged = Vec::new();
        for manner in Manner::ALL {
            let nature = Nature::of(manner, Habit::Stops);
            let rules = |composites| Rules { nature, steps: StepBudget::Adaptive, composites };
            let (without, with) = (self.ask_all(rules(false)).await?, self.ask_all(rules(true)).await?);
            judged.push(Row { model: told(manner), compared: Compared::of(&without, &with) });
        }
        Ok(Part::of("composite tools", COMPOSITES_AIM, judged, Vec::new()))
    }

    async fn adaptive_steps(&self) -> anyhow::Result<Part> {
        let compare = async |manner, habit| -> anyhow::Result<Compared> {
            let nature = Nature::of(manner, habit);
            let rules = |steps| Rules { nature, steps, composites: false };
            let fixed = self.ask_all(rules(StepBudget::Fixed(FIXED))).await?;
            Ok(Compared::of(&fixed, &self.ask_all(rules(StepBudget::Adaptive)).await?))
        };
        let mut judged = Vec::new();
        for manner in Manner::ALL {
            judged.push(Row { model: told(manner), compared: compare(manner, Habit::GoesOn).await? });
        }
        let mut beside = Vec::new();
        for (model, habit) in [
            ("one call a step, obeys to the letter", Habit::Obeys),
            ("one call a step, checks twice, stops", Habit::ChecksTwice),
            ("one call a step, stops when it knows", Habit::Stops),
        ] {
            beside.push(Row { model, compared: compare(Manner::OneCall, habit).await? });
        }
        Ok(Part::of("adaptive steps, models that never stop", ADAPTIVE_AIM, judged, beside))
    }

    /// Each kind of question twice, the second time about something else.
    async fn twice(&self, rules: Rules) -> anyhow::Result<Compared> {
        let world = self.world(rules).await?;
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for (number, kind) in self.set.kinds.iter().enumerate() {
            for (asked, shift) in [(&mut first, 0), (&mut second, SHIFT)] {
                let mut topics = self.set.topics.iter().cycle();
                let topic = topics.nth(number + shift).context("the set has no topics")?;
                asked.push(world.ask(&kind.ask.replace("{}", &topic.name), kind.level, &[topic]).await?);
            }
            // Else a kind would profit from another.
            for asked in [&first, &second] {
                world.forget(asked.last().map_or(&[], std::slice::from_ref)).await?;
            }
        }
        world.close().await;
        Ok(Compared::of(&first, &second))
    }

    async fn traces(&self) -> anyhow::Result<Part> {
        let rules = |manner, takes_hints, composites| Rules {
            nature: Nature { manner, habit: Habit::Stops, takes_hints },
            steps: StepBudget::Adaptive,
            composites,
        };
        let mut judged = Vec::new();
        for (model, takes_hints) in
            [("one call a step, takes hints", true), ("one call a step, takes none", false)]
        {
            let compared = self.twice(rules(Manner::OneCall, takes_hints, false)).await?;
            judged.push(Row { model, compared });
        }
        let beside = vec![
            Row {
                model: "all calls in one step, takes hints",
                compared: self.twice(rules(Manner::AllAtOnce, true, false)).await?,
            },
            Row {
                model: "one call a step, with composites",
                compared: self.twice(rules(Manner::OneCall, true, true)).await?,
            },
        ];
        Ok(Part::of("the second question of its kind", TRACES_AIM, judged, beside))
    }

    /// What share of a question's words makes enough.
    async fn sweep(&self, json: bool) -> anyhow::Result<()> {
        ensure!(!self.set.questions.is_empty(), "there are no questions");
        if !json {
            say!("{:>6}{:>26}{:>26}", "share", "answers if it has all", "obeys to the letter");
        }
        for share in SHARES {
            let mut cells = Vec::new();
            for habit in [Habit::GoesOn, Habit::Obeys] {
                let (mut calls, mut right, mut all) = (0, 0, 0);
                for manner in Manner::ALL {
                    let nature = Nature::of(manner, habit);
                    let rules = Rules { nature, steps: StepBudget::Covering(share), composites: false };
                    for asked in self.ask_all(rules).await? {
                        calls += asked.calls;
                        right += usize::from(asked.right);
                        all += 1;
                    }
                }
                cells.push((calls, right, all));
            }
            if json {
                say!(
                    "{}",
                    serde_json::json!({ "share": share, "goes_on": cells.first(), "obeys": cells.last() })
                );
            } else {
                let told =
                    cells.iter().map(|(calls, right, all)| format!("{calls} calls, {right}/{all} right"));
                let told: Vec<String> = told.map(|it| format!("{it:>26}")).collect();
                say!("{share:>5}%{}", told.concat());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(calls_before: usize, calls_after: usize, right_after: usize) -> Row {
        let counted = Compared {
            questions: 10,
            calls_before,
            calls_after,
            right_before: 10,
            right_after,
            ..Compared::default()
        };
        Row { model: "a model", compared: counted.weighed() }
    }

    #[test]
    fn an_aim_is_met_by_all_models_together_and_by_right_answers_alone() {
        let part = |judged| Part::of("it", 30.0, judged, Vec::new());
        assert!(part(vec![row(100, 60, 10), row(100, 80, 10)]).met);
        assert!(!part(vec![row(100, 60, 10), row(100, 81, 10)]).met);
        let wrong = part(vec![row(100, 10, 9)]);
        assert!(wrong.missed().unwrap().contains("right: 10 and 9 of 10"));
        assert!(!part(Vec::new()).met);
    }
}
