//! Which endpoints there are, how long to wait for them, and how often to ask again.

use std::{fmt, time::Duration};

use reqwest::Url;
use secrecy::SecretString;

use super::{Limits, PriceTable};

/// Where a tier's model is asked. `Debug` shows neither the key nor a password in the address.
#[derive(Clone)]
pub struct Endpoint {
    /// The address up to the version, for example `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key, where the endpoint wants one.
    pub api_key: Option<SecretString>,
    /// The model's name at that endpoint.
    pub model: String,
}

impl Endpoint {
    /// The address without user name, password and query, for people to read.
    #[must_use]
    pub fn describe(&self) -> String {
        let Ok(mut url) = Url::parse(&self.base_url) else {
            return "an address that cannot be read".to_owned();
        };
        // Both fail only for addresses that cannot hold a user, which then hold none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        url.as_str().trim_end_matches('/').to_owned()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("base_url", &self.describe())
            .field("api_key", &self.api_key.as_ref().map(|_| "(secret)"))
            .field("model", &self.model)
            .finish()
    }
}

/// How long to wait for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection. Default 5 s.
    pub connect: Duration,
    /// From sending the request to the first piece of the answer. Default 90 s: a local model may have to be loaded.
    pub first_token: Duration,
    /// Between two pieces. Default 30 s.
    pub idle: Duration,
    /// All waiting of a call together: every attempt, and the pauses between them. Default 300 s.
    pub total: Duration,
}

impl Timeouts {
    /// Waits `idle` between two pieces, three times as long for the first, and ten times as long in all.
    #[must_use]
    pub fn of(idle: Duration) -> Self {
        Self { first_token: idle * 3, idle, total: idle * 10, ..Self::default() }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(90),
            idle: Duration::from_secs(30),
            total: Duration::from_mins(5),
        }
    }
}

/// How often to ask again, and how long to pause before: exponential back-off with full jitter
/// (a pause is drawn evenly from nothing to `base · 2^(attempt − 1)`, at most `cap`; AWS Architecture Blog, 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Requests a call may make. Default 4.
    pub attempts: u32,
    /// The longest first pause. Default 500 ms.
    pub base: Duration,
    /// The longest pause. Default 8 s.
    pub cap: Duration,
    /// The longest `Retry-After` that is honoured; an endpoint that asks for more is given up. Default 30 s.
    pub longest_retry_after: Duration,
    /// Where the jitter starts; drawn at random when absent.
    pub seed: Option<u64>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(8),
            longest_retry_after: Duration::from_secs(30),
            seed: None,
        }
    }
}

/// The endpoints that are asked in turn when the first one of a tier does not answer.
#[derive(Debug, Clone, Default)]
pub struct Fallbacks {
    /// Behind the main model.
    pub main: Vec<Endpoint>,
    /// Behind the router's own model; without one, the main chain is used.
    pub router: Vec<Endpoint>,
    /// Behind the reflective tier's own model; without one, the main chain is used.
    pub reflective: Vec<Endpoint>,
    /// Behind the cloud's model.
    pub cloud: Vec<Endpoint>,
}

/// Everything the room wants to know before it opens.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    /// The main model. Without it an Ollama is looked for, and then the offline responder speaks.
    pub main: Option<Endpoint>,
    /// The router's model; the main one when absent.
    pub router: Option<Endpoint>,
    /// The reflective model; the main one when absent.
    pub reflective: Option<Endpoint>,
    /// The model that answers when money runs short; the main one when absent.
    pub cheap: Option<Endpoint>,
    /// The model that is asked when the main one is not enough, which then is the local tier; nobody when absent.
    pub cloud: Option<Endpoint>,
    /// Who is asked when they do not answer. Default nobody.
    pub fallbacks: Fallbacks,
    /// How long the first word of an answer may take until a second request goes out, to the next endpoint or to the same;
    /// who speaks first is listened to, and both are paid for. Default never.
    pub hedge: Option<Duration>,
    /// Where to look for an Ollama when there is no main model (`HOST`, `HOST:PORT` or an address, as `OLLAMA_HOST`
    /// has it); nowhere when absent. Default `127.0.0.1:11434`.
    pub ollama: Option<String>,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to ask again.
    pub retry: Retry,
    /// What tokens cost.
    pub prices: PriceTable,
    /// What may be spent.
    pub limits: Limits,
}

impl Default for LlmSettings {
    fn default() -> Self {
        Self {
            main: None,
            router: None,
            reflective: None,
            cheap: None,
            cloud: None,
            fallbacks: Fallbacks::default(),
            hedge: None,
            ollama: Some("127.0.0.1:11434".to_owned()),
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            prices: PriceTable::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_key_and_the_password() {
        let endpoint = Endpoint {
            base_url: "https://bob:hunter2@models.example/v1/?key=sesame".to_owned(),
            api_key: Some(SecretString::from("sk-sesame")),
            model: "m".to_owned(),
        };
        let shown = format!("{:?}", LlmSettings { main: Some(endpoint.clone()), ..LlmSettings::default() });
        assert_eq!(endpoint.describe(), "https://models.example/v1");
        for secret in ["hunter2", "bob", "sesame"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
