//! Keeping messages: words at once, vectors when they are there. Tables `message`, `memory`, `memory_vector`.

use sqlx::Row;

use super::{
    LONGEST_MESSAGE, Memory, MemoryError, NewMessage, NewReply, StoredMessage, chunk, data, session, why,
};
use crate::{
    llm::offline,
    model::{
        Account, Author, CharacterId, MemoryId, Message, MessageId, MessageStatus, Scope, Timestamp, UserId,
    },
    store::{StoreError, Tx, vector},
};

/// How much a statement, and how much a mere question, is worth remembering, in `0.0..=1.0`. A question asked before looks
/// very much like the same question asked again, and says nothing.
const STATEMENT: f64 = 0.5;
/// What was told to be remembered.
const TOLD: f64 = 1.0;
pub(super) const QUESTION: f64 = 0.1;

impl Memory {
    /// Keeps a person's message. It can be found by its words when this returns. A message that came before is not kept
    /// again.
    ///
    /// # Errors
    /// [`MemoryError::Empty`], [`MemoryError::TooLong`], or the store's.
    pub async fn store_user_message(&self, new: NewMessage) -> Result<StoredMessage, MemoryError> {
        self.keep(new, MessageStatus::Pending).await
    }

    /// Keeps something that a person told to be remembered: no answer is due, and it counts for more than what was said by
    /// the way. What came before is not kept again.
    ///
    /// # Errors
    /// [`MemoryError::Empty`], [`MemoryError::TooLong`], or the store's.
    pub async fn remember(&self, new: NewMessage) -> Result<StoredMessage, MemoryError> {
        self.keep(new, MessageStatus::Answered).await
    }

    async fn keep(&self, new: NewMessage, status: MessageStatus) -> Result<StoredMessage, MemoryError> {
        fits(&new.text)?;
        let now = self.clock.now();
        let scope = new.place.scope(&new.user);
        let mut tx = self.database.begin().await?;
        if let Some(message) = find(&mut tx, &new.platform, &new.platform_id, &new.character).await? {
            return Ok(StoredMessage { message, duplicate: true, ended: Vec::new() });
        }
        self.database.lock(&mut tx, &format!("session {} {}", new.character, scope.key())).await?;
        let joined = session::join(&mut tx, &new.character, &scope, new.at, now).await?;
        let message = Message {
            id: MessageId::new(),
            character: new.character.clone(),
            scope,
            author: Author::User { id: new.user.clone(), name: new.user_name.clone() },
            text: new.text.clone(),
            beside: new.beside.clone(),
            at: new.at,
            session: joined.session,
            reply_to: new.reply_to,
            status,
            address: new.address.clone(),
        };
        let named = Named { platform: &new.platform, id: &new.platform_id, holder: new.holder.as_deref() };
        if !insert(&mut tx, &message, named, now).await? {
            // Another process kept it between the look and the insert.
            tx.rollback().await?;
            let mut tx = self.database.begin().await?;
            let found = find(&mut tx, &new.platform, &new.platform_id, &new.character).await?;
            let message = found.ok_or_else(|| {
                StoreError::Corrupt(format!("message {} of {} vanished", new.platform_id, new.platform))
            })?;
            return Ok(StoredMessage { message, duplicate: true, ended: Vec::new() });
        }
        session::touch(&mut tx, joined.session, new.at, now).await?;
        let (kind, importance) = match status {
            MessageStatus::Answered => ("told", TOLD),
            _ => ("message", importance_of(&new.text)),
        };
        index_words(&mut tx, &message, Some(&new.user), kind, importance).await?;
        tx.commit().await?;
        Ok(StoredMessage { message, duplicate: false, ended: joined.ended })
    }

