//! What `dramatis bench routing` has found, as a table and as JSON.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{
    percentile,
    routing::{Line, Times},
};
use crate::{
    cognition::{Flag, LocalDecision},
    model::Level,
};

const LEVELS: [Level; 4] = [Level::Simple, Level::ComplexLow, Level::ComplexMid, Level::ComplexHigh];
const NAMES: [&str; 4] = ["SIMPLE", "LOW", "MID", "HIGH"];
const FLAGS: [Flag; 8] = [
    Flag::Crisis,
    Flag::Manipulation,
    Flag::Memory,
    Flag::Image,
    Flag::Voice,
    Flag::Search,
    Flag::Remind,
    Flag::Calculate,
];

/// Shares are in `0.0..=1.0`, times in milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    messages: usize,
    /// Share of levels that are right, whether sure or not.
    accuracy: f64,
    /// Share of messages for which no model would be asked.
    decided: f64,
    /// Share of levels that are right among these.
    accuracy_of_decided: f64,
    /// Share of levels that the local router has right among the others, for which a model would be asked.
    accuracy_of_grey: f64,
    /// The mean confidence: close to `accuracy` when confidences can be believed.
    mean_confidence: f64,
    /// A row for each true level, a column for each found one.
    confusion: [[usize; 4]; 4],
    languages: BTreeMap<String, Part>,
    registers: BTreeMap<String, Part>,
    flags: BTreeMap<&'static str, Found>,
    /// Of the decision alone.
    decision_ms: Spread,
    /// Of the embedding alone, which a turn needs for recall anyway.
    embedding_ms: Option<Spread>,
}

#[derive(Debug, Default, Serialize)]
struct Part {
    messages: usize,
    right: usize,
}

/// How well a flag is found.
#[derive(Debug, Serialize)]
struct Found {
    /// Messages that carry it.
    labelled: usize,
    precision: f64,
    recall: f64,
}

#[derive(Debug, Serialize)]
struct Spread {
    p50: f64,
    p99: f64,
}

impl Spread {
    fn of(values: &mut [f64]) -> Self {
        Self { p50: percentile(values, 0.5), p99: percentile(values, 0.99) }
    }
}

impl Report {
    /// Judges decisions by their lines.
    pub(super) fn new(lines: &[Line], decisions: &[LocalDecision], times: &mut Times) -> Self {
        let pairs = || lines.iter().zip(decisions);
        let right = |line: &Line, found: &LocalDecision| line.level == found.level;
        let all_right = pairs().filter(|(line, found)| right(line, found)).count();
        let decided = pairs().filter(|(_, found)| found.sure).count();
        let decided_right = pairs().filter(|(line, found)| found.sure && right(line, found)).count();
        let count = |truth: Level, found: Level| {
            pairs().filter(|(line, decision)| line.level == truth && decision.level == found).count()
        };
        let (mut languages, mut registers) = (BTreeMap::new(), BTreeMap::new());
        for (line, found) in pairs() {
            for (parts, name) in [(&mut languages, &line.lang), (&mut registers, &line.register)] {
                let part: &mut Part = parts.entry(name.clone()).or_default();
                part.messages += 1;
                part.right += usize::from(right(line, found));
            }
        }
        let flags = FLAGS.map(|flag| {
            let labelled = lines.iter().filter(|line| line.marks().contains(&flag)).count();
            let seen = decisions.iter().filter(|found| found.flags.contains(&flag)).count();
            let hits =
                pairs().filter(|(line, found)| line.marks().contains(&flag) && found.flags.contains(&flag));
            let hits = hits.count();
            (flag.as_str(), Found { labelled, precision: share(hits, seen), recall: share(hits, labelled) })
        });
        let sum: f64 = decisions.iter().map(|found| found.confidence).sum();
        Self {
            messages: lines.len(),
            accuracy: share(all_right, lines.len()),
            decided: share(decided, lines.len()),
            accuracy_of_decided: share(decided_right, decided),
            accuracy_of_grey: share(all_right - decided_right, lines.len() - decided),
            mean_confidence: sum / decisions.len().max(1) as f64,
            confusion: LEVELS.map(|truth| LEVELS.map(|found| count(truth, found))),
            languages,
            registers,
            flags: BTreeMap::from(flags),
            decision_ms: Spread::of(&mut times.decision),
            embedding_ms: (!times.embedding.is_empty()).then(|| Spread::of(&mut times.embedding)),
        }
    }
}

/// Of nothing, everything is right.
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        writeln!(f, "{} messages", self.messages)?;
        writeln!(f, "levels right, no model asked   {:>8}", percent(self.accuracy))?;
        writeln!(f, "decided locally                {:>8}", percent(self.decided))?;
        writeln!(f, "right among these              {:>8}", percent(self.accuracy_of_decided))?;
        writeln!(f, "right in the grey zone         {:>8}", percent(self.accuracy_of_grey))?;
        writeln!(f, "mean confidence                {:>8}", percent(self.mean_confidence))?;
        let time = |f: &mut fmt::Formatter<'_>, name: &str, spread: &Spread| {
            writeln!(f, "{name:<30} p50 {:.3} ms, p99 {:.3} ms", spread.p50, spread.p99)
        };
        time(f, "decision", &self.decision_ms)?;
        if let Some(embedding) = &self.embedding_ms {
            time(f, "embedding, beside it", embedding)?;
        }
        writeln!(f, "\ntrue \\ found {}", NAMES.map(|name| format!("{name:>8}")).concat())?;
        for (name, row) in NAMES.iter().zip(&self.confusion) {
            writeln!(f, "{name:<12} {}", row.map(|count| format!("{count:>8}")).concat())?;
        }
        for (title, parts) in [("language", &self.languages), ("register", &self.registers)] {
            writeln!(f, "\n{title:<14}messages   right")?;
            for (name, part) in parts {
                writeln!(
                    f,
                    "{name:<14}{:>8}{:>8}",
                    part.messages,
                    percent(share(part.right, part.messages))
                )?;
            }
        }
        writeln!(f, "\nflag, intent  messages precision  recall")?;
        for (name, found) in &self.flags {
            let (precision, recall) = (percent(found.precision), percent(found.recall));
            writeln!(f, "{name:<14}{:>8}{precision:>10}{recall:>8}", found.labelled)?;
        }
        Ok(())
    }
}
