//! Commands that only tell: `/start /help /about /cast /trust /why /budget`.

use std::fmt::Write;

use super::{Asker, COMMANDS, Commands, Invocation, Reply, Spec, Who};
use crate::{
    conversation::ConversationError,
    llm::{AccountKind, Attribution, Step},
    memory::Accounted,
    model::{
        Account, AnsweringTier, EscalationBar, EscalationReason, Level, RecalledSource, RoutedBy, TierChoice,
        Timestamp, TurnPath, UnitScore,
    },
    relationship::RelationshipError,
};

/// Reasons for trust that are shown.
const REASONS: u32 = 5;
/// Recalled rows that `/why` shows.
const RECALLED: usize = 5;

impl Commands {
    pub(super) fn start(&self, asker: &Asker) -> Reply {
        let about = self.about(asker).text;
        Reply::text(format!("{about}\n\nWrite to me. /help shows what else there is."))
    }

    pub(super) fn help(command: Option<&str>, asker: &Asker) -> Reply {
        let mine = |spec: &&Spec| asker.admin || spec.who == Who::Everybody;
        if let Some(name) = command {
            let name = name.trim_start_matches('/');
            return Reply::text(match Spec::named(name).filter(mine) {
                Some(spec) => {
                    let usages: Vec<String> =
                        spec.usages().into_iter().map(|usage| format!("- `{usage}`")).collect();
                    format!("{}\n\n{}", spec.about.of(&asker.locale), usages.join("\n"))
                }
                None => match Invocation::parse(&format!("/{name}")) {
                    Some(Err(error)) => error.to_string(),
                    _ => "There is no such command; /help shows what there is.".to_owned(),
                },
            });
        }
        let lines: Vec<String> = COMMANDS
            .iter()
            .filter(|spec| spec.listed)
            .filter(mine)
            .map(|spec| format!("/{}: {}", spec.name.en, spec.about.of(&asker.locale)))
            .collect();
        Reply::text(format!("{}\n\n`/help COMMAND` shows how one is written.", lines.join("\n")))
    }

    pub(super) fn about(&self, asker: &Asker) -> Reply {
        let id = &asker.viewer.character;
        let Some(character) = self.parts.cast.get(id) else {
            return Reply::text(format!("{id} is not in the cast any more."));
        };
        let tagline = character.tagline.as_deref().map(|line| format!(" {line}")).unwrap_or_default();
        Reply::text(format!("I am **{}**, an AI character.{tagline}", character.name))
    }

    pub(super) fn cast(&self, asker: &Asker) -> Reply {
        let cast = &self.parts.cast;
        let lines: Vec<String> = cast
            .ids()
            .iter()
            .filter_map(|id| cast.get(id))
            .map(|character| {
                let tagline = character.tagline.as_deref().map(|line| format!(" {line}")).unwrap_or_default();
                let here = if character.id == asker.viewer.character { " (answers here)" } else { "" };
                format!("- **{}** `{}`{here}{tagline}", character.name, character.id)
            })
            .collect();
        Reply::text(lines.join("\n"))
    }

    pub(super) async fn trust(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let viewer = &asker.viewer;
        let Some(character) = self.parts.cast.get(&viewer.character) else { return Ok(self.about(asker)) };
        let special = character.evolution.special_users.iter().find(|special| special.is(&viewer.user));
        let pinned = special.and_then(|special| special.trust_override).map(f64::from);
        let relationships = &self.parts.relationships;
        let failed = |RelationshipError::Store(error)| ConversationError::Store(error);
        let standing = relationships
            .standing(&viewer.character, &viewer.user, asker.at, pinned)
            .await
            .map_err(failed)?;
        let trust = standing.trust.get();
        let mut text = format!(
            "{} and you: **{}**, trust {trust:.0} of 100, mood {}, after {}.",
            character.name,
            character.evolution.stage_at(trust).name,
            standing.mood.as_str(),
            if standing.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", standing.turns) }
        );
        if !viewer.place.is_dm() {
            // The reasons may tell of a private talk.
            text += " Ask me in private for the reasons.";
            return Ok(Reply::text(text));
        }
        let events = relationships.events(&viewer.character, &viewer.user, REASONS).await.map_err(failed)?;
        for event in events {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n- {} {:+.1} {}", day(event.at), event.delta, event.reason);
        }
        Ok(Reply::text(text))
    }

