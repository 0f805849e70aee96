//! A look at an endpoint without spending a token.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// How long an endpoint may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(5);
/// Model names that are shown when the configured one is not offered.
const SHOWN: usize = 8;

/// What a probe of an endpoint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probed {
    /// It answers and offers the model.
    Ready,
    /// It answers, but does not say which models it offers.
    NoList,
    /// It answers and offers other models; some of their names.
    NoSuchModel(Vec<String>),
    /// It refuses the key.
    WrongKey,
    /// It cannot be reached; why.
    Unreachable(String),
    /// It answers with this HTTP status.
    Broken(u16),
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

/// Asks `GET {base_url}/models` (OpenAI API, "List models").
pub async fn probe(base_url: &str, api_key: Option<&SecretString>, model: &str) -> Probed {
    super::install_cryptography();
    let client = match reqwest::Client::builder().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => return Probed::Unreachable(error.to_string()),
    };
    let mut request = client.get(format!("{}/models", base_url.trim_end_matches('/')));
    if let Some(key) = api_key {
        request = request.bearer_auth(key.expose_secret());
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Probed::Unreachable(reason(&error)),
    };
    match response.status().as_u16() {
        401 | 403 => Probed::WrongKey,
        404 | 405 => Probed::NoList,
        status if !(200..300).contains(&status) => Probed::Broken(status),
        _ => match response.json::<Models>().await {
            Err(_) => Probed::NoList,
            Ok(models) if models.data.is_empty() => Probed::NoList,
            Ok(models) if models.data.iter().any(|offered| offered.id == model) => Probed::Ready,
            Ok(models) => {
                Probed::NoSuchModel(models.data.into_iter().map(|offered| offered.id).take(SHOWN).collect())
            }
        },
    }
}

/// The innermost cause: "connection refused" rather than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The model of the Ollama at `address`, if one answers there and has a model.
pub async fn find_ollama(address: &str) -> Option<String> {
    super::probe::ollama(address).await.map(|endpoint| endpoint.model)
}
