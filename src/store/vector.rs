//! Vectors in SQL: the few words in which the engines differ. Vectors travel as text (`[0.1,0.2]`), which both read.

use std::fmt::Write;

use sqlx::AnyPool;

use super::{Engine, StoreError};

/// The text form of a vector, to be bound as a parameter.
#[must_use]
pub fn to_text(vector: &[f32]) -> String {
    let mut text = String::with_capacity(vector.len() * 11 + 2);
    text.push('[');
    for (index, value) in vector.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{value}");
    }
    text.push(']');
    text
}

/// The SQL that turns a text parameter such as `$1` into what the column stores.
#[must_use]
pub fn input(engine: Engine, parameter: &str) -> String {
    match engine {
        Engine::Sqlite => format!("vec_f32({parameter})"),
        Engine::Postgres => format!("CAST({parameter} AS vector)"),
    }
}

/// The SQL of the cosine distance (0: same direction, 2: opposite) between a column and a text parameter.
#[must_use]
pub fn cosine_distance(engine: Engine, column: &str, parameter: &str) -> String {
    match engine {
        Engine::Sqlite => format!("vec_distance_cosine({column}, (SELECT vec_f32({parameter})))"),
        Engine::Postgres => format!("({column} <=> CAST({parameter} AS vector))"),
    }
}

/// Makes the table of vectors where the server has pgvector. Says whether it has.
pub(super) async fn prepare_postgres(pool: &AnyPool) -> Result<bool, StoreError> {
    if let Err(error) = sqlx::query("CREATE EXTENSION IF NOT EXISTS vector").execute(pool).await {
        tracing::warn!(
            %error,
            "this Postgres has no pgvector: recall works by words only. Install the extension `vector`, then restart"
        );
        return Ok(false);
    }
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS memory_vector (
            memory TEXT NOT NULL, model TEXT NOT NULL, vector vector NOT NULL, PRIMARY KEY (memory, model))",
    )
    .execute(pool)
    .await?;
    Ok(true)
}
