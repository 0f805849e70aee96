//! What tools have brought, within the window of the model: older results are shortened first.

use crate::{
    cognition::prompt::cut_at,
    llm::{ChatMessage, Role, ToolSpec, tokens},
};

/// Characters that are left of an older result, in two rounds, and of the newest ones when that is not enough.
const ROUNDS: [usize; 2] = [600, 160];
const NEWEST: [usize; 3] = [4_000, 1_500, 500];

/// Tokens that these tools take in a request.
pub(super) fn cost_of(tools: &[ToolSpec]) -> usize {
    let size = |tool: &ToolSpec| {
        tokens::estimate(&tool.description) + tokens::estimate(&tool.parameters.to_string()) + 12
    };
    tools.iter().map(size).sum()
}

/// Shortens results in `thread` until `before` tokens and the thread fit into `budget`, or nothing more can be cut. The
/// results behind the last call of the model are the newest.
pub(super) fn fit(thread: &mut [ChatMessage], before: usize, budget: usize) {
    let size = |thread: &[ChatMessage]| before + tokens::estimate_messages(thread);
    let all = thread.len();
    let newest = thread.iter().rposition(|message| message.role == Role::Assistant).unwrap_or_default();
    let rounds = ROUNDS.iter().map(|longest| (0..newest, *longest));
    for (range, longest) in rounds.chain(NEWEST.iter().map(|longest| (newest..all, *longest))) {
        for at in range {
            if size(thread) <= budget {
                return;
            }
            if let Some(message) = thread.get_mut(at).filter(|message| message.role == Role::Tool) {
                shorten(message, longest);
            }
        }
    }
}

/// Shortens what stands between the fences; the fences stay.
fn shorten(message: &mut ChatMessage, longest: usize) {
    let whole = std::mem::take(&mut message.content);
    message.content = match (whole.split_once('\n'), whole.rsplit_once('\n')) {
        (Some((open, _)), Some((_, close))) => {
            let inner =
                whole.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).unwrap_or_default();
            format!("{open}\n{}\n{close}", cut_at(inner.trim_matches('\n'), longest))
        }
        _ => cut_at(&whole, longest),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::ToolCall;

    fn step(id: &str, result: &str) -> [ChatMessage; 2] {
        let call = ToolCall { id: id.to_owned(), name: "t".to_owned(), arguments: "{}".to_owned() };
        [
            ChatMessage::calling("", vec![call]),
            ChatMessage::tool(id, format!("<data tool=\"t\">\n{result}\n</data>")),
        ]
    }

    #[test]
    fn older_results_are_cut_first_and_keep_their_fences() {
        let long = "many words here ".repeat(400);
        let mut thread: Vec<_> = step("a", &long).into_iter().chain(step("b", &long)).collect();
        let whole = thread.clone();
        let half = tokens::estimate_messages(&thread) * 2 / 3;
        fit(&mut thread, 0, half);
        assert!(tokens::estimate_messages(&thread) <= half);
        assert_eq!(thread[3], whole[3], "the newest result is whole");
        assert!(
            thread[1].content.starts_with("<data tool=\"t\">\nmany")
                && thread[1].content.ends_with("\n</data>")
        );
        fit(&mut thread, 0, 400);
        assert!(tokens::estimate_messages(&thread) <= 400);
    }
}
