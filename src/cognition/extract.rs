//! After a session: one amortised look back that finds facts, wishes and a summary. A model does it where there is one;
//! the built-in rules do it otherwise, or when the model's answer cannot be used.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use minijinja::context;
use serde::Deserialize;
use serde_json::Value as Json;

use super::template;
use crate::{
    jobs::{Attempt, Handler, JobError, NewJob},
    llm::{Attribution, ChatMessage, ChatRequest, Llm, LlmError, Purpose, Role, Tier, offline},
    memory::Memory,
    model::{
        ErrorKind, Extraction, FactDraft, MessageId, Preference, PreferenceDraft, SessionId, Style,
        SummaryDraft, Timestamp, TranscriptLine, UnitScore, Verbosity,
    },
};

/// Lines of a session that are shown to the model; the newest are kept.
const LONGEST_SESSION: usize = 200;

/// How long a look back waits at most for money before it is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

/// The job that looks back at a finished session.
#[derive(Clone)]
pub struct SessionEnded {
    memory: Memory,
    llm: Llm,
}

impl SessionEnded {
    /// The kind in the queue.
    pub const KIND: &'static str = "session_ended";

    /// The handler for the queue's workers.
    #[must_use]
    pub fn new(memory: Memory, llm: Llm) -> Arc<Self> {
        Arc::new(Self { memory, llm })
    }

    /// The job for one session; asking twice does not make two.
    #[must_use]
    pub fn job(session: SessionId) -> NewJob {
        NewJob {
            kind: Self::KIND,
            payload: serde_json::json!({ "session": session }),
            dedup_key: Some(format!("{}:{session}", Self::KIND)),
            run_at: None,
            priority: 0,
            max_attempts: 5,
        }
    }

    /// The job for a session that has been looked back at, after one of its messages was changed at `at`.
    #[must_use]
    pub fn again(session: SessionId, message: MessageId, at: Timestamp) -> NewJob {
        let key = format!("{}:{session}:{message}:{}", Self::KIND, at.micros());
        NewJob { dedup_key: Some(key), ..Self::job(session) }
    }

    /// The same when the budget is back. What is short may be only background work's share, so it looks again in an hour.
    async fn put_off(&self, attribution: &Attribution, error: LlmError) -> JobError {
        let budget = self.llm.budget();
        let soon = budget.now().plus(LOOK_AGAIN);
        let renewed = budget.standing(attribution).await.renews_at;
        JobError::Later(renewed.map_or(soon, |at| at.min(soon)), error.message)
    }

    /// What a model finds; nothing, when its answer cannot be used.
    async fn by_model(
        &self,
        lines: &[TranscriptLine],
        attribution: Attribution,
    ) -> Result<Option<Extraction>, LlmError> {
        let start = lines.len().saturating_sub(LONGEST_SESSION);
        let shown: Vec<_> = lines
            .iter()
            .enumerate()
            .skip(start)
            .map(|(number, line)| {
                context! {
                    number => number,
                    name => template::label(&line.name),
                    character => line.speaker.is_none(),
                    text => template::as_data(&template::one_line(&line.text)),
                }
            })
            .collect();
        let question = template::extract(&context! { lines => shown });
        let messages = vec![ChatMessage::new(Role::User, question)];
        let request = ChatRequest {
            temperature: Some(0.0),
            max_tokens: Some(1_500),
            json: true,
            attribution,
            ..ChatRequest::new(Tier::Reflective, Purpose::Extract, messages)
        };
        let completion = self.llm.complete(request).await?;
        let found = read(&completion.text, lines);
        if found.is_none() {
            tracing::warn!("what the model extracted cannot be used: the rules do it");
        }
        Ok(found)
    }
}

#[async_trait]
impl Handler for SessionEnded {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    async fn run(&self, payload: Json, attempt: Attempt) -> Result<(), JobError> {
        let session: SessionId = payload
            .get("session")
            .cloned()
            .and_then(|id| serde_json::from_value(id).ok())
            .ok_or_else(|| JobError::Dead(format!("the job names no session: {payload}")))?;
        let retry = |error: &dyn std::fmt::Display| JobError::Retry(error.to_string());
        let transcript = self.memory.transcript(session).await.map_err(|error| retry(&error))?;
        let attribution = Attribution {
            guild: transcript.scope.guild().map(str::to_owned),
            user: transcript.scope.person().cloned(),
            character: Some(transcript.character),
            turn: None,
        };
        let by_model = if self.llm.is_offline(Tier::Reflective) {
            None
        } else {
            match self.by_model(&transcript.lines, attribution.clone()).await {
                Ok(found) => found,
                Err(error) if error.kind == ErrorKind::Budget => {
                    return Err(self.put_off(&attribution, error).await);
                }
                Err(error) if attempt == Attempt::Early && passes(error.kind) => {
                    return Err(JobError::Retry(error.message));
                }
                Err(error) => {
                    tracing::warn!(error = %error.message, "extraction by model failed: the rules do it");
                    None
                }
            }
        };
        let extraction = by_model.unwrap_or_else(|| offline::extract::session(&transcript.lines));
        let applied = self.memory.apply(session, extraction).await.map_err(|error| retry(&error))?;
        tracing::info!(%session, facts = applied.facts, preferences = applied.preferences, "session looked back at");
        Ok(())
    }
}

/// True for errors after which another attempt may go better.
fn passes(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::BrokenStream
    )
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    facts: Vec<FoundFact>,
    #[serde(default)]
    preferences: Vec<FoundPreference>,
    #[serde(default)]
    summary: Option<FoundSummary>,
}

