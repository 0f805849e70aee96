//! What tokens cost: a table in a YAML file, with one built in.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

/// The built-in table.
const DEFAULT: &str = include_str!("prices.yaml");

/// Why a price table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The file cannot be read.
    #[error("cannot read the price table {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a price table.
    #[error(
        "the price table {path} is not right: {message}. Write `models:` and, a line a model, `NAME: {{ in: 0.15, out: 0.60 }}`"
    )]
    Parse {
        /// The file.
        path: String,
        /// Where and what.
        message: String,
    },
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// For tokens read.
    #[serde(rename = "in")]
    pub input: f64,
    /// For tokens written.
    #[serde(rename = "out")]
    pub output: f64,
}

impl Price {
    /// What so many tokens cost, in US dollars.
    #[must_use]
    pub fn cost(self, tokens_in: u64, tokens_out: u64) -> f64 {
        (tokens_in as f64 * self.input + tokens_out as f64 * self.output) / 1e6
    }
}

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    models: BTreeMap<String, Price>,
}

impl Default for PriceTable {
    /// The built-in table (`src/llm/prices.yaml`, which says of when its prices are).
    fn default() -> Self {
        // A test reads the built-in table, so it never fails to parse here.
        Self::parse(DEFAULT, "(built in)").unwrap_or_else(|_| Self { models: BTreeMap::new() })
    }
}

impl PriceTable {
    /// The built-in table with the models of the file at `path` put over it.
    ///
    /// # Errors
    /// [`PriceError`] when the file cannot be read or is no price table.
    pub fn load(path: &Path) -> Result<Self, PriceError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| PriceError::Read { path: shown.clone(), source })?;
        let mut table = Self::default();
        table.models.extend(Self::parse(&text, &shown)?.models);
        Ok(table)
    }

    fn parse(text: &str, path: &str) -> Result<Self, PriceError> {
        let failed = |message: String| PriceError::Parse { path: path.to_owned(), message };
        let table: Self = serde_saphyr::from_str(text).map_err(|error| failed(error.to_string()))?;
        let sane = |price: f64| price.is_finite() && price >= 0.0;
        match table.models.iter().find(|(_, price)| !sane(price.input) || !sane(price.output)) {
            Some((model, _)) => Err(failed(format!("the price of `{model}` is negative or no number"))),
            None => Ok(table),
        }
    }

    /// The price of `model`: by its name, its name without the maker (`maker/name`), or the longest listed name that
    /// it is a dated version of (`name-20…`, `name@…`, `name:…`).
    #[must_use]
    pub fn of(&self, model: &str) -> Option<Price> {
        let bare = model.rsplit('/').next().unwrap_or(model);
        let is_version = |name: &str| {
            bare.strip_prefix(name).is_some_and(|rest| {
                rest.starts_with(['@', ':'])
                    || rest == "-latest"
                    || rest.strip_prefix('-').is_some_and(|rest| rest.starts_with("20"))
            })
        };
        let exact = self.models.get(model).or_else(|| self.models.get(bare));
        let version = || {
            let listed = self.models.iter().filter(|(name, _)| is_version(name));
            listed.max_by_key(|(name, _)| name.len()).map(|(_, price)| price)
        };
        exact.or_else(version).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("gpt-4o-mini", Some(0.15))]
    #[case("openai/gpt-4o-mini", Some(0.15))]
    #[case("gpt-4o-mini-2024-07-18", Some(0.15))]
    #[case("gpt-4o-2024-08-06", Some(2.50))]
    #[case("claude-sonnet-4-20250514", Some(3.00))]
    #[case("claude-3-5-haiku-latest", Some(0.80))]
    #[case("gpt-4o-audio", None)]
    #[case("llama3.2:3b", None)]
    fn the_built_in_table_knows_names_and_their_versions(#[case] model: &str, #[case] input: Option<f64>) {
        assert_eq!(PriceTable::default().of(model).map(|price| price.input), input);
    }

    #[test]
    fn the_built_in_table_is_a_table() {
        assert!(PriceTable::parse(DEFAULT, "(built in)").unwrap().models.len() > 5);
    }

    #[test]
    fn money_is_counted_a_million_tokens() {
        let price = Price { input: 2.0, output: 8.0 };
        assert!((price.cost(500_000, 250_000) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_adds_to_the_built_in_table() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "models:\n  mine: { in: 1, out: 2.5 }\n").unwrap();
        let table = PriceTable::load(file.path()).unwrap();
        assert_eq!(table.of("mine"), Some(Price { input: 1.0, output: 2.5 }));
        assert!(table.of("gpt-4o").is_some());
    }

    #[rstest]
    #[case("models:\n  mine: { in: -1, out: 2 }\n")]
    #[case("models:\n  mine: { in: 1, out: .nan }\n")]
    #[case("models:\n  mine: { in: 1, uot: 2 }\n")]
    #[case("prices: {}\n")]
    fn a_wrong_file_is_refused_with_its_name(#[case] text: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let error = PriceTable::load(file.path()).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}
