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
