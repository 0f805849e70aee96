//! The only key to memory.

use super::{CharacterId, Place, Scope, UserId};

/// Who wants to remember, for whom, and where: no memory is read without one (product.md, principle 2).
///
/// What a viewer is entitled to, of the memories of its own character only:
/// - everywhere: what is [`Scope::Global`];
/// - in a DM: what was said in the DM with the same person, and the person's own words from any other place;
/// - in a channel: what was said in that channel, and what is shared with its guild;
/// - in a thread: what was said in that thread and in the channel above it, and what is shared with its guild.
///
/// Everything else is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The character that remembers.
    pub character: CharacterId,
    /// The person it talks to.
    pub user: UserId,
    /// Where they talk.
    pub place: Place,
}

impl Viewer {
    /// A viewer.
    #[must_use]
    pub fn new(character: CharacterId, user: UserId, place: Place) -> Self {
        Self { character, user, place }
    }

    /// The scope of what is said here and now.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.place.scope(&self.user)
    }

    /// The conversation that is going on here and now, as one text: the same for everybody who takes part in it.
    #[must_use]
    pub fn conversation(&self) -> String {
        conversation(&self.character, &self.scope())
    }

    /// Every scope whose rows this viewer may read, whoever wrote them.
    #[must_use]
    pub fn readable_scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Global, self.scope()];
        match &self.place {
            Place::Dm => {}
            Place::Channel { guild, .. } => scopes.push(Scope::Guild(guild.clone())),
            Place::Thread { guild, channel, .. } => {
                scopes.push(Scope::Guild(guild.clone()));
                scopes.push(Scope::Channel { guild: guild.clone(), channel: channel.clone() });
            }
        }
        scopes
    }

    /// The person whose own words may be read wherever they were said, if this is a private talk.
    #[must_use]
    pub fn own_words_of(&self) -> Option<&UserId> {
        self.place.is_dm().then_some(&self.user)
    }

    /// The rule above for one row, as plain code: the oracle that the tests hold the queries against.
    #[must_use]
    pub fn may_read(&self, character: &CharacterId, scope: &Scope, author: Option<&UserId>) -> bool {
        *character == self.character
            && (self.readable_scopes().contains(scope) || (author.is_some() && author == self.own_words_of()))
    }
}

/// The conversation that words of this scope belong to ([`Viewer::conversation`]).
#[must_use]
pub fn conversation(character: &CharacterId, scope: &Scope) -> String {
    // An id holds no slash.
    format!("{character}/{}", scope.key())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn user(name: &str) -> UserId {
        UserId::console(name).unwrap()
    }

    #[rstest]
    #[case("dm", "robin", "dm", "robin", true)]
    #[case("dm", "robin", "dm", "sam", false)]
    #[case("dm", "robin", "lounge/general", "robin", false)]
    #[case("dm", "robin", "lounge/general", "sam", false)]
    #[case("lounge/general", "robin", "lounge/general", "sam", true)]
    #[case("lounge/general", "robin", "lounge/staff", "robin", false)]
    #[case("lounge/general", "robin", "dm", "robin", true)]
    #[case("lounge/general", "robin", "dm", "sam", false)]
    #[case("lounge/general", "robin", "other/general", "robin", false)]
    #[case("lounge/general", "robin", "lounge/general/plans", "sam", true)]
    #[case("lounge/general/plans", "robin", "lounge/general", "robin", false)]
    fn words_stay_where_they_were_said(
        #[case] said: &str,
        #[case] speaker: &str,
        #[case] asked: &str,
        #[case] asker: &str,
        #[case] expected: bool,
    ) {
        let elena = CharacterId::new("elena").unwrap();
        let scope = said.parse::<Place>().unwrap().scope(&user(speaker));
        let viewer = Viewer::new(elena.clone(), user(asker), asked.parse().unwrap());
        assert_eq!(viewer.may_read(&elena, &scope, Some(&user(speaker))), expected);
    }

    #[test]
    fn characters_do_not_read_each_other() {
        let (elena, iris) = (CharacterId::new("elena").unwrap(), CharacterId::new("iris").unwrap());
        let viewer = Viewer::new(elena, user("robin"), Place::Dm);
        assert!(!viewer.may_read(&iris, &Scope::Global, Some(&user("robin"))));
    }
}
