//! Masks what looks like a secret, before a text leaves the program.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{Arc, LazyLock},
};

use regex::{Captures, Regex};
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::fmt::MakeWriter;

const MASK: &str = "***";
/// Configured secrets shorter than this are words ("none", "key") whose masking would make logs unreadable.
const SHORTEST_SECRET: usize = 8;

/// The shapes, from the documentation of each service. The group `keep` stays, so that a reader sees what was masked.
const SHAPES: &str = r#"(?x)
    (?<keep_k>\b(?:sk|pk|rk)-)[A-Za-z0-9_-]{8,}                               # OpenAI and its likes
  | (?<keep_g>\bgsk_|\bhf_|\bgh[pousr]_|\bAIza|\bxai-)[A-Za-z0-9_-]{16,}      # Groq, Hugging Face, GitHub, Google, xAI
  | (?<keep_s>\bx(?:ox[a-z]|app)-)[A-Za-z0-9-]{8,}                            # Slack
  | (?<keep_b>(?i:\bbearer)\s+)[A-Za-z0-9._~+/=-]{6,}                         # Authorization: Bearer
  | (?<keep_a>(?i:authorization)["']?\s*[:=]\s*["']?(?i:basic)\s+)[A-Za-z0-9+/=]+
  | \b[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}            # Discord
  | (?<keep_t>\b(?:bot)?)\d{6,12}:[A-Za-z0-9_-]{30,}                          # Telegram
  | (?<keep_w>/api/webhooks/\d+/|hooks\.slack\.com/services/)[A-Za-z0-9_/-]+  # webhooks
  | (?<keep_p>\bpostgres(?:ql)?://)[^\s"'<>]*:[^\s"'<>]*@                     # a password may hold any sign
  | (?<keep_u>\b[a-z][a-z0-9+.-]*://)[^\s/@:"'<>]*:[^\s/@"'<>]*@
  | (?<keep_v>(?i:api[_-]?key|password|passwd|secret|access[_-]?token)["']?\s*[:=]\s*["']?)[^\s"',&;})]{4,}
"#;
/// The shapes that end in `@`, which stays.
const BEFORE_AT: [&str; 2] = ["keep_p", "keep_u"];

static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SHAPES).ok());

/// `text` with everything masked that has the shape of a secret: keys of model endpoints, bot tokens, webhook addresses,
/// passwords in addresses.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(shape) = SHAPE.as_ref() else {
        return Cow::Borrowed(MASK);
    };
    shape.replace_all(text, |found: &Captures<'_>| {
        let kept = shape.capture_names().flatten().find_map(|name| Some((name, found.name(name)?.as_str())));
        let (name, keep) = kept.unwrap_or_default();
        let at = if BEFORE_AT.contains(&name) { "@" } else { "" };
        format!("{keep}{MASK}{at}")
    })
}

/// Makes writers that mask the known secrets and everything that has the shape of one. The formatting layer writes each
/// event in one piece, so no secret is ever cut in two.
pub(super) struct Redacting<M> {
    inner: M,
    secrets: Arc<[SecretString]>,
}

impl<M> Redacting<M> {
    pub(super) fn new(inner: M, secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let known = |secret: &SecretString| secret.expose_secret().len() >= SHORTEST_SECRET;
        Self { inner, secrets: secrets.into_iter().filter(known).collect() }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacting<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter { inner: self.inner.make_writer(), secrets: Arc::clone(&self.secrets) }
    }
}

pub(super) struct RedactingWriter<W> {
    inner: W,
    secrets: Arc<[SecretString]>,
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = String::from_utf8_lossy(bytes);
        for secret in self.secrets.iter().map(ExposeSecret::expose_secret) {
            if text.contains(secret) {
                text = Cow::Owned(text.replace(secret, MASK));
            }
        }
        self.inner.write_all(redact(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("key sk-proj-abcdefgh12345678 end", "key sk-*** end")]
    #[case("gsk_abcdefghijklmnop1234", "gsk_***")]
    #[case("Authorization: Bearer abc.def-123", "Authorization: Bearer ***")]
    #[case(r#"{"authorization":"Basic dXNlcjpwYXNz"}"#, r#"{"authorization":"Basic ***"}"#)]
    #[case("token MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs", "token ***")]
    #[case(
        "https://api.telegram.org/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe",
        "https://api.telegram.org/bot***/getMe"
    )]
    #[case("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "***")]
    #[case("xoxb-1234567890-abcdefgh", "xoxb-***")]
    #[case("https://discord.com/api/webhooks/123/abc_DEF-1", "https://discord.com/api/webhooks/123/***")]
    #[case("postgres://bob:p@ss/w:rd@db:5432/d", "postgres://***@db:5432/d")]
    #[case("http://u:hunter2@host/x", "http://***@host/x")]
    #[case("api_key=hunter2&x=1", "api_key=***&x=1")]
    #[case(r#"{"password": "hunter2"}"#, r#"{"password": "***"}"#)]
    fn secrets_are_masked_by_their_shape(#[case] text: &str, #[case] masked: &str) {
        assert_eq!(redact(text), masked);
    }

    #[rstest]
    #[case("She is risk-averse and asks: who bears the cost?")]
    #[case("http://127.0.0.1:8080/v1/chat/completions answered in 12 ms")]
    #[case("turn=0190a5c2-7d3e-7c3a-9f6e-1f2e3d4c5b6a tokens_in=120 at 12:30:45")]
    #[case("memory: Robin's dog is called Luna.")]
    #[case("src/config.rs:12:7: mail robin@example.org")]
    fn plain_text_stays_as_it_is(#[case] text: &str) {
        assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{}", redact(text));
    }

    #[test]
    fn a_configured_secret_without_a_shape_is_masked_too() {
        let mut out = Vec::new();
        let secrets = Arc::from([SecretString::from("correct horse")]);
        RedactingWriter { inner: &mut out, secrets }.write_all(b"said: correct horse!\n").unwrap();
        assert_eq!(out, b"said: ***!\n");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = redact(&text);
        }

        #[test]
        fn a_key_is_found_anywhere(before in "[a-zA-Z ]*[ (:='\"]", key in "sk-[A-Za-z0-9]{20,48}", after in "[ ,.)\"'].{0,20}") {
            let line = format!("{before}{key}{after}");
            prop_assert!(!redact(&line).contains(&key));
        }
    }
}
