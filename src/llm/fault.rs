//! What can go wrong with one request, and whether another one may help.

use std::{error::Error as _, time::Duration};

use async_openai::error::{OpenAIError, StreamError};
use serde_json::Value;

use super::{retry::retry_after, tap::Refusal};
use crate::model::{ErrorKind, Timestamp};

/// How much of an endpoint's own words goes into a message, characters.
const QUOTED: usize = 300;

/// One request failed.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) again: Again,
    /// What the endpoint does not know: without it, it may answer.
    pub(super) refused: Option<Feature>,
}

/// What not every endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Feature {
    /// Tools that the model may call.
    Tools,
    /// How probable each token was.
    Logprobs,
}

impl Feature {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Tools, Self::Logprobs];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Logprobs => "probabilities of tokens",
        }
    }
}

/// Whether to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It would only fail again.
    Never,
    /// After a pause of our choice.
    Soon,
    /// After the pause the endpoint asks for.
    After(Duration),
}

impl Fault {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>, again: Again) -> Self {
        Self { kind, message: message.into(), again, refused: None }
    }

    /// What async-openai reports, understood.
    pub(super) fn from_client(error: &OpenAIError, now: Timestamp) -> Self {
        match error {
            OpenAIError::Boxed(inner) => match inner.downcast_ref::<Refusal>() {
                Some(refusal) => Self::from_refusal(refusal, now),
                None => Self::new(ErrorKind::Other, inner.to_string(), Again::Never),
            },
            OpenAIError::Reqwest(error) => Self::from_transport(error),
            // The text that could not be read may be an answer: it stays out of the message.
            OpenAIError::JSONDeserialize(error, _) => Self::new(
                ErrorKind::BadAnswer,
                format!("sent something that is no chat completion ({error})"),
                Again::Soon,
            ),
            OpenAIError::StreamError(error) => match error.as_ref() {
                StreamError::EventStream(what) => {
                    Self::new(ErrorKind::BrokenStream, format!("broke off its answer ({what})"), Again::Soon)
                }
                StreamError::UnknownEvent(_) => {
                    Self::new(ErrorKind::BadAnswer, "sent an event that is no chat completion", Again::Soon)
                }
            },
            other => Self::new(ErrorKind::Other, format!("could not be asked ({other})"), Again::Never),
        }
    }

    fn from_transport(error: &reqwest::Error) -> Self {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            cause = inner.to_string();
            source = inner.source();
        }
        if error.is_builder() {
            return Self::new(ErrorKind::Other, format!("could not be asked ({cause})"), Again::Never);
        }
        let what = if error.is_connect() { "cannot be reached" } else { "closed the connection" };
        let message = format!("{what} ({cause}): check LLM_BASE_URL and that the server runs");
        Self::new(ErrorKind::Unavailable, message, Again::Soon)
    }

    fn from_refusal(refusal: &Refusal, now: Timestamp) -> Self {
        let said = Said::read(&refusal.body);
        let quote = said.quote();
        let status = refusal.status;
        let again = || {
            let asked = refusal.retry_after.as_deref().and_then(|value| retry_after(value, now));
            asked.map_or(Again::Soon, Again::After)
        };
        if said.is_about_context() {
            return Self::too_long(&quote);
        }
        let (kind, message, again) = match status {
            401 | 403 => (
                ErrorKind::Unauthorized,
                format!("refused the key (status {status}{quote}): check LLM_API_KEY"),
                Again::Never,
            ),
            404 => (
                ErrorKind::Other,
                format!(
                    "does not know the model or the path (status 404{quote}): check LLM_MODEL and LLM_BASE_URL"
                ),
                Again::Never,
            ),
            429 if said.is_about_money() => (
                ErrorKind::RateLimited,
                format!("will not work before its account is filled (status 429{quote})"),
                Again::Never,
            ),
            429 => (ErrorKind::RateLimited, format!("asks for patience (status 429{quote})"), again()),
            408 => (ErrorKind::Timeout, format!("gave up waiting (status 408{quote})"), again()),
            500.. => (ErrorKind::Unavailable, format!("is broken (status {status}{quote})"), again()),
            _ => (ErrorKind::Other, format!("refused the request (status {status}{quote})"), Again::Never),
        };
        let refused = if matches!(status, 401 | 403 | 408 | 429) { None } else { said.feature() };
        Self { refused, ..Self::new(kind, message, again) }
    }

    /// An error that came as an event of the stream.
    pub(super) fn from_event(error: &Value) -> Self {
        let said = Said::of(error);
        let quote = said.quote();
        if said.is_about_context() {
            Self::too_long(&quote)
        } else {
            Self::new(ErrorKind::Unavailable, format!("failed while answering{quote}"), Again::Soon)
        }
    }

    fn too_long(quote: &str) -> Self {
        let message = format!("says that the prompt is too long for the model{quote}");
        Self::new(ErrorKind::ContextLength, message, Again::Never)
    }
}

/// What an endpoint says of its error: `{"error": {"message", "code", "type"}}`, `{"error": "…"}`, or plain text.
#[derive(Debug, Default)]
struct Said {
    message: String,
    code: String,
}