    /// Keeps the character's answer and marks the messages as answered, both or neither. There is one answer to a message:
    /// a second is not kept, and the first comes back. An answer that has an address to go to is unsent until
    /// [`Memory::mark_delivered`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_reply(&self, new: NewReply<'_>) -> Result<Message, MemoryError> {
        self.keep_reply(new, None).await
    }

    /// [`Memory::store_reply`], with how the answer came about.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_reply_with(
        &self,
        new: NewReply<'_>,
        account: &Account,
    ) -> Result<Message, MemoryError> {
        self.keep_reply(new, Some(account)).await
    }

    async fn keep_reply(&self, new: NewReply<'_>, account: Option<&Account>) -> Result<Message, MemoryError> {
        let NewReply { to, also, text, at, indexed } = new;
        let now = self.clock.now();
        let mut tx = self.database.begin().await?;
        let reply = Message {
            id: MessageId::new(),
            character: to.character.clone(),
            scope: to.scope.clone(),
            author: Author::Character,
            text: text.replace('\0', ""),
            beside: Vec::new(),
            at,
            session: to.session,
            reply_to: Some(to.id),
            status: if to.address.is_some() { MessageStatus::Unsent } else { MessageStatus::Answered },
            address: to.address.clone(),
        };
        let asked = to.id.to_string();
        if !insert(&mut tx, &reply, Named { platform: "reply", id: &asked, holder: None }, now).await? {
            let row = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT {} FROM message WHERE platform = 'reply' AND platform_id = $1 AND character = $2",
                data::MESSAGE
            )))
            .bind(to.id.to_string())
            .bind(to.character.to_string())
            .fetch_one(&mut *tx)
            .await?;
            return Ok(data::message(&row)?);
        }
        session::touch(&mut tx, to.session, at, now).await?;
        if let Some(account) = account {
            why::keep(&mut tx, reply.id, account).await?;
        }
        if indexed {
            index_words(&mut tx, &reply, None, "reply", STATEMENT).await?;
        }
        for id in also.iter().chain([&to.id]) {
            set_status(&mut tx, *id, MessageStatus::Answered).await?;
        }
        tx.commit().await?;
        Ok(reply)
    }

    /// Marks messages as ones that nobody wants an answer to, and an answer that is not delivered yet as dropped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn dismiss(&self, messages: &[MessageId]) -> Result<(), MemoryError> {
        self.mark_failed(messages).await?;
        for id in messages {
            sqlx::query("UPDATE message SET status = 'failed' WHERE reply_to = $1 AND status = 'unsent'")
                .bind(id.to_string())
                .execute(self.database.writer())
                .await?;
        }
        Ok(())
    }

    /// Marks messages as ones that could not be answered. They stay.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mark_failed(&self, messages: &[MessageId]) -> Result<(), MemoryError> {
        let mut tx = self.database.begin().await?;
        for id in messages {
            // What was answered in the meantime stays answered.
            sqlx::query("UPDATE message SET status = 'failed' WHERE id = $1 AND status = 'pending'")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Marks the answer to a message as delivered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn mark_delivered(&self, asked: MessageId) -> Result<(), MemoryError> {
        sqlx::query("UPDATE message SET status = 'answered' WHERE reply_to = $1 AND status = 'unsent'")
            .bind(asked.to_string())
            .execute(self.database.writer())
            .await?;
        Ok(())
    }

    /// Gives the pieces of a message their vectors. A message of one piece may bring the
    /// vector that is known already, with the words that it is of.
    ///
    /// # Errors
    /// When the store or the model fails.
    pub async fn index_vectors(
        &self,
        source: MessageId,
        known: Option<(&str, Vec<f32>)>,
    ) -> Result<(), MemoryError> {
        if !self.database.has_vectors() {
            return Ok(());
        }
        let rows = sqlx::query("SELECT id, text FROM memory WHERE source = $1 ORDER BY chunk")
            .bind(source.to_string())
            .fetch_all(self.database.readers())
            .await?;
        let mut pieces: Vec<(String, String)> = Vec::with_capacity(rows.len());
        for row in &rows {
            pieces.push((row.try_get("id")?, row.try_get("text")?));
        }
        match (pieces.as_slice(), known) {
            ([(id, text)], Some((words, vector))) if text == words => {
                let id = id.clone();
                self.keep_vectors(vec![(id, vector)]).await
            }
            _ => self.embed_pieces(pieces).await,
        }
    }

    /// Gives vectors of the present model to at most `limit` pieces that have none. Says how many it gave.
    ///
    /// # Errors
    /// When the store or the model fails.
    pub async fn index_missing(&self, limit: usize) -> Result<usize, MemoryError> {
        if !self.database.has_vectors() {
            return Ok(0);
        }
        let rows = sqlx::query(
            "SELECT m.id, m.text FROM memory m LEFT JOIN memory_vector v ON v.memory = m.id AND v.model = $1 \
             WHERE v.memory IS NULL ORDER BY m.seq DESC LIMIT $2",
        )
        .bind(self.embeddings.model_name().to_owned())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.database.readers())
        .await?;
        let mut pieces: Vec<(String, String)> = Vec::with_capacity(rows.len());
        for row in &rows {
            pieces.push((row.try_get("id")?, row.try_get("text")?));
        }
        let count = pieces.len();
        if count == 0 || self.embeddings.embed(Vec::new()).await?.is_none() {
            return Ok(0);
        }
        self.embed_pieces(pieces).await?;
        Ok(count)
    }

    async fn embed_pieces(&self, pieces: Vec<(String, String)>) -> Result<(), MemoryError> {
        if pieces.is_empty() {
            return Ok(());
        }
        let (ids, texts): (Vec<String>, Vec<String>) = pieces.into_iter().unzip();
        let Some(vectors) = self.embeddings.embed(texts).await? else { return Ok(()) };
        self.keep_vectors(ids.into_iter().zip(vectors).collect()).await
    }

    async fn keep_vectors(&self, vectors: Vec<(String, Vec<f32>)>) -> Result<(), MemoryError> {
        let sql = format!(
            // What was forgotten while it was embedded stays forgotten.
            "INSERT INTO memory_vector (memory, model, vector) \
             SELECT id, $2, {} FROM memory WHERE id = $1 ON CONFLICT (memory, model) DO NOTHING",
            vector::input(self.database.engine(), "$3")
        );
        let mut tx = self.database.begin().await?;
        for (id, values) in vectors {
            sqlx::query(sqlx::AssertSqlSafe(sql.clone()))
                .bind(id)
                .bind(self.embeddings.model_name().to_owned())
                .bind(vector::to_text(&values))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

pub(super) fn importance_of(text: &str) -> f64 {
    if offline::only_asks(text) { QUESTION } else { STATEMENT }
}

pub(super) fn fits(text: &str) -> Result<(), MemoryError> {
    if text.trim().is_empty() {
        return Err(MemoryError::Empty);
    }
    let length = text.chars().count();
    if length > LONGEST_MESSAGE { Err(MemoryError::TooLong(length)) } else { Ok(()) }
}

pub(super) async fn find(
    tx: &mut Tx,
    platform: &str,
    platform_id: &str,
    character: &CharacterId,
) -> Result<Option<Message>, StoreError> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {} FROM message WHERE platform = $1 AND platform_id = $2 AND character = $3",
        data::MESSAGE
    )))
    .bind(platform.to_owned())
    .bind(platform_id.to_owned())
    .bind(character.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.as_ref().map(data::message).transpose()
}

