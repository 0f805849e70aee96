//! The tools of the house, built.

use std::sync::Arc;

use super::{
    Net, Tool, Toolbox, analyze_topic::AnalyzeTopic, ask_character::AskCharacter, calculator::Calculator,
    create_goal::CreateGoal, current_time::CurrentTime, explore_relationships::ExploreRelationships,
    lookup_facts::LookupFacts, read_message_context::ReadMessageContext, read_web_page::ReadWebPage,
    recall_period::RecallPeriod, remind_me::RemindMe, search_episodes::SearchEpisodes,
    search_memories::SearchMemories, search_summaries::SearchSummaries, update_fact::UpdateFact,
    update_preference::UpdatePreference, web_search::WebSearch,
};
use crate::{
    character::Cast, config::SearchSettings, embed::Embeddings, jobs::Queue, memory::Memory,
    relationship::Relationships,
};

/// What the tools of the house work with.
#[derive(Clone)]
pub struct HouseParts {
    /// Memory.
    pub memory: Memory,
    /// Embeddings.
    pub embeddings: Embeddings,
    /// Relationships.
    pub relationships: Relationships,
    /// The queue, for reminders.
    pub queue: Queue,
    /// The cast, for asking others.
    pub cast: Cast,
    /// The search service; without one there is no `web_search`.
    pub search: Option<SearchSettings>,
    /// The way to pages of the web; without one there is no `read_web_page`.
    pub pages: Option<Net>,
}

/// Every tool of the house that its parts allow.
#[must_use]
pub fn house(parts: HouseParts) -> Toolbox {
    let HouseParts { memory, embeddings, relationships, queue, cast, search, pages } = parts;
    let (m, e) = (|| memory.clone(), || embeddings.clone());
    let mut tools: Vec<Arc<dyn Tool>> = vec![
        Arc::new(AnalyzeTopic { memory: m(), embeddings: e() }),
        Arc::new(AskCharacter { cast, memory: m(), embeddings: e() }),
        Arc::new(Calculator),
        Arc::new(CreateGoal { memory: m() }),
        Arc::new(CurrentTime { memory: m() }),
        Arc::new(ExploreRelationships { memory: m(), relationships }),
        Arc::new(LookupFacts { memory: m() }),
        Arc::new(ReadMessageContext { memory: m() }),
        Arc::new(RecallPeriod { memory: m() }),
        Arc::new(RemindMe { memory: m(), queue }),
        Arc::new(SearchEpisodes { memory: m(), embeddings: e() }),
        Arc::new(SearchMemories { memory: m(), embeddings: e() }),
        Arc::new(SearchSummaries { memory: m(), embeddings: e() }),
        Arc::new(UpdateFact { memory: m() }),
        Arc::new(UpdatePreference { memory: m() }),
    ];
    if let Some(settings) = search {
        tools.push(Arc::new(WebSearch { settings }));
    }
    if let Some(net) = pages {
        tools.push(Arc::new(ReadWebPage { net }));
    }
    Toolbox::new(tools)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        character::TOOLS,
        config::SearchProvider,
        model::{Clock, SystemClock},
        store::{Database, Location},
    };

    /// The whole house, with nobody in it.
    async fn all(dir: &std::path::Path) -> Toolbox {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let database = Database::open(&Location::in_dir(dir)).await.unwrap();
        let embeddings = Embeddings::start(None, "none".to_owned());
        let base_url = reqwest::Url::parse("http://127.0.0.1:1").unwrap();
        house(HouseParts {
            memory: Memory::new(database.clone(), embeddings.clone(), clock.clone()),
            embeddings,
            relationships: Relationships::new(database.clone(), clock.clone()),
            queue: Queue::new(database, clock),
            cast: Cast::open(dir).unwrap().0,
            search: Some(SearchSettings { provider: SearchProvider::Searxng, base_url, key: None }),
            pages: Some(Net::default()),
        })
    }

    #[tokio::test]
    async fn skills_name_exactly_the_tools_of_the_house() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<String> = all(dir.path()).await.all().map(|tool| tool.spec().name).collect();
        assert_eq!(names, TOOLS);
    }

    #[tokio::test]
    async fn every_tool_tells_what_each_argument_is() {
        let dir = tempfile::tempdir().unwrap();
        for tool in all(dir.path()).await.all() {
            let spec = tool.spec();
            assert!(spec.description.len() > 20, "{}", spec.name);
            assert_eq!(spec.parameters["type"], "object", "{}", spec.name);
            assert_eq!(spec.parameters["additionalProperties"], false, "{}", spec.name);
            assert!(!spec.parameters.to_string().contains("$ref"), "{}: {}", spec.name, spec.parameters);
            for (name, property) in spec.parameters["properties"].as_object().unwrap() {
                let told = property["description"].as_str().unwrap_or_default();
                assert!(told.len() > 5, "{}: `{name}` is not told: {property}", spec.name);
                assert!(property["type"].is_string(), "{}: `{name}` has no one type: {property}", spec.name);
            }
        }
    }
}
