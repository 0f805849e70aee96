//! `core.yaml: skills`: the names that stand for something. The tools themselves live further up the house, which holds this
//! list to what it builds.

use super::finding::meant;

/// The tools of the house, by name.
pub const TOOLS: [&str; 17] = [
    "analyze_topic",
    "ask_character",
    "calculator",
    "create_goal",
    "current_time",
    "explore_relationships",
    "lookup_facts",
    "read_message_context",
    "read_web_page",
    "recall_period",
    "remind_me",
    "search_episodes",
    "search_memories",
    "search_summaries",
    "update_fact",
    "update_preference",
    "web_search",
];

/// What is wrong with a skill; `None`: nothing. It is a tool of the house, or one of an MCP server: `server__tool`.
pub(super) fn problem(skill: &str) -> Option<String> {
    let of_a_server =
        skill.split_once("__").is_some_and(|(server, tool)| !server.is_empty() && !tool.is_empty());
    if of_a_server || TOOLS.contains(&skill) {
        return None;
    }
    let hint = meant(skill, TOOLS).map_or_else(
        || {
            "`dramatis tool list` shows what there is; a tool of an MCP server is named `server__tool`"
                .to_owned()
        },
        |tool| format!("did you mean `{tool}`?"),
    );
    Some(format!("there is no tool `{skill}`; {hint}"))
}
