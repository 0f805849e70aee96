//! A person puts right what is known of them. What changes rests on a message of theirs that is still on record.

use sqlx::Row as _;

use super::{
    Fact, HistoryLine, Memory, MemoryError,
    knowledge::{SINGLE, close, keep_fact},
    search,
    visible::Visible,
};
use crate::model::{FactDraft, FactId, MessageId, UnitScore, Viewer};

/// What is to hold from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactChange {
    /// Whom or what it is about; `user`: the person.
    pub subject: String,
    /// What holds, in snake case.
    pub predicate: String,
    /// The new value; `None`: the old one holds no longer, and nothing follows it.
    pub value: Option<String>,
    /// The fact that ends with it.
    pub replaces: Option<FactId>,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum FactChanged {
    /// The message is not theirs, not here to be read, or forgotten: nothing was changed.
    NotSaid,
    /// They have no such fact: nothing was changed.
    NoSuchFact,
    /// It could be any of these: nothing was changed.
    Several(Vec<Fact>),
    /// It is on record.
    Done {
        /// What held before and does no longer.
        old: Vec<Fact>,
        /// The new fact; `None` when there is none, or it was on record already.
        new: Option<FactId>,
    },
}

impl Memory {
    /// A message of the viewer's user that the viewer may read.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own_message(
        &self,
        viewer: &Viewer,
        id: MessageId,
    ) -> Result<Option<HistoryLine>, MemoryError> {
        let visible = Visible::of(viewer, "m", "author", 3);
        let sql = format!(
            "SELECT m.id, m.author, m.author_name, m.text, m.said_at FROM message m \
             WHERE m.id = $1 AND m.author = $2 AND {}",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_string()).bind(viewer.user.to_string());
        let row = visible.bind(query).fetch_optional(self.database.readers()).await?;
        Ok(row.map(|row| search::line(&row)).transpose()?)
    }

    /// Changes what is known of the viewer's user, and of nobody else, as said in one of their messages.
    ///
    /// # Errors
    /// When the store fails; then nothing has changed.
    pub async fn change_fact(
        &self,
        viewer: &Viewer,
        change: &FactChange,
        message: MessageId,
    ) -> Result<FactChanged, MemoryError> {
        let Some(said) = self.own_message(viewer, message).await? else { return Ok(FactChanged::NotSaid) };
        let mut tx = self.database.begin().await?;
        self.database.lock(&mut tx, &format!("facts {} {}", viewer.character, viewer.user)).await?;
        let visible = Visible::of(viewer, "f", "owner", 2);
        let sql = format!(
            "SELECT f.id, f.owner, f.subject, f.predicate, f.object, f.confidence, f.valid_from, f.valid_to, \
             CAST(NULL AS TEXT) AS owner_name FROM fact f WHERE f.owner = $1 AND f.valid_to IS NULL AND {} \
             ORDER BY f.valid_from DESC, f.id",
            visible.sql
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(viewer.user.to_string());
        let rows = visible.bind(query).fetch_all(&mut *tx).await?;
        let mut old: Vec<Fact> = Vec::new();
        for row in &rows {
            let fact = search::fact(row)?.fact;
            let meant = match change.replaces {
                Some(id) => fact.id == id,
                None => fact.subject == change.subject && fact.predicate == change.predicate,
            };
            if meant {
                old.push(fact);
            }
        }
        let single = SINGLE.contains(&change.predicate.as_str());
        match &change.value {
            _ if change.replaces.is_some() && old.is_empty() => return Ok(FactChanged::NoSuchFact),
            None if old.is_empty() => return Ok(FactChanged::NoSuchFact),
            None if change.replaces.is_none() && old.len() > 1 && !single => {
                return Ok(FactChanged::Several(old));
            }
            // Of what there may be many, a new one joins the others.
            Some(_) if change.replaces.is_none() && !single => old.clear(),
            _ => {}
        }
        if let Some(value) = &change.value {
            let same = |fact: &Fact| fact.object.to_lowercase() == value.to_lowercase();
            old.retain(|fact| !same(fact) || fact.predicate != change.predicate);
        }
        for fact in &old {
            close(&mut tx, &fact.id.to_string(), said.at.max(fact.valid_from)).await?;
        }
        let new = match &change.value {
            None => None,
            Some(value) => {
                let draft = FactDraft {
                    subject: change.subject.clone(),
                    predicate: change.predicate.clone(),
                    object: value.clone(),
                    confidence: UnitScore::new(0.9),
                    owner: viewer.user.clone(),
                    sources: vec![message],
                };
                let is_new =
                    keep_fact(&mut tx, viewer.character.as_str(), &viewer.scope(), &draft, said.at).await?;
                let row = sqlx::query(
                    "SELECT f.id FROM fact f JOIN fact_source s ON s.fact = f.id WHERE s.message = $1 AND f.object = $2",
                )
                .bind(message.to_string())
                .bind(value.clone())
                .fetch_optional(&mut *tx)
                .await?;
                row.filter(|_| is_new)
                    .and_then(|row| row.try_get::<String, _>("id").ok())
                    .and_then(|id| id.parse().ok())
            }
        };
        tx.commit().await?;
        Ok(FactChanged::Done { old, new })
    }
}
