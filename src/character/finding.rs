//! What is wrong with a character's files, and where.

use std::fmt;

use super::yaml::Mark;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The character is not loaded.
    Error,
    /// The character is loaded; something in its files has no effect or looks wrong.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, relative to the character's folder.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    pub(super) fn error(file: &str, mark: Mark, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line: mark.line,
            column: mark.column,
            message: message.into(),
        }
    }

    pub(super) fn warning(file: &str, mark: Mark, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, mark, message) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.severity == Severity::Warning { "warning: " } else { "" };
        write!(f, "{}:{}:{}: {warning}{}", self.file, self.line, self.column, self.message)
    }
}

/// The known name closest to `typed`, when it is close enough to be meant.
pub(super) fn meant<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
