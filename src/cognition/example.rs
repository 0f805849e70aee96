//! Earlier exchanges that went well, as they stand in a prompt.

use minijinja::{Value, context};

use super::{prompt::cut_at, template};
use crate::{llm::tokens, memory::Pattern};

/// Characters of a question and of an answer that are shown: manner shows early.
const LONGEST_QUESTION: usize = 240;
const LONGEST_ANSWER: usize = 480;

/// The examples that fit into `budget` tokens, the best first, and the tokens that they take.
pub(super) fn within(patterns: &[Pattern], budget: usize) -> (Vec<Value>, usize) {
    let mut taken = 0;
    let shown = patterns
        .iter()
        .map_while(|pattern| {
            let question = cut_at(&template::one_line(&pattern.question), LONGEST_QUESTION);
            let answer = cut_at(&template::one_line(&pattern.answer), LONGEST_ANSWER);
            let cost = tokens::estimate(&question) + tokens::estimate(&answer) + 10;
            (taken + cost <= budget).then(|| {
                taken += cost;
                context! { question => template::as_data(&question), answer => template::as_data(&answer) }
            })
        })
        .collect();
    (shown, taken)
}
