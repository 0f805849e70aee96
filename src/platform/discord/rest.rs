//! Discord's REST API, as far as we call it, over reqwest. Our own thin client, because what we need of one is rare: the
//! pause that a 429 asks for is told at once to the outbox (which knows what is urgent), nothing is repeated behind its back,
//! and a configured address is the only one that is ever spoken to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{HeaderMap, StatusCode};
use reqwest::{Method, Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::conversation::SendError;

/// Discord's own server.
const DISCORD: &str = "https://discord.com";
/// The version of the API (its documentation, "API Versioning").
const VERSION: &str = "/api/v10";
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause after a 429 that names none.
const SOME_PAUSE: Duration = Duration::from_secs(1);

/// Why Discord did not do what it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum RestError {
    /// Too fast. Nothing was done.
    #[error("Discord asks for a pause of {:.1} s", .0.as_secs_f64())]
    Limited(Duration),
    /// It could not be reached, or failed: it may or may not have been done.
    #[error("Discord cannot be reached: {0}")]
    Unreachable(String),
    /// It refused.
    #[error("Discord refuses ({status}, code {code}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Discord's own code (its documentation, "JSON Error Codes"); 0: none.
        code: u64,
        /// What it says.
        message: String,
    },
}

impl RestError {
    /// What is asked for is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// The webhook is not there (its documentation, "JSON Error Codes").
    pub(super) fn is_of_no_webhook(&self) -> bool {
        matches!(self, Self::Refused { code: 10_015, .. })
    }

    /// A right is missing.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: 403, .. })
    }

    /// The token is wrong.
    pub(super) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. })
    }
}

impl From<RestError> for SendError {
    fn from(error: RestError) -> Self {
        match error {
            RestError::Limited(pause) => Self::Wait(pause),
            RestError::Unreachable(reason) => Self::Unreachable(reason),
            refused @ RestError::Refused { .. } => Self::Refused(refused.to_string()),
        }
    }
}

/// A client with one bot's token. Cloning shares it.
#[derive(Clone)]
pub(super) struct Rest {
    client: reqwest::Client,
    base: String,
    token: SecretString,
    pace: Arc<Pace>,
}