impl Said {
    fn read(body: &str) -> Self {
        match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::of(value.get("error").unwrap_or(&value)),
            Err(_) => Self { message: body.trim().to_owned(), code: String::new() },
        }
    }

    fn of(error: &Value) -> Self {
        if let Some(message) = error.as_str() {
            return Self { message: message.to_owned(), code: String::new() };
        }
        let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
        let message = if text("message").is_empty() { text("detail") } else { text("message") };
        Self { message: message.to_owned(), code: format!("{} {}", text("code"), text("type")) }
    }

    fn quote(&self) -> String {
        let words: String = self.message.split_whitespace().collect::<Vec<_>>().join(" ");
        let quoted: String = words.chars().take(QUOTED).collect();
        if quoted.is_empty() { String::new() } else { format!(": {quoted}") }
    }

    /// The words of OpenAI, vLLM, llama.cpp, Ollama, Anthropic and others for a prompt that does not fit.
    fn is_about_context(&self) -> bool {
        const CODES: [&str; 2] = ["context_length_exceeded", "exceed_context_size_error"];
        const WORDS: [&str; 9] = [
            "maximum context length",
            "context_length_exceeded",
            "exceeds the available context size",
            "exceeds the context length",
            "exceeds context length",
            "exceeds the context window",
            "exceeds the model's context",
            "context length exceeded",
            "prompt is too long",
        ];
        let message = self.message.to_lowercase();
        CODES.iter().any(|code| self.code.contains(code)) || WORDS.iter().any(|words| message.contains(words))
    }

    /// What it says it cannot do, as OpenAI, Ollama, vLLM, llama.cpp and others put it.
    fn feature(&self) -> Option<Feature> {
        const REFUSALS: [&str; 9] = [
            "support",
            "requires",
            "unrecognized",
            "unknown",
            "not permitted",
            "not allowed",
            "not available",
            "not enabled",
            "unexpected",
        ];
        let message = self.message.to_lowercase();
        let refuses = REFUSALS.iter().any(|word| message.contains(word));
        if message.contains("logprob") {
            return Some(Feature::Logprobs);
        }
        // A message of the role `tool` in the wrong place is another matter.
        let about_tools = ["tool", "function call"].iter().any(|word| message.contains(word));
        (refuses && about_tools && !message.contains("role")).then_some(Feature::Tools)
    }

    fn is_about_money(&self) -> bool {
        self.code.contains("insufficient_quota")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn refusal(status: u16, body: &str) -> Fault {
        let refusal = Refusal { status, retry_after: Some("7".to_owned()), body: body.to_owned() };
        Fault::from_refusal(&refusal, Timestamp::from_micros(0))
    }

    #[rstest]
    #[case(429, "{}", ErrorKind::RateLimited, Again::After(Duration::from_secs(7)))]
    #[case(
        429,
        r#"{"error":{"message":"x","code":"insufficient_quota"}}"#,
        ErrorKind::RateLimited,
        Again::Never
    )]
    #[case(503, "down", ErrorKind::Unavailable, Again::After(Duration::from_secs(7)))]
    #[case(401, "{}", ErrorKind::Unauthorized, Again::Never)]
    #[case(404, r#"{"error":"model 'x' not found"}"#, ErrorKind::Other, Again::Never)]
    #[case(422, "[]", ErrorKind::Other, Again::Never)]
    fn statuses_have_their_kinds(
        #[case] status: u16,
        #[case] body: &str,
        #[case] kind: ErrorKind,
        #[case] again: Again,
    ) {
        let fault = refusal(status, body);
        assert_eq!((fault.kind, fault.again), (kind, again));
    }

    #[rstest]
    #[case::openai(400, r#"{"error":{"message":"too much","code":"context_length_exceeded"}}"#)]
    #[case::vllm(
        400,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens."}"#
    )]
    #[case::llama_cpp(400, r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#)]
    #[case::ollama(400, r#"{"error":"the input length exceeds the context length"}"#)]
    #[case::plain(500, "prompt is too long: 5000 tokens")]
    fn a_prompt_that_is_too_long_is_told_by_its_words(#[case] status: u16, #[case] body: &str) {
        assert_eq!(refusal(status, body).kind, ErrorKind::ContextLength);
    }

    #[rstest]
    #[case::ollama(
        400,
        r#"{"error":{"message":"registry.ollama.ai/library/gemma:2b does not support tools"}}"#,
        true
    )]
    #[case::vllm(400, r#"{"message":"\"auto\" tool choice requires --enable-auto-tool-choice"}"#, true)]
    #[case::llama_cpp(500, r#"{"error":{"message":"tools param requires --jinja flag"}}"#, true)]
    #[case::openrouter(404, r#"{"error":{"message":"No endpoints found that support tool use."}}"#, true)]
    #[case::openai(400, r#"{"error":{"message":"Unrecognized request argument supplied: tools"}}"#, true)]
    #[case::misplaced(400, r#"{"error":{"message":"unexpected role 'tool' after role 'user'"}}"#, false)]
    #[case::broken(500, "internal error", false)]
    #[case::key(401, "tools are not allowed with this key", false)]
    fn an_endpoint_without_tools_is_told_by_its_words(
        #[case] status: u16,
        #[case] body: &str,
        #[case] tools: bool,
    ) {
        assert_eq!(refusal(status, body).refused, tools.then_some(Feature::Tools));
    }

    #[test]
    fn an_endless_message_is_cut() {
        assert!(refusal(500, &"word ".repeat(1000)).message.len() < 400);
    }
}