#[derive(Deserialize)]
struct FoundFact {
    line: usize,
    subject: String,
    predicate: String,
    object: String,
    #[serde(default)]
    confidence: UnitScore,
}

#[derive(Deserialize)]
struct FoundPreference {
    line: usize,
    key: String,
    value: Json,
}

#[derive(Deserialize)]
struct FoundSummary {
    text: String,
    #[serde(default)]
    meaningfulness: u8,
    #[serde(default)]
    emotions: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
}

/// Takes what a model wrote; whatever does not rest on a person's own line is dropped.
fn read(text: &str, lines: &[TranscriptLine]) -> Option<Extraction> {
    let answer: Answer = serde_json::from_str(template::json_object(text)?).ok()?;
    let facts = answer.facts.into_iter().filter_map(|found| {
        let line = lines.get(found.line)?;
        let object = found.object.trim().to_owned();
        let predicate = found.predicate.trim().to_lowercase().replace([' ', '-'], "_");
        let fits = (2..=100).contains(&object.chars().count()) && !predicate.is_empty();
        fits.then_some(FactDraft {
            subject: found.subject.trim().to_owned(),
            predicate,
            object,
            confidence: found.confidence,
            owner: line.speaker.clone()?,
            sources: vec![line.id],
        })
    });
    let preferences = answer.preferences.into_iter().filter_map(|found| {
        let line = lines.get(found.line)?;
        Some(PreferenceDraft {
            preference: preference(&found.key, &found.value)?,
            owner: line.speaker.clone()?,
            source: line.id,
        })
    });
    let summary = answer.summary.filter(|found| !found.text.trim().is_empty()).map(|found| SummaryDraft {
        text: found.text.trim().to_owned(),
        meaningfulness: found.meaningfulness.clamp(1, 5),
        emotions: found.emotions,
        topics: found.topics,
    });
    Some(Extraction { facts: facts.collect(), preferences: preferences.collect(), summary })
}

fn preference(key: &str, value: &Json) -> Option<Preference> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    if text.is_empty() || text.chars().count() > 60 {
        return None;
    }
    match (key, text.to_lowercase().as_str()) {
        ("verbosity", "short") => Some(Preference::Verbosity(Verbosity::Short)),
        ("verbosity", "medium") => Some(Preference::Verbosity(Verbosity::Medium)),
        ("verbosity", "long") => Some(Preference::Verbosity(Verbosity::Long)),
        ("style", "casual") => Some(Preference::Style(Style::Casual)),
        ("style", "formal") => Some(Preference::Style(Style::Formal)),
        ("style", "matching") => Some(Preference::Style(Style::Matching)),
        ("nickname", _) => Some(Preference::Nickname(text)),
        ("avoid_topic", _) => Some(Preference::AvoidTopic(text)),
        ("emojis", "true") => Some(Preference::Emojis(true)),
        ("emojis", "false") => Some(Preference::Emojis(false)),
        // This wish holds everywhere, so it must not carry words.
        ("language", _) => offline::extract::language_tag(&text).map(Preference::Language),
        ("timezone", _) => {
            text.parse::<chrono_tz::Tz>().ok().map(|zone| Preference::Timezone(zone.to_string()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    fn line(speaker: Option<&str>, text: &str) -> TranscriptLine {
        TranscriptLine {
            id: MessageId::new(),
            speaker: speaker.map(|name| UserId::console(name).unwrap()),
            name: "x".to_owned(),
            text: text.to_owned(),
            at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn only_what_a_person_said_is_kept() {
        let lines = [line(Some("robin"), "I live in Lisbon"), line(None, "And I in Cádiz")];
        let answer = r#"{"facts": [
            {"line": 0, "subject": "user", "predicate": "Lives in", "object": "Lisbon", "confidence": 0.9},
            {"line": 1, "subject": "user", "predicate": "lives_in", "object": "Cádiz"},
            {"line": 9, "subject": "user", "predicate": "lives_in", "object": "Nowhere"}]}"#;
        let found = read(answer, &lines).unwrap();
        assert_eq!(found.facts.len(), 1);
        assert_eq!(found.facts[0].predicate, "lives_in");
        assert_eq!(found.facts[0].sources, [lines[0].id]);
    }

    #[test]
    fn wishes_are_typed_or_dropped() {
        let lines = [line(Some("robin"), "short answers please")];
        let answer = r#"{"preferences": [
            {"line": 0, "key": "verbosity", "value": "short"},
            {"line": 0, "key": "verbosity", "value": "gigantic"},
            {"line": 0, "key": "emojis", "value": false},
            {"line": 0, "key": "language", "value": "my locker code is 4711"},
            {"line": 0, "key": "language", "value": "my-pin-4711"},
            {"line": 0, "key": "language", "value": "pt-BR"},
            {"line": 0, "key": "timezone", "value": "Mars/Olympus"}]}"#;
        let found = read(answer, &lines).unwrap();
        let wishes: Vec<_> = found.preferences.into_iter().map(|draft| draft.preference).collect();
        let language = Preference::Language("pt-BR".to_owned());
        assert_eq!(wishes, [Preference::Verbosity(Verbosity::Short), Preference::Emojis(false), language]);
    }

    #[test]
    fn nonsense_is_no_extraction() {
        assert!(read("I could not find anything.", &[]).is_none());
    }
}
