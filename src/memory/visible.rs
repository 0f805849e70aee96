//! The one place where the right to read becomes SQL. Every query of memories is built with it.

use std::fmt::Write;

use sqlx::{Any, any::AnyArguments, query::Query};

use crate::model::Viewer;

/// A piece of SQL that is true exactly for the rows that a viewer may read ([`Viewer::may_read`] is the same in plain code, but for
/// people who keep their places apart),
/// with its parameters.
pub(super) struct Visible {
    /// The predicate; its parameters are numbered from the number it was made with.
    pub(super) sql: String,
    values: Vec<String>,
}

impl Visible {
    /// The predicate for the table `alias`, whose column `author` names the person behind a row. Its first parameter is
    /// `$first`.
    pub(super) fn of(viewer: &Viewer, alias: &str, author: &str, first: usize) -> Self {
        let mut values = vec![viewer.character.to_string()];
        let mut number = first + 1;
        let mut marks = Vec::new();
        for scope in viewer.readable_scopes() {
            marks.push(format!("${number}"));
            values.push(scope.key());
            number += 1;
        }
        let own = viewer.own_words_of().map_or_else(String::new, |user| {
            values.push(user.to_string());
            // Unless they keep their places apart.
            format!(
                " OR ({alias}.{author} = ${number} AND NOT EXISTS (SELECT 1 FROM privacy_apart apart \
                 WHERE apart.character = ${first} AND apart.owner = ${number}))"
            )
        });
        let sql =
            format!("({alias}.character = ${first} AND ({alias}.scope IN ({}){own}))", marks.join(", "));
        Self { sql, values }
    }

    /// The full-text query (SQLite) for the rows that this can be true for: the index holds with each row a token of its place
    /// and one of its author (migration 0005). It narrows a search; the predicate decides.
    pub(super) fn tokens(viewer: &Viewer) -> String {
        let token = |kind: char, of: &str| {
            let mut token = format!("\"{kind}");
            for byte in format!("{} {of}", viewer.character).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(token, "{byte:02X}");
            }
            token + "\""
        };
        let places = viewer.readable_scopes().into_iter().map(|scope| token('s', &scope.key()));
        let own = viewer.own_words_of().map(|user| token('a', user.as_str()));
        format!("held : ({})", places.chain(own).collect::<Vec<_>>().join(" OR "))
    }

    /// The number of the first parameter after these.
    pub(super) fn next(&self, first: usize) -> usize {
        first + self.values.len()
    }

    /// Binds the parameters, in their order.
    pub(super) fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        self.values.iter().fold(query, |query, value| query.bind(value.clone()))
    }
}
