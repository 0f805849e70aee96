//! Secrets of the settings file: taken from the environment, and hidden wherever they would show.

use secrecy::{ExposeSecret, SecretString};

/// The shortest text that is hidden: shorter ones are everyday words and numbers.
const SHORTEST: usize = 4;
/// What stands in the place of a secret.
const HIDDEN: &str = "(secret)";

/// What must not be shown, the longest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// Hides `text` from now on.
    pub(super) fn keep(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.0.push(SecretString::from(text));
            self.0.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        }
    }

    /// The text without any of them.
    pub(super) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), HIDDEN))
    }
}

/// The text with each `${NAME}` replaced by the variable. What it became is kept secret, and each variable for itself.
///
/// # Errors
/// In words for the one who wrote the file.
pub(super) fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    secrets: &mut Secrets,
) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) =
            after.split_once('}').ok_or("has `${` without `}`: a variable is written ${NAME}")?;
        let fits = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !fits {
            return Err("has a `${…}` that names no variable: it is written ${NAME}".to_owned());
        }
        let value = env(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            format!("takes ${{{name}}}, which the environment has not: set {name} before the start")
        })?;
        secrets.keep(&value);
        whole.push_str(before);
        whole.push_str(&value);
        rest = behind;
    }
    whole.push_str(rest);
    secrets.keep(&whole);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn env(name: &str) -> Option<String> {
        [("TOKEN", "hunter2hunter2"), ("EMPTY", "")]
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    }

    #[rstest]
    #[case("plain", "plain")]
    #[case("Bearer ${TOKEN}", "Bearer hunter2hunter2")]
    #[case("${TOKEN}/${TOKEN}", "hunter2hunter2/hunter2hunter2")]
    #[case("costs $5", "costs $5")]
    fn variables_come_from_the_environment(#[case] text: &str, #[case] whole: &str) {
        let mut secrets = Secrets::default();
        assert_eq!(expand(text, &env, &mut secrets).as_deref(), Ok(whole));
        assert!(!secrets.hide(&format!("it said {whole} aloud")).contains("hunter2"));
    }

    #[rstest]
    #[case("${NONE}", "set NONE before the start")]
    #[case("${EMPTY}", "set EMPTY before the start")]
    #[case("${TOKEN", "without `}`")]
    #[case("${TO KEN}", "names no variable")]
    #[case("${}", "names no variable")]
    fn what_is_not_there_is_told(#[case] text: &str, #[case] part: &str) {
        let what = expand(text, &env, &mut Secrets::default()).unwrap_err();
        assert!(what.contains(part) && !what.contains("hunter2"), "{what}");
    }

    #[test]
    fn a_secret_inside_another_leaves_no_rest() {
        let mut secrets = Secrets::default();
        secrets.keep("abcd");
        secrets.keep("abcdefgh");
        assert_eq!(secrets.hide("abcdefgh abcd"), "(secret) (secret)");
    }
}
