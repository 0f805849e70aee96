//! A server that goes on under another id, as a group of Telegram's does when it becomes a supergroup: what was said there
//! keeps its scope, under the new name.

use super::{Memory, MemoryError};
use crate::{
    model::Scope,
    store::{StoreError, Tx},
};

/// A column that names a server, and what there is only one of.
pub(crate) struct Named {
    /// The table.
    pub(crate) table: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// Together with the column these are there once; `None`: there may be many.
    pub(crate) once: Option<&'static [&'static str]>,
}

impl Named {
    /// The column `scope` of a table.
    pub(crate) const fn scope(table: &'static str, once: Option<&'static [&'static str]>) -> Self {
        Self { table, column: "scope", once }
    }
}

const TABLES: [Named; 10] = [
    Named::scope("message", None),
    Named::scope("session", None),
    Named::scope("summary", None),
    Named::scope("memory", None),
    Named::scope("fact", None),
    Named::scope("trace", None),
    Named::scope("pattern", None),
    Named::scope("reminder", None),
    Named::scope("goal", None),
    Named::scope("preference", Some(&["character", "owner", "key"])),
];

impl Memory {
    /// Makes everything that was said in the server `old` said in `new`, as part of a transaction. Doing so again changes
    /// nothing.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn moved(&self, tx: &mut Tx, old: &str, new: &str) -> Result<(), MemoryError> {
        for named in &TABLES {
            rescope(tx, named, old, new).await?;
        }
        Ok(())
    }
}

/// Renames a server in a column that holds scope keys. Of what is there `once`, what is known of the new server stands.
pub(crate) async fn rescope(tx: &mut Tx, named: &Named, old: &str, new: &str) -> Result<(), StoreError> {
    let guild = |id: &str| Scope::Guild(id.to_owned()).key();
    let (old, new) = (guild(old), guild(new));
    for kind in ["guild", "channel", "thread"] {
        let of = |key: &str| key.replacen("guild", kind, 1);
        rename(tx, named, &of(&old), &of(&new)).await?;
    }
    Ok(())
}

/// Renames the beginning of paths: `old` itself, and what lies below it.
pub(crate) async fn rename(tx: &mut Tx, named: &Named, old: &str, new: &str) -> Result<(), StoreError> {
    let Named { table, column, once } = named;
    // With the slash, `telegram:-1` is no beginning of `telegram:-12`.
    let length = old.chars().count() + 1;
    let below = format!("substr({table}.{column} || '/', 1, {length}) = $2");
    let renamed = format!("$1 || substr({table}.{column}, {length})");
    let mut statements = Vec::new();
    if let Some(keys) = once {
        let same: Vec<_> = keys.iter().map(|key| format!(" AND other.{key} = {table}.{key}")).collect();
        let same = same.concat();
        statements.push(format!(
            "DELETE FROM {table} WHERE EXISTS \
             (SELECT 1 FROM {table} other WHERE other.{column} = {renamed}{same}) AND {below}"
        ));
    }
    statements.push(format!("UPDATE {table} SET {column} = {renamed} WHERE {below}"));
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(new.to_owned())
            .bind(format!("{old}/"))
            .execute(&mut **tx)
            .await
            .map_err(StoreError::from)?;
    }
    Ok(())
}
