//! Commands about what is kept: `/memory /remember /forget /privacy`.

use std::fmt::Write;

use super::{
    Asker, Commands, Reply,
    data::{Action, Question},
    tell::{count, day, quoted},
};
use crate::{
    conversation::ConversationError,
    memory::{FORGET_AT_ONCE, ForgetKind, Forgettable, MemoryError, NewMessage, RecallQuery},
};

/// Rows that a search shows.
const FOUND: usize = 8;
/// Rows of a page.
const PAGE: usize = 8;
/// Rows that are shown of what would be forgotten.
const SHOWN: usize = 8;

impl Commands {
    pub(super) async fn search(&self, words: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let vector = match self.parts.embeddings.embed(vec![words.to_owned()]).await {
            Ok(vectors) => vectors.and_then(|vectors| vectors.into_iter().next()),
            Err(error) => {
                tracing::warn!(%error, "a search goes by words only");
                None
            }
        };
        let query =
            RecallQuery { text: words.to_owned(), vector, limit: FOUND, exclude: Vec::new(), now: asker.at };
        let items = self.parts.memory.recall(&asker.viewer, &query).await?;
        if items.is_empty() {
            return Ok(Reply::text(format!(
                "Nothing on record about {}.{}",
                quoted(words),
                elsewhere(asker)
            )));
        }
        let mut text = format!("On record about {}:", quoted(words));
        for item in items {
            let who = match (&item.by, &item.name) {
                (Some(by), _) if *by == asker.viewer.user => "you",
                (Some(_), Some(name)) => name.as_str(),
                (Some(_), None) => "somebody",
                (None, _) => "I",
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "\n- {}, {who}: {}", day(item.when), quoted(&item.text));
        }
        Ok(Reply::text(text + &elsewhere(asker)))
    }

    pub(super) async fn recent(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let question = self.question(&Action::Recent, asker).await?;
        self.page(0, &question, asker).await
    }

    pub(super) async fn page(
        &self,
        page: usize,
        question: &Question,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        let memory = &self.parts.memory;
        let mut kept = memory.recent(&asker.viewer, page.saturating_mul(PAGE), PAGE + 1).await?;
        if kept.is_empty() && page == 0 {
            return Ok(Reply::text(format!("Nothing of yours is on record here.{}", elsewhere(asker))));
        }
        let more = kept.len() > PAGE;
        kept.truncate(PAGE);
        let mut text = "What you said, the latest first:".to_owned();
        for row in &kept {
            let mark = if row.on_purpose { " (to be remembered)" } else { "" };
            let _ = write!(text, "\n- {}{mark}: {}", day(row.when), quoted(&row.text));
        }
        if kept.is_empty() {
            "There is nothing before that.".clone_into(&mut text);
        }
        let mut buttons = Vec::new();
        if page > 0 {
            buttons.push(question.button("◀ Later", &(page - 1).to_string()));
        }
        if more {
            buttons.push(question.button("Earlier ▶", &(page + 1).to_string()));
        }
        Ok(Reply { buttons, ..Reply::text(text + &elsewhere(asker)) })
    }

    pub(super) async fn remember(&self, text: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let viewer = &asker.viewer;
        let new = NewMessage {
            platform: asker.platform.clone(),
            platform_id: asker.source.clone(),
            character: viewer.character.clone(),
            user: viewer.user.clone(),
            user_name: asker.name.replace('\0', ""),
            place: viewer.place.clone(),
            text: text.replace('\0', ""),
            at: asker.at,
            beside: Vec::new(),
            reply_to: None,
            address: None,
            holder: None,
        };
        let kept = match self.parts.memory.remember(new).await {
            Err(error @ (MemoryError::Empty | MemoryError::TooLong(_))) => {
                return Ok(Reply::text(error.to_string()));
            }
            kept => kept?,
        };
        self.parts.conversations.look_back_at_all(kept.ended).await;
        if let Err(error) = self.parts.memory.index_vectors(kept.message.id, None).await {
            tracing::warn!(%error, "what was told to be remembered gets its vector later");
        }
        let place = if viewer.place.is_dm() { "between us" } else { "here, for whoever talks here" };
        Ok(Reply::text(format!("I will remember {place}: {}", quoted(text))))
    }

    pub(super) async fn ask_to_forget(&self, what: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let memory = &self.parts.memory;
        let found: Vec<Forgettable> = if what.eq_ignore_ascii_case("last") {
            memory.last_said(&asker.viewer).await?.into_iter().collect()
        } else {
            memory.forgettable(&asker.viewer, what).await?
        };
        let none = format!("Nothing of yours here holds all of {}.", quoted(what));
        self.offer_to_forget(found, none, asker).await
    }