    pub(super) async fn why(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        match self.parts.memory.last_account(&asker.viewer).await? {
            Some(last) => self.explain(&last, asker).await,
            None => Ok(Reply::text("I have not answered you here yet.")),
        }
    }

    /// How this answer came about: a message of the character's that was opened in a menu, by the platform's id and the
    /// room that the id belongs to ([`crate::conversation::Outbound::room`]).
    ///
    /// # Errors
    /// [`ConversationError`] when the store fails.
    pub async fn why_this(
        &self,
        room: &str,
        platform_id: &str,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        let asked = self.parts.conversations.asked(&asker.platform, room, platform_id).await?;
        let found = match asked {
            Some(asked) => self.parts.memory.account_of(&asker.viewer, asked).await?,
            None => None,
        };
        match found {
            Some(found) => Ok(self.explain(&found, asker).await?.within_limits()),
            None => Ok(Reply::text("That is no answer of mine to you.")),
        }
    }

    async fn explain(&self, last: &Accounted, asker: &Asker) -> Result<Reply, ConversationError> {
        let Some(account) = &last.account else {
            return Ok(Reply::text("That answer is from before I kept an account of answers."));
        };
        let mut text = explained(last, account);
        if account.recalled.is_empty() {
            text += "\n\nMemory brought up nothing for it.";
        } else {
            text += &self.brought_up(account, asker).await?;
        }
        if !account.patterns.is_empty() {
            let exchanges = count(account.patterns.len(), "earlier exchange");
            let ids: Vec<String> = account.patterns.iter().map(|id| format!("`{id}`")).collect();
            let _ = write!(text, "\n\nFor its manner I had {exchanges} that went well: {}.", ids.join(", "));
        }
        Ok(Reply::text(text))
    }

    /// What memory brought up for an answer.
    async fn brought_up(&self, account: &Account, asker: &Asker) -> Result<String, ConversationError> {
        let mut text = String::new();
        let _ = write!(text, "\n\nMemory brought up {} for it:", count(account.recalled.len(), "item"));
        let mut unseen = 0;
        for (number, item) in account.recalled.iter().enumerate() {
            // Asked for again, so that nobody reads here what they may not read here.
            match self.parts.memory.show(&asker.viewer, &item.id).await? {
                Some(shown) if number < RECALLED => {
                    let _ = write!(
                        text,
                        "\n- {}, {} ({:.2}, `{}`): {}",
                        day(item.when),
                        source(item.source),
                        item.score.get(),
                        item.id,
                        quoted(&shown.text)
                    );
                }
                Some(_) => {}
                None => unseen += 1,
            }
        }
        if unseen > 0 {
            let _ = write!(text, "\n- {} that cannot be shown here, or is forgotten", count(unseen, "item"));
        }
        Ok(text)
    }

    pub(super) async fn budget(&self, asker: &Asker) -> Result<Reply, ConversationError> {
        let llm = &self.parts.llm;
        let limits = *llm.budget().limits();
        let attribution = Attribution {
            character: Some(asker.viewer.character.clone()),
            user: Some(asker.viewer.user.clone()),
            guild: asker.viewer.place.guild().map(str::to_owned),
            turn: None,
        };
        let mut text = format!("What models have cost (days in {}):", limits.zone);
        for purse in llm.budget().purses(&attribution).await? {
            let whose = match purse.kind {
                AccountKind::All if !asker.admin => continue,
                AccountKind::All => "everybody".to_owned(),
                AccountKind::Guild => "this server".to_owned(),
                AccountKind::User => "you".to_owned(),
                AccountKind::Character => {
                    let character = self.parts.cast.get(&asker.viewer.character);
                    character.map_or(purse.subject, |character| character.name.clone())
                }
            };
            let _ = write!(
                text,
                "\n- {whose}: today {}; this month {}",
                spent(purse.day_usd, purse.limit.day_usd),
                spent(purse.month_usd, purse.limit.month_usd)
            );
        }
        if !limits.any() {
            text += "\n\nThere is no limit on it.";
            return Ok(Reply::text(text));
        }
        let standing = llm.budget().standing(&attribution).await;
        text += match standing.step {
            Step::Full => "",
            Step::NoReflection => "\n\nIt runs short: I answer without long thought.",
            Step::CheaperModel if llm.has_cheaper() => "\n\nIt runs short: a cheaper model answers for me.",
            Step::CheaperModel => "\n\nIt runs short: I may soon have to rest.",
            Step::Silent => "\n\nIt is used up for now.",
        };
        if let (Some(at), true) = (standing.renews_at, standing.step > Step::Full) {
            let _ = write!(text, " There is new money from {at} on.");
        }
        Ok(Reply::text(text))
    }
}

