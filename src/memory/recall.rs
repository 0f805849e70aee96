//! Recall: by words and by meaning, fused, with recency, importance and source; nothing that does not fit.

use std::collections::{HashMap, HashSet};

use sqlx::{Row, any::AnyRow};

use super::{Memory, MemoryError, data, store::QUESTION, visible::Visible, words};
use crate::{
    model::{MessageId, RecalledItem, RecalledSource, Timestamp, UnitScore, UserId, Viewer},
    store::{Engine, StoreError, vector},
};

/// Candidates that each way of searching brings in.
const CANDIDATES: i64 = 48;
/// The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009).
const FUSION: f64 = 60.0;
/// A row counts as fitting from this cosine on. Measured with MiniLM on single sentences: unrelated ones lie below 0.2,
/// paraphrases above 0.4.
const CLOSE: f64 = 0.30;
/// Or when it holds this share of the question's content words.
const COVERED: f64 = 0.34;
/// Summaries among the rows at most: they say again what the messages say, and stand in the prompt besides.
const SUMMARIES: usize = 2;
/// Days after which recency has faded to a third of its part.
pub(super) const FADING_DAYS: f64 = 90.0;

/// The columns of a candidate.
const COLUMNS: &str = "m.id, m.source, m.text, m.kind, m.author, m.said_at, m.importance, \
    (SELECT said.author_name FROM message said WHERE said.id = m.source AND m.author IS NOT NULL) AS name";

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RecallQuery {
    /// The words.
    pub text: String,
    /// Their vector, of the model that memory is indexed with.
    pub vector: Option<Vec<f32>>,
    /// Rows at most.
    pub limit: usize,
    /// Messages that are not to come up (the question itself).
    pub exclude: Vec<MessageId>,
    /// The present moment, for recency.
    pub now: Timestamp,
}

struct Candidate {
    id: String,
    source: String,
    text: String,
    kind: RecalledSource,
    by: Option<UserId>,
    name: Option<String>,
    when: Timestamp,
    importance: f64,
    fused: f64,
    cosine: Option<f64>,
}

impl Memory {
    /// What memory brings up for a question, best first, and only what `viewer` may read. Empty when nothing fits: then
    /// there is nothing on record.
    ///
    /// A row fits when its cosine to the question is at least 0.30 or it holds at least a third of the question's content
    /// words; to "what do you know about me?", what its user last said of themselves fits. What was merely asked says nothing and comes up only when the question is about asking. Fitting rows are
    /// ordered by reciprocal rank fusion of both searches and closeness, half and half, weighted by recency (85 to 100 %),
    /// importance (60 to 140 %) and source (a person's words 1.0, a summary or the character's own words 0.6).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recall(
        &self,
        viewer: &Viewer,
        query: &RecallQuery,
    ) -> Result<Vec<RecalledItem>, MemoryError> {
        let asked = asked_words(viewer, &query.text);
        let about_self = words::about_self(&query.text);
        let (by_words, by_meaning, of_self) = tokio::try_join!(
            self.by_words(viewer, &asked),
            self.by_meaning(viewer, query.vector.as_deref()),
            self.of_self(viewer, about_self),
        )?;
        let told_of_self: HashSet<String> = of_self.iter().map(|row| row.id.clone()).collect();
        let mut candidates: HashMap<String, Candidate> = HashMap::new();
        for rows in [by_words, by_meaning, of_self] {
            for (rank, row) in rows.into_iter().enumerate() {
                let fused = 1.0 / (FUSION + rank as f64 + 1.0);
                let held = candidates
                    .entry(row.id.clone())
                    .or_insert_with(|| Candidate { fused: 0.0, ..row_only(&row) });
                held.fused += fused;
                held.cosine = held.cosine.or(row.cosine);
            }
        }
        let about_asking = asked.iter().any(|word| word.starts_with("ask") || word.starts_with("question"));
        let excluded: Vec<String> = query.exclude.iter().map(ToString::to_string).collect();
        let mut fitting: Vec<(f64, Candidate)> = candidates
            .into_values()
            .filter(|candidate| !excluded.contains(&candidate.source))
            .filter(|candidate| about_asking || candidate.importance > QUESTION)
            .filter_map(|candidate| {
                let covered = words::coverage(&asked, &candidate.text);
                let fits = candidate.cosine.unwrap_or(0.0) >= CLOSE
                    || covered >= COVERED
                    || told_of_self.contains(&candidate.id);
                fits.then(|| (weigh(&candidate, covered, query.now), candidate))
            })
            .collect();
        fitting.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
        let (mut sources, mut summaries): (Vec<String>, usize) = (Vec::new(), 0);
        fitting.retain(|(_, candidate)| {
            if candidate.kind == RecalledSource::Summary {
                summaries += 1;
                if summaries > SUMMARIES {
                    return false;
                }
            }
            let fresh = !sources.contains(&candidate.source);
            if fresh {
                sources.push(candidate.source.clone());
            }
            fresh
        });
        Ok(fitting
            .into_iter()
            .take(query.limit)
            .map(|(score, candidate)| RecalledItem {
                id: candidate.id,
                text: candidate.text,
                score: UnitScore::new(score),
                source: candidate.kind,
                when: candidate.when,
                by: candidate.by,
                name: candidate.name,
            })
            .collect())
    }

    async fn by_words(&self, viewer: &Viewer, asked: &[String]) -> Result<Vec<Candidate>, MemoryError> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let engine = self.database.engine();
        let visible = Visible::of(viewer, "m", "author", 2);
        let limit = visible.next(2);
        let sql = match engine {
            // `CROSS JOIN` keeps the order of the tables: one search, not one for each row that may be seen. The rest of a
            // row is looked up for what is left only.
            Engine::Sqlite => format!(
                "SELECT {COLUMNS} FROM (SELECT m.seq AS hit, bm25(memory_words, 1.0, 0.0) AS rarity \
                 FROM memory_words CROSS JOIN memory m ON m.seq = memory_words.rowid \
                 WHERE memory_words MATCH $1 AND {} ORDER BY rarity, m.seq LIMIT ${limit}) \
                 CROSS JOIN memory m ON m.seq = hit ORDER BY rarity, m.seq",
                visible.sql
            ),
            Engine::Postgres => format!(
                "SELECT {COLUMNS} FROM memory m WHERE m.words @@ to_tsquery('english', $1) AND {} \
                 ORDER BY ts_rank_cd(m.words, to_tsquery('english', $1)) DESC, m.seq LIMIT ${limit}",
                visible.sql
            ),
        };
        let looked_for = match engine {
            Engine::Sqlite => {
                format!("({}) AND text : ({})", Visible::tokens(viewer), words::any_of(engine, asked))
            }
            Engine::Postgres => words::any_of(engine, asked),
        };
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(looked_for);
        let rows = visible.bind(query).bind(CANDIDATES).fetch_all(self.database.readers()).await?;
        Ok(rows.iter().map(|row| read(row, None)).collect::<Result<_, _>>()?)
    }

    /// What the viewer's user last said of themselves; nothing unless they ask for it.
    async fn of_self(&self, viewer: &Viewer, asked: bool) -> Result<Vec<Candidate>, MemoryError> {
        if !asked {
            return Ok(Vec::new());
        }
        let visible = Visible::of(viewer, "m", "author", 2);
        let limit = visible.next(2);
        let sql = format!(
            "SELECT {COLUMNS} FROM memory m WHERE m.author = $1 AND m.kind IN ('message', 'told') AND {} \
             ORDER BY m.said_at DESC, m.seq DESC LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows = visible.bind(query).bind(CANDIDATES).fetch_all(self.database.readers()).await?;
        let all: Vec<Candidate> = rows.iter().map(|row| read(row, None)).collect::<Result<_, _>>()?;
        let statement = |row: &Candidate| row.importance > QUESTION && words::tells_of_self(&row.text);
        Ok(all.into_iter().filter(statement).collect())
    }

    async fn by_meaning(
        &self,
        viewer: &Viewer,
        asked: Option<&[f32]>,
    ) -> Result<Vec<Candidate>, MemoryError> {
        let Some(asked) = asked.filter(|_| self.database.has_vectors()) else { return Ok(Vec::new()) };
        let visible = Visible::of(viewer, "m", "author", 3);
        let limit = visible.next(3);
        let distance = vector::cosine_distance(self.database.engine(), "v.vector", "$1");
        let sql = format!(
            "SELECT {COLUMNS}, {distance} AS distance \
             FROM memory m JOIN memory_vector v ON v.memory = m.id AND v.model = $2 \
             WHERE {} ORDER BY distance, m.seq LIMIT ${limit}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(vector::to_text(asked))
            .bind(self.embeddings.model_name().to_owned());
        let rows = visible.bind(query).bind(CANDIDATES).fetch_all(self.database.readers()).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let distance: f64 = row.try_get("distance")?;
            found.push(read(row, Some(1.0 - distance))?);
        }
        Ok(found)
    }
}