impl Rest {
    /// A client for this token; `api_url` replaces Discord's own server.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(super) fn new(token: SecretString, api_url: Option<&Url>) -> Result<Self, reqwest::Error> {
        // For the gateway, too; whoever was first to choose has chosen.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("DiscordBot (dramatis, ", env!("CARGO_PKG_VERSION"), ")"))
            .timeout(PATIENCE)
            // Wherever an answer points to, it is not where we were told to speak to.
            .redirect(redirect::Policy::none());
        if api_url.is_some() {
            client = client.no_proxy();
        }
        let base = api_url.map_or(DISCORD, Url::as_str).trim_end_matches('/');
        let base = if base.contains("/api/") { base.to_owned() } else { format!("{base}{VERSION}") };
        Ok(Self { client: client.build()?, base, token, pace: Arc::default() })
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RestError> {
        self.read(Method::GET, path, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, RestError> {
        self.read(Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, RestError> {
        self.read(Method::PATCH, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<(), RestError> {
        self.call(Method::PUT, path, Some(body)).await.map(drop)
    }

    /// A POST whose answer does not matter.
    pub(super) async fn tell(&self, path: &str, body: &Value) -> Result<(), RestError> {
        self.call(Method::POST, path, Some(body)).await.map(drop)
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), RestError> {
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, RestError> {
        let text = self.call(method, path, body).await?;
        // Its words may be anybody's: they are not quoted.
        serde_json::from_str(&text).map_err(|error| {
            RestError::Unreachable(format!("the answer is not what was asked for, at line {}", error.line()))
        })
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<String, RestError> {
        let route = route(&method, path);
        self.pace.check(&route, Instant::now())?;
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        // What carries a token in its address needs none in its header.
        if !has_token(path) {
            request = request.header("Authorization", format!("Bot {}", self.token.expose_secret()));
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        self.pace.learn(&route, response.headers(), Instant::now());
        let headers = response.headers().clone();
        let text = response.text().await.map_err(|error| unreachable(&error))?;
        match status {
            status if status.is_success() => Ok(text),
            StatusCode::TOO_MANY_REQUESTS => {
                let (pause, global) = pause(&headers, &text);
                self.pace.stop(if global { EVERYWHERE } else { &route }, Instant::now() + pause);
                Err(RestError::Limited(pause))
            }
            status if status.is_server_error() => Err(RestError::Unreachable(format!("status {status}"))),
            status => {
                let said: Said = serde_json::from_str(&text).unwrap_or_default();
                Err(RestError::Refused { status: status.as_u16(), code: said.code, message: said.message })
            }
        }
    }
}

/// Without the address: that of a webhook or an interaction is a secret.
fn unreachable(error: &reqwest::Error) -> RestError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    let what = if what.contains("://") { "the request failed".to_owned() } else { what };
    RestError::Unreachable(what)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    code: u64,
    message: String,
    retry_after: Option<f64>,
    global: bool,
}

/// The pause that a 429 asks for, and whether it is for everything.
fn pause(headers: &HeaderMap, body: &str) -> (Duration, bool) {
    let said: Said = serde_json::from_str(body).unwrap_or_default();
    let header = number(headers, "retry-after");
    // The body is the finer of the two; a proxy in front of Discord sends the header only.
    let seconds = said.retry_after.or(header).filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let global = said.global || headers.contains_key("x-ratelimit-global");
    (seconds.map_or(SOME_PAUSE, |seconds| Duration::from_secs_f64(seconds.min(86_400.0))), global)
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// True for addresses that carry their own token: webhooks with one, and interactions.
fn has_token(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.trim_start_matches('/').split('/');
    let (first, _, third) = (parts.next(), parts.next(), parts.next());
    matches!(first, Some("webhooks" | "interactions")) && third.is_some()
}

/// What is limited together: the method and the path, with ids below the first left out (its documentation, "Rate Limits":
/// the top-level resource is part of a bucket).
fn route(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path
        .trim_start_matches('/')
        .split('/')
        .enumerate()
        .map(|(at, part)| if at > 1 && part.chars().all(|c| c.is_ascii_digit()) { ":id" } else { part })
        .collect();
    format!("{method} {}", parts.join("/"))
}

/// The name of the route that stands for all.
const EVERYWHERE: &str = "*";

/// What Discord said about how fast it may be asked.
#[derive(Default)]
struct Pace {
    closed: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// An error while a route is closed: asking then would only make the pause longer.
    fn check(&self, route: &str, now: Instant) -> Result<(), RestError> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.retain(|_, until| *until > now);
        match [route, EVERYWHERE].iter().filter_map(|route| closed.get(*route)).max() {
            Some(until) => Err(RestError::Limited(*until - now)),
            None => Ok(()),
        }
    }

    fn stop(&self, route: &str, until: Instant) {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).insert(route.to_owned(), until);
    }

    /// A route that is used up is closed until it opens again.
    fn learn(&self, route: &str, headers: &HeaderMap, now: Instant) {
        let used_up = number(headers, "x-ratelimit-remaining").is_some_and(|left| left < 1.0);
        let reset = number(headers, "x-ratelimit-reset-after");
        if let (true, Some(seconds)) =
            (used_up, reset.filter(|it| it.is_finite() && (0.0..86_400.0).contains(it)))
        {
            self.stop(route, now + Duration::from_secs_f64(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Method::POST, "/channels/12/messages", "POST channels/12/messages")]
    #[case(Method::PATCH, "/channels/12/messages/34", "PATCH channels/12/messages/:id")]
    #[case(Method::POST, "/webhooks/12/tok?wait=true", "POST webhooks/12/tok")]
    fn a_route_keeps_its_first_id(#[case] method: Method, #[case] path: &str, #[case] expected: &str) {
        assert_eq!(route(&method, path), expected);
    }

    #[rstest]
    #[case("/webhooks/12/tok", true)]
    #[case("/interactions/12/tok/callback", true)]
    #[case("/webhooks/12", false)]
    #[case("/channels/12/webhooks", false)]
    fn a_token_in_the_address_is_enough(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(has_token(path), expected);
    }

    #[test]
    fn the_pause_is_taken_from_the_body_or_the_header() {
        let mut headers = HeaderMap::new();
        assert_eq!(pause(&headers, "<html>"), (SOME_PAUSE, false));
        headers.insert("retry-after", "30".parse().unwrap());
        assert_eq!(pause(&headers, ""), (Duration::from_secs(30), false));
        let body = r#"{"message": "You are being rate limited.", "retry_after": 0.25, "global": true}"#;
        assert_eq!(pause(&headers, body), (Duration::from_millis(250), true));
    }

    #[test]
    fn a_closed_route_opens_again_and_closes_no_other() {
        let pace = Pace::default();
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining", "0".parse().unwrap());
        headers.insert("x-ratelimit-reset-after", "2.5".parse().unwrap());
        let now = Instant::now();
        pace.learn("one", &headers, now);
        assert_eq!(pace.check("one", now), Err(RestError::Limited(Duration::from_millis(2_500))));
        assert_eq!(pace.check("other", now), Ok(()));
        pace.stop(EVERYWHERE, now + Duration::from_secs(1));
        assert_eq!(pace.check("other", now), Err(RestError::Limited(Duration::from_secs(1))));
        assert_eq!(pace.check("one", now + Duration::from_millis(2_501)), Ok(()));
    }
}
