//! Looks for an Ollama on this machine.

use std::time::Duration;

use serde::Deserialize;

use super::{
    settings::{Endpoint, Timeouts},
    wire::http_client,
};

/// How long a server that runs here may take to accept a connection.
const CONNECT: Duration = Duration::from_millis(150);
/// How long it may take to list its models.
const LIST: Duration = Duration::from_secs(2);

#[derive(Deserialize)]
struct Installed {
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

/// The Ollama at `address`, with the first of its models. Nothing when nobody answers or no model is installed.
pub(super) async fn ollama(address: &str) -> Option<Endpoint> {
    let base = base(address);
    let timeouts = Timeouts { connect: CONNECT, ..Timeouts::default() };
    let http = http_client(&timeouts, true).ok()?;
    let answer = http.get(format!("{base}/api/tags")).timeout(LIST).send().await.ok()?;
    let installed: Installed = answer.json().await.ok()?;
    let Some(model) = installed.models.into_iter().next() else {
        tracing::warn!("an Ollama runs at {base}, but no model is installed: `ollama pull` one to use it");
        return None;
    };
    Some(Endpoint { base_url: format!("{base}/v1"), api_key: None, model: model.name })
}

/// `HOST`, `HOST:PORT` or an address, as `OLLAMA_HOST` may have it, as an address to connect to.
fn base(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let (scheme, host) = address.split_once("://").unwrap_or(("http", address));
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    // A server that listens on every address is reached on this one.
    let host = match host.strip_prefix("0.0.0.0") {
        Some(rest) => format!("127.0.0.1{rest}"),
        None => host.to_owned(),
    };
    if has_port || address.contains("://") {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:11434")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("127.0.0.1:11434", "http://127.0.0.1:11434")]
    #[case("0.0.0.0", "http://127.0.0.1:11434")]
    #[case("0.0.0.0:9", "http://127.0.0.1:9")]
    #[case("box.local", "http://box.local:11434")]
    #[case("https://box.example/", "https://box.example")]
    fn addresses_are_read_as_ollama_reads_them(#[case] given: &str, #[case] expected: &str) {
        assert_eq!(base(given), expected);
    }

    #[tokio::test]
    async fn nobody_at_home_is_no_error() {
        assert!(ollama("127.0.0.1:1").await.is_none());
    }
}
