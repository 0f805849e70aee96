//! One endpoint, and one request to it: the chat-completions protocol through async-openai, leniently read.

use std::{
    collections::HashSet,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_openai::{Client, config::Config, error::OpenAIError};
use futures::{Stream, StreamExt};
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};

use super::{
    StartError, body,
    breaker::Breaker,
    event::{Event, Piece, Reader},
    fault::{Again, Fault, Feature},
    request::{ChatMessage, ChatRequest},
    settings::{Endpoint, Timeouts},
    tap::{Tap, redact},
};
use crate::model::{Clock, ErrorKind};

/// Installs the cryptography that TLS works with, once in a process. A provider that is there already stays.
pub(crate) fn install_cryptography() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// A plain HTTP client. It goes past the system's proxies when `local`.
pub(super) fn http_client(timeouts: &Timeouts, local: bool) -> Result<reqwest::Client, StartError> {
    install_cryptography();
    let builder = reqwest::Client::builder().connect_timeout(timeouts.connect);
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| StartError::Http(error.to_string()))
}

/// An endpoint that can be asked.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client<Address>,
    http: reqwest::Client,
    key: Option<SecretString>,
    /// The model's name at the endpoint.
    pub(super) model: String,
    /// The address for people to read.
    pub(super) shown: String,
    /// On this machine or in its private network.
    pub(super) local: bool,
    /// What its models have refused, with the model's name.
    refused: Mutex<HashSet<(String, Feature)>>,
    /// Whether it is worth asking.
    pub(super) breaker: Arc<Breaker>,
}

/// Pieces of an answer as they come.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<Piece, Fault>> + Send>>;

/// Events as async-openai hands them on.
type Events = Pin<Box<dyn Stream<Item = Result<Event, OpenAIError>> + Send>>;

impl Wire {
    pub(super) fn new(endpoint: &Endpoint, timeouts: &Timeouts) -> Result<Self, StartError> {
        let shown = endpoint.describe();
        let url = Url::parse(&endpoint.base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| StartError::Address(shown.clone()))?;
        let local = is_local(&url);
        let http = http_client(timeouts, local)?;
        let address = Address::new(&endpoint.base_url, endpoint.api_key.clone())?;
        Ok(Self {
            client: Client::build(http.clone(), address),
            http,
            key: endpoint.api_key.clone(),
            model: endpoint.model.clone(),
            shown,
            local,
            refused: Mutex::default(),
            breaker: Arc::default(),
        })
    }

    /// Sends one request; the pieces of its answer follow. A stream that ends without saying that it is complete ends
    /// in a [`Fault`].
    pub(super) async fn ask(
        &self,
        request: &ChatRequest,
        model: &str,
        messages: &[ChatMessage],
        clock: &Arc<dyn Clock>,
    ) -> Result<Pieces, Fault> {
        let tap = Tap::new(self.http.clone(), self.key.clone());
        let done = tap.done();
        let client = self.client.clone().with_http_service(tap);
        let body = body::body(request, messages, model, &self.refused(model));
        let asked: Result<Events, OpenAIError> = client.chat().create_stream_byot(body).await;
        let events = asked.map_err(|error| self.fault(&error, clock))?;
        let complete = Complete { reader: Reader::default(), done };
        let clock = Arc::clone(clock);
        let key = self.key.clone();
        let read = futures::stream::unfold(Some((events, complete)), move |state| {
            let clock = Arc::clone(&clock);
            async move {
                let (mut events, mut complete) = state?;
                match events.next().await {
                    Some(Ok(event)) => match complete.reader.read(event) {
                        Ok(piece) => Some((Ok(piece), Some((events, complete)))),
                        Err(fault) => Some((Err(fault), None)),
                    },
                    Some(Err(error)) => Some((Err(Fault::from_client(&error, clock.now())), None)),
                    None if complete.is() => None,
                    None => Some((Err(Fault::cut_off()), None)),
                }
            }
        });
        Ok(read.map(move |piece| piece.map_err(|fault| redacted(fault, key.as_ref()))).boxed())
    }

    fn refused(&self, model: &str) -> Vec<Feature> {
        let refused = self.locked();
        Feature::ALL.into_iter().filter(|feature| refused.contains(&(model.to_owned(), *feature))).collect()
    }

    /// Remembers that `model` refuses `feature`: it is asked without from now on. False when that was known.
    pub(super) fn give_up(&self, model: &str, feature: Feature) -> bool {
        self.locked().insert((model.to_owned(), feature))
    }

    fn locked(&self) -> MutexGuard<'_, HashSet<(String, Feature)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, error: &OpenAIError, clock: &Arc<dyn Clock>) -> Fault {
        redacted(Fault::from_client(error, clock.now()), self.key.as_ref())
    }
}

impl Fault {
    fn cut_off() -> Self {
        Self::new(ErrorKind::BrokenStream, "ended its answer before it was complete", Again::Soon)
    }
}

fn redacted(mut fault: Fault, key: Option<&SecretString>) -> Fault {
    fault.message = redact(&fault.message, key);
    fault
}

/// Whether the answer is complete: a finish reason was given, or `[DONE]`.
#[derive(Debug)]
struct Complete {
    reader: Reader,
    done: Arc<AtomicBool>,
}

impl Complete {
    fn is(&self) -> bool {
        self.reader.finished || self.done.load(Ordering::SeqCst)
    }
}

/// Where async-openai sends requests, with what headers.
#[derive(Clone)]
struct Address {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").finish_non_exhaustive()
    }
}

impl Address {
    fn new(base: &str, key: Option<SecretString>) -> Result<Self, StartError> {
        let mut headers = HeaderMap::new();
        if let Some(key) = key.as_ref().map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| StartError::Key)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(Self { base: base.trim_end_matches('/').to_owned(), key: key.unwrap_or_default(), headers })
    }
}

impl Config for Address {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost" || matches!(host.rsplit_once('.'), Some((_, "localhost" | "local"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("http://127.0.0.1:11434/v1", true)]
    #[case("http://[::1]/v1", true)]
    #[case("http://localhost:8080", true)]
    #[case("http://192.168.1.9/v1", true)]
    #[case("https://api.openai.com/v1", false)]
    #[case("https://localhost.example/v1", false)]
    fn local_endpoints_are_known(#[case] url: &str, #[case] local: bool) {
        assert_eq!(is_local(&Url::parse(url).unwrap()), local);
    }

    #[test]
    fn a_key_that_the_endpoint_quotes_is_taken_out() {
        let key = SecretString::from("sk-sesame");
        let fault = Fault::new(ErrorKind::Unauthorized, "wrong key sk-sesame!", Again::Never);
        assert_eq!(redacted(fault, Some(&key)).message, "wrong key (secret)!");
    }

    #[rstest]
    #[case("not an address", None)]
    #[case("ftp://host/v1", None)]
    #[case("http://host/v1", Some("line\nbreak"))]
    fn what_cannot_be_sent_is_refused_at_the_start(#[case] base_url: &str, #[case] key: Option<&str>) {
        let endpoint = Endpoint {
            base_url: base_url.to_owned(),
            api_key: key.map(SecretString::from),
            model: "m".to_owned(),
        };
        assert!(Wire::new(&endpoint, &Timeouts::default()).is_err());
    }
}
