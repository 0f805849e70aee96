//! The endpoints of the tiers: what is set for one, filled up from the main one.

use reqwest::Url;

use super::{EndpointSettings, Reader, key::Tier};

impl Reader {
    /// The fallbacks of a tier, which must have a model of its own to stand behind.
    pub(super) fn behind(&mut self, prefix: &str, fallbacks: Vec<EndpointSettings>) -> Vec<EndpointSettings> {
        let source = |part: &str| self.given.get(format!("{prefix}_{part}").as_str()).copied();
        let own = ["BASE_URL", "MODEL", "API_KEY"].into_iter().any(|part| source(part).is_some());
        if let (Some(source), false) = (source("FALLBACKS"), own) {
            let what =
                format!("is set, but there is nothing for them to stand behind: set {prefix}_MODEL, too");
            self.problem(source, Some(format!("{prefix}_FALLBACKS")), what);
        }
        fallbacks
    }

    /// The endpoint of a tier whose keys begin with `prefix`. What it lacks comes from `main`; the key only when both
    /// are at the same place, so that no key travels to a stranger.
    pub(super) fn endpoint(
        &mut self,
        prefix: &str,
        tier: &Tier,
        main: Option<&Tier>,
    ) -> Option<EndpointSettings> {
        let given = |reader: &Self, prefix: &str, part: &str| {
            reader.given.get(format!("{prefix}_{part}").as_str()).copied()
        };
        let (part, source) = ["BASE_URL", "MODEL", "API_KEY"]
            .into_iter()
            .find_map(|part| given(self, prefix, part).map(|source| (part, source)))?;
        let absent = |part: &str| {
            given(self, prefix, part).is_none() && (main.is_none() || given(self, "LLM", part).is_none())
        };
        let mut needs = Vec::new();
        if absent("BASE_URL") {
            needs.push(format!(
                "{prefix}_BASE_URL (there is no default; for OpenAI https://api.openai.com/v1)"
            ));
        }
        if absent("MODEL") {
            needs.push(format!("{prefix}_MODEL (the name of the model to ask)"));
        }
        if !needs.is_empty() {
            let what = format!("is set, but it needs {} beside it", needs.join(" and "));
            self.problem(source, Some(format!("{prefix}_{part}")), what);
            return None;
        }
        let main_url = main.and_then(|main| main.base_url.as_ref());
        let base_url = tier.base_url.as_ref().or(main_url)?.clone();
        let main_key = main
            .filter(|_| main_url.is_some_and(|main_url| same_host(main_url, &base_url)))
            .and_then(|main| main.api_key.as_ref());
        Some(EndpointSettings {
            api_key: tier.api_key.as_ref().or(main_key).cloned(),
            model: tier.model.as_ref().or(main.and_then(|main| main.model.as_ref()))?.clone(),
            base_url,
        })
    }
}

fn same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}