/// Dollars, and of how many.
fn spent(usd: f64, limit: Option<f64>) -> String {
    let limit = limit.map_or("no limit".to_owned(), |limit| format!("of ${limit:.2}"));
    format!("${usd:.4} ({limit})")
}

fn explained(last: &Accounted, account: &Account) -> String {
    let level = match account.level {
        Level::Simple => "small talk",
        Level::ComplexLow => "a question with a look-up or two",
        Level::ComplexMid => "work in several steps",
        Level::ComplexHigh => "a matter for thought",
    };
    let by = match account.by {
        RoutedBy::Rule => "by rule",
        RoutedBy::Prototype => "by likeness to known sentences",
        RoutedBy::Model => "by the router model",
    };
    let path = match account.path {
        TurnPath::Fast => "one call",
        TurnPath::Reflective => "several steps of thought",
    };
    let flags = if account.flags.is_empty() {
        String::new()
    } else {
        format!(" Recognised: {}.", account.flags.join(", "))
    };
    let model = if account.model == "offline" {
        "the built-in responder, without a language model".to_owned()
    } else {
        format!(
            "{} ({} tokens read, {} written, ${:.4})",
            account.model, account.tokens_in, account.tokens_out, account.cost_usd
        )
    };
    let tools =
        if account.tools.is_empty() { String::new() } else { format!(" with {}", account.tools.join(", ")) };
    format!(
        "About my answer of {} to {}:\n- I took it for {level}, {:.0} % sure, {by}.{flags}\n- Written in {path}{tools} by {model}, \
         in {:.1} s.{}",
        last.at,
        quoted(&last.asked),
        account.confidence.get() * 100.0,
        account.total_ms / 1_000.0,
        account.tier.as_ref().map(chosen).unwrap_or_default()
    )
}

/// Which tier answered, and by which numbers.
fn chosen(choice: &TierChoice) -> String {
    let tier = match choice.tier {
        AnsweringTier::Local => "by the local model",
        AnsweringTier::Cloud => "by the cloud",
    };
    let reason = match choice.reason {
        None => "",
        Some(EscalationReason::Complexity) => "; the cloud was wanted because it is hard",
        Some(EscalationReason::Novelty) => "; the cloud was wanted because it is new",
        Some(EscalationReason::Confidence) => "; the cloud was wanted because the local model was not sure",
        Some(EscalationReason::Failure) => "; the cloud was wanted because the local model failed",
    };
    let barred = match choice.barred {
        None => "",
        Some(EscalationBar::Budget) => "; money is too short for the cloud",
        Some(EscalationBar::Failure) => "; the cloud brought nothing",
        Some(EscalationBar::Crisis) => "; what may come from somebody in danger stays here",
    };
    let shown =
        |score: Option<UnitScore>| score.map_or("-".to_owned(), |score| format!("{:.2}", score.get()));
    format!(
        "\n- Answered {tier}{reason}{barred} (complexity {:.2}, novelty {}, confidence {}).",
        choice.complexity.get(),
        shown(choice.novelty),
        shown(choice.confidence)
    )
}

fn source(source: RecalledSource) -> &'static str {
    match source {
        RecalledSource::Message => "said by a person",
        RecalledSource::Reply => "said by me",
        RecalledSource::Summary => "summary of a talk",
        RecalledSource::Fact => "fact",
    }
}

/// A count with its word.
pub(super) fn count(number: usize, word: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

/// A day, as people write it.
pub(super) fn day(at: Timestamp) -> String {
    at.to_utc().format("%-d %B %Y").to_string()
}

/// Somebody's words on one line, without their markup, cut where they are long.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 120;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(SHOWN).collect();
    if line.chars().count() > SHOWN {
        cut.push('…');
    }
    let mut escaped = String::with_capacity(cut.len() + 8);
    for c in cut.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '~' | '|' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    format!("“{escaped}”")
}