/// The words to look for. People speak of themselves as "I", so their own name finds everything but what they said.
fn asked_words(viewer: &Viewer, text: &str) -> Vec<String> {
    let own = viewer.user.as_str().split_once(':').map_or("", |(_, name)| name).to_lowercase();
    let all = words::content(text);
    let without: Vec<String> = all
        .iter()
        .filter(|word| !own.split(|c: char| !c.is_alphanumeric()).any(|it| it == *word))
        .cloned()
        .collect();
    if without.is_empty() { all } else { without }
}

fn read(row: &AnyRow, cosine: Option<f64>) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        id: row.try_get("id")?,
        source: row.try_get("source")?,
        text: row.try_get("text")?,
        kind: match row.try_get::<String, _>("kind")?.as_str() {
            "reply" => RecalledSource::Reply,
            "summary" => RecalledSource::Summary,
            _ => RecalledSource::Message,
        },
        by: data::person(row, "author")?,
        name: row.try_get::<Option<String>, _>("name")?.filter(|name| !name.trim().is_empty()),
        when: data::moment(row, "said_at")?,
        importance: row.try_get("importance")?,
        fused: 0.0,
        cosine,
    })
}

fn row_only(row: &Candidate) -> Candidate {
    Candidate {
        id: row.id.clone(),
        source: row.source.clone(),
        text: row.text.clone(),
        kind: row.kind,
        by: row.by.clone(),
        name: row.name.clone(),
        when: row.when,
        importance: row.importance,
        fused: 0.0,
        cosine: None,
    }
}

/// The score of a row that fits. Rank fusion alone knows no "how well", so half of the score is the closeness itself.
fn weigh(candidate: &Candidate, covered: f64, now: Timestamp) -> f64 {
    let fused = candidate.fused * (FUSION + 1.0) / 2.0;
    let close = candidate.cosine.unwrap_or(0.0).max(covered);
    let days = now.since(candidate.when).as_secs_f64() / 86_400.0;
    let recency = 0.85 + 0.15 * (-days / FADING_DAYS).exp();
    let importance = 0.6 + 0.8 * candidate.importance.clamp(0.0, 1.0);
    let source = match candidate.kind {
        RecalledSource::Message | RecalledSource::Fact => 1.0,
        RecalledSource::Summary | RecalledSource::Reply => 0.6,
    };
    (0.5 * fused + 0.5 * close) * recency * importance * source
}
