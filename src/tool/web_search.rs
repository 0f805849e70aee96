//! `web_search`: the web through a search service of the owner's choice; off until one is set.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;

use super::{Context, CostClass, Permission, Tool, ToolError, argument, text};
use crate::{
    config::{SearchProvider, SearchSettings},
    llm::ToolSpec,
};

/// How long the service may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// Bytes of an answer.
const LARGEST: usize = 2_000_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What to look for, as typed into a search box.
    #[schemars(length(min = 1, max = 300))]
    query: String,
    /// How many at most, 1 to 10; left out: 5.
    #[serde(default)]
    #[schemars(with = "usize", range(min = 1, max = 10))]
    limit: Option<usize>,
}

pub(super) struct WebSearch {
    pub(super) settings: SearchSettings,
}

#[derive(Deserialize)]
struct Searxng {
    #[serde(default)]
    results: Vec<Hit>,
}

#[derive(Deserialize)]
struct Brave {
    web: Option<Searxng>,
}

/// One result; both services call most of it the same.
#[derive(Deserialize)]
struct Hit {
    #[serde(default)]
    title: String,
    #[serde(default)]
    url: String,
    #[serde(default, alias = "description")]
    content: Option<String>,
    #[serde(default, rename = "publishedDate", alias = "age")]
    date: Option<String>,
}

#[async_trait]
impl Tool for WebSearch {
    fn spec(&self) -> ToolSpec {
        argument::spec::<Arguments>(
            "web_search",
            "Searches the web: titles, addresses and a line of each. read_web_page reads one of them.",
        )
    }

    fn permission(&self) -> Permission {
        Permission::Network
    }

    fn cost(&self) -> CostClass {
        CostClass::Network
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn call(&self, _context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Arguments { query, limit } = argument::read(arguments)?;
        let limit = limit.unwrap_or(5);
        let hits = self.ask(&query, limit).await?;
        let lines: Vec<String> = hits.iter().take(limit).map(shown).collect();
        let mut report = text::Report::default();
        report.section("Results:", &lines);
        Ok(report.finish("The search found nothing."))
    }
}

impl WebSearch {
    async fn ask(&self, query: &str, limit: usize) -> Result<Vec<Hit>, ToolError> {
        // Neither the address nor the key is the model's business.
        let failed = |error: reqwest::Error| {
            tracing::warn!(error = %error.without_url(), "the search service cannot be asked");
            ToolError::Failed("the search service cannot be reached just now".to_owned())
        };
        crate::llm::install_cryptography();
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            // The key goes to the service that was set, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(failed)?;
        let request = match self.settings.provider {
            SearchProvider::Searxng => client.get(self.below("search")?).query(&[
                ("q", query),
                ("format", "json"),
                ("safesearch", "1"),
            ]),
            SearchProvider::Brave => client.get(self.below("res/v1/web/search")?).query(&[
                ("q", query),
                ("count", &limit.to_string()),
                ("safesearch", "moderate"),
            ]),
        };
        let request = match (&self.settings.key, self.settings.provider) {
            (Some(key), SearchProvider::Brave) => request.header("X-Subscription-Token", key.expose_secret()),
            (Some(key), SearchProvider::Searxng) => request.bearer_auth(key.expose_secret()),
            (None, _) => request,
        };
        let response = request.header("Accept", "application/json").send().await.map_err(failed)?;
        if !response.status().is_success() {
            tracing::warn!(status = %response.status(), "the search service refuses");
            return Err(ToolError::Failed(format!("the search service answers {}", response.status())));
        }
        let bytes = super::net::bytes(response, LARGEST).await?.0;
        let none = |error: serde_json::Error| {
            tracing::warn!(%error, "the search service answers in another form");
            ToolError::Failed("the search service answers in a form that is not known".to_owned())
        };
        match self.settings.provider {
            SearchProvider::Searxng => Ok(serde_json::from_slice::<Searxng>(&bytes).map_err(none)?.results),
            SearchProvider::Brave => {
                let found = serde_json::from_slice::<Brave>(&bytes).map_err(none)?;
                Ok(found.web.map(|web| web.results).unwrap_or_default())
            }
        }
    }

    fn below(&self, path: &str) -> Result<Url, ToolError> {
        let base = self.settings.base_url.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}"))
            .map_err(|_| ToolError::Failed("the address of the search service is none".to_owned()))
    }
}

fn shown(hit: &Hit) -> String {
    let date = hit.date.as_deref().map(|date| format!(" ({})", text::cut(date, 30))).unwrap_or_default();
    let words = hit.content.as_deref().map(text::quote).unwrap_or_default();
    format!("{}{date} <{}> {words}", text::cut(&hit.title, 150), text::cut(&hit.url, 300))
}