/// What a message is called outside, and who answers it.
struct Named<'a> {
    platform: &'a str,
    id: &'a str,
    holder: Option<&'a str>,
}

async fn insert(
    tx: &mut Tx,
    message: &Message,
    named: Named<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (author, name) = match &message.author {
        Author::User { id, name } => (Some(id.to_string()), name.clone()),
        Author::Character => (None, message.character.to_string()),
    };
    let beside = match message.beside.as_slice() {
        [] => None,
        some => Some(serde_json::to_string(some).map_err(|error| StoreError::Corrupt(error.to_string()))?),
    };
    let added = sqlx::query(
        "INSERT INTO message (id, platform, platform_id, character, scope, author, author_name, text, said_at, \
         stored_at, session, reply_to, status, address, holder, beside) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (platform, platform_id, character) DO NOTHING",
    )
    .bind(message.id.to_string())
    .bind(named.platform.to_owned())
    .bind(named.id.to_owned())
    .bind(message.character.to_string())
    .bind(message.scope.key())
    .bind(author)
    .bind(name)
    .bind(message.text.clone())
    .bind(message.at.micros())
    .bind(now.micros())
    .bind(message.session.to_string())
    .bind(message.reply_to.map(|id| id.to_string()))
    .bind(message.status.as_str().to_owned())
    .bind(message.address.clone())
    .bind(named.holder.map(str::to_owned))
    .bind(beside)
    .execute(&mut **tx)
    .await?;
    Ok(added.rows_affected() > 0)
}

async fn set_status(tx: &mut Tx, message: MessageId, status: MessageStatus) -> Result<(), StoreError> {
    sqlx::query("UPDATE message SET status = $2 WHERE id = $1")
        .bind(message.to_string())
        .bind(status.as_str().to_owned())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn index_words(
    tx: &mut Tx,
    message: &Message,
    author: Option<&UserId>,
    kind: &str,
    importance: f64,
) -> Result<(), StoreError> {
    for (number, piece) in (0_i64..).zip(chunk::chunks(&message.text)) {
        let row = Piece {
            character: message.character.to_string(),
            scope: &message.scope,
            author: author.map(ToString::to_string),
            kind,
            source: message.id.to_string(),
            chunk: number,
            text: piece,
            said_at: message.at,
            importance,
        };
        insert_piece(tx, row).await?;
    }
    Ok(())
}

/// A row of `memory`.
pub(super) struct Piece<'a> {
    pub(super) character: String,
    pub(super) scope: &'a Scope,
    pub(super) author: Option<String>,
    pub(super) kind: &'a str,
    pub(super) source: String,
    pub(super) chunk: i64,
    pub(super) text: String,
    pub(super) said_at: Timestamp,
    pub(super) importance: f64,
}

pub(super) async fn insert_piece(tx: &mut Tx, piece: Piece<'_>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO memory (id, character, scope, author, kind, source, chunk, text, said_at, importance) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (source, kind, chunk) DO NOTHING",
    )
    .bind(MemoryId::new().to_string())
    .bind(piece.character)
    .bind(piece.scope.key())
    .bind(piece.author)
    .bind(piece.kind.to_owned())
    .bind(piece.source)
    .bind(piece.chunk)
    .bind(piece.text)
    .bind(piece.said_at.micros())
    .bind(piece.importance)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("What is my dog called?", true)]
    #[case("I have a dog. Do you like dogs?", false)]
    #[case("I live in Lisbon.", false)]
    #[case("Do you know my locker code", true)]
    #[case("hi! what's my code?", true)]
    #[case("Do you know me? My dog is called Luna.", false)]
    fn a_mere_question_is_told_from_a_statement(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(importance_of(text) <= QUESTION, expected);
    }
}