    /// Asks whether this message is to be forgotten: one that was opened in a menu, by the platform's id.
    ///
    /// # Errors
    /// [`ConversationError`] when the store fails.
    pub async fn forget_this(&self, platform_id: &str, asker: &Asker) -> Result<Reply, ConversationError> {
        let found = self.parts.memory.said_as(&asker.viewer, &asker.platform, platform_id).await?;
        let none = "That is nothing that you said to me, or I do not remember it here.".to_owned();
        self.offer_to_forget(found.into_iter().collect(), none, asker).await
    }

    async fn offer_to_forget(
        &self,
        found: Vec<Forgettable>,
        none: String,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        if found.is_empty() {
            return Ok(Reply::text(none + &elsewhere(asker)));
        }
        let mut text = format!(
            "This would be forgotten, with all that was made of it ({}):",
            count(found.len(), "item")
        );
        for item in found.iter().take(SHOWN) {
            let who = match item.kind {
                ForgetKind::Message => "you said",
                ForgetKind::Reply => "I said",
                ForgetKind::Fact => "a fact",
                ForgetKind::Reminder => "a reminder",
                ForgetKind::Goal => "a goal",
            };
            let _ = write!(text, "\n- {}, {who}: {}", day(item.when), quoted(&item.text));
        }
        if found.len() > SHOWN {
            let _ = write!(text, "\n- and {} more", found.len() - SHOWN);
        }
        if found.len() == FORGET_AT_ONCE {
            text += "\n\nThere may be more: give the command again afterwards.";
        }
        let ids = found.into_iter().map(|item| item.id).collect();
        let question = self.question(&Action::Forget { ids }, asker).await?;
        let buttons = vec![question.button("Forget it", "yes"), question.button("Keep it", "no")];
        Ok(Reply { buttons, ..Reply::text(text) })
    }

    pub(super) async fn forget(&self, ids: &[String], asker: &Asker) -> Result<Reply, ConversationError> {
        // First what memory leads to, so that a crash in between leaves nothing behind that nobody finds any more.
        let answered = self.parts.memory.answered_by(&asker.viewer, ids).await?;
        self.parts.conversations.forget_sent(&answered).await?;
        let done = self.parts.memory.forget(&asker.viewer, ids).await?;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let parts: Vec<String> = [
            (done.messages.len(), "message"),
            (number(done.memories), "searchable piece"),
            (number(done.facts), "fact"),
            (number(done.preferences), "wish"),
            (number(done.summaries), "summary"),
            (number(done.promises), "reminder or goal"),
            (number(done.patterns), "example of a good answer"),
        ]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| match (number, word) {
            (1, word) => format!("1 {word}"),
            (number, "wish") => format!("{number} wishes"),
            (number, "summary") => format!("{number} summaries"),
            (number, "reminder or goal") => format!("{number} reminders or goals"),
            (number, "example of a good answer") => format!("{number} examples of good answers"),
            (number, word) => count(number, word),
        })
        .collect();
        if parts.is_empty() {
            return Ok(Reply::text("It is forgotten."));
        }
        Ok(Reply::text(format!("Forgotten: {}.", parts.join(", "))))
    }

    pub(super) async fn privacy(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let (memory, viewer) = (&self.parts.memory, &asker.viewer);
        let kept = memory.kept_of(viewer).await?;
        let apart = memory.is_apart(viewer).await?;
        let name = self
            .parts
            .cast
            .get(&viewer.character)
            .map_or_else(|| viewer.character.to_string(), |character| character.name.clone());
        let seen = if viewer.place.is_dm() { "that may be told in private" } else { "that may be told here" };
        let mut text = format!(
            "What {name} keeps of you {seen}: {}, {}, {} about how you want to be answered.\n",
            count(amount(kept.messages), "message"),
            count(amount(kept.facts), "fact"),
            if kept.preferences == 1 { "1 wish".to_owned() } else { format!("{} wishes", kept.preferences) }
        );
        text += "\n- What you say in private comes up in private only, with you.";
        text += "\n- What you say on a server comes up in the same channel, for whoever is there.";
        text += if apart {
            "\n- It does not come up in private: your places are kept apart (`/privacy set apart off` ends that)."
        } else {
            "\n- And in private, with you (`/privacy set apart on` ends that)."
        };
        text += "\n- Each character remembers for itself. How long answers are to be, their tone and language hold everywhere.";
        text += "\n- `/forget WORDS` deletes.";
        Ok(Reply::text(text))
    }

    pub(super) async fn set_apart(&self, apart: bool, asker: &Asker) -> Result<Reply, ConversationError> {
        self.parts.memory.keep_apart(&asker.viewer, apart, asker.at).await?;
        Ok(Reply::text(if apart {
            "From now on nothing that you said on a server comes up in private."
        } else {
            "What you said on servers may come up again when we talk in private."
        }))
    }
}

fn amount(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// In a channel there may be more that is told in private only.
fn elsewhere(asker: &Asker) -> String {
    if asker.viewer.place.is_dm() {
        String::new()
    } else {
        "\n\nOnly what was said here is shown here; ask in private for the rest.".to_owned()
    }
}
