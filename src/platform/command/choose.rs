//! `/character`, and values that are offered while somebody types.

use chrono_tz::TZ_VARIANTS;

use super::{Asker, Commands, Kind, Reply, check::KNOWN_LANGUAGES};
use crate::{conversation::ConversationError, model::CharacterId};

/// Values that are offered at most (Discord's limit).
const OFFERED: usize = 25;

impl Commands {
    pub(super) async fn character(
        &self,
        id: Option<&str>,
        asker: &Asker,
    ) -> Result<Reply, ConversationError> {
        let Some(id) = id else {
            let about = self.about(asker).text;
            return Ok(Reply::text(format!(
                "{about}\n\n/cast shows who else there is; `/character set ID` chooses."
            )));
        };
        let Some(character) = CharacterId::new(id).ok().and_then(|id| self.parts.cast.get(&id)) else {
            return Ok(Reply::text(self.no_such_character(id)));
        };
        if !asker.viewer.place.is_dm() && !asker.admin {
            return Ok(Reply::text("Here only the people in charge choose; in private you do."));
        }
        let viewer = &asker.viewer;
        let gate = self.parts.conversations.gate();
        gate.choose(&viewer.scope(), &character.id, &viewer.user, asker.at).await?;
        Ok(Reply {
            ephemeral: false,
            ..Reply::text(format!("**{}** answers here from now on.", character.name))
        })
    }

    /// That there is no such character, and who was probably meant.
    pub(super) fn no_such_character(&self, id: &str) -> String {
        let ids: Vec<String> = self.parts.cast.ids().into_iter().map(String::from).collect();
        let hint = super::parse::nearest(id, ids.iter().map(String::as_str))
            .map_or_else(|| "/cast shows the cast".to_owned(), |found| format!("did you mean `{found}`?"));
        format!("There is no character `{id}`; {hint}.").replace("?.", "?")
    }

    /// Values for an argument that begin with, or hold, what was typed so far: 25 at most.
    #[must_use]
    pub fn complete(&self, kind: Kind, typed: &str) -> Vec<String> {
        let candidates: Vec<String> = match kind {
            Kind::Character => self.parts.cast.ids().into_iter().map(String::from).collect(),
            Kind::Timezone => TZ_VARIANTS.iter().map(|zone| zone.name().to_owned()).collect(),
            Kind::Language => KNOWN_LANGUAGES.iter().map(|(_, english, _)| (*english).to_owned()).collect(),
            Kind::Choice(choices) => choices.iter().map(|choice| (*choice).to_owned()).collect(),
            Kind::Boolean => vec!["on".to_owned(), "off".to_owned()],
            Kind::Text { .. } | Kind::Integer { .. } | Kind::User => Vec::new(),
        };
        let typed = typed.trim().to_lowercase().replace(' ', "_");
        let mut fitting: Vec<(bool, String)> = candidates
            .into_iter()
            .filter(|candidate| candidate.to_lowercase().contains(&typed))
            .map(|candidate| (!candidate.to_lowercase().starts_with(&typed), candidate))
            .collect();
        // A stable sort: what begins with it comes first, each part in its own order.
        fitting.sort_by_key(|(later, _)| *later);
        fitting.into_iter().take(OFFERED).map(|(_, candidate)| candidate).collect()
    }
}
