//! What a turn does when money runs short: the cheaper model, and in the end a line in character.

use crate::{
    character::{Character, ModelTier},
    llm::{ChatRequest, Llm, Step, Tier},
};

/// What is said when nothing is left and a character brings no words of its own for it.
pub(super) const PLAIN_BUDGET: &str =
    "I've talked so much that I need a rest now. Let's go on a little later.";

/// Who answers at this step.
pub(super) fn tier(step: Step, llm: &Llm) -> Tier {
    if step >= Step::CheaperModel && llm.has_cheaper() { Tier::Cheap } else { Tier::Main }
}

/// What the character's file says about its model; it does not hold for the cheaper one.
pub(super) fn overridden(request: ChatRequest, character: &Character) -> ChatRequest {
    let Some(own) = character.core.models.get(&ModelTier::Main) else { return request };
    let model = if request.tier == Tier::Main { own.model.clone() } else { None };
    ChatRequest { temperature: own.temperature, max_tokens: own.max_tokens, model, ..request }
}
