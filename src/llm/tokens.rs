//! How many tokens a text has, estimated without a model's vocabulary.

use super::request::ChatMessage;

/// What the chat format adds to a message (OpenAI cookbook, "How to count tokens with tiktoken").
const PER_MESSAGE: usize = 3;
/// What it adds to the prompt, to make the model answer.
const PER_PROMPT: usize = 3;

/// An estimate.
#[must_use]
pub fn estimate(text: &str) -> usize {
    text.len() / 4
}

/// An estimate for a prompt, with what the chat format adds.
#[must_use]
pub fn estimate_messages(messages: &[ChatMessage]) -> usize {
    messages.iter().map(|message| estimate(&message.content) + PER_MESSAGE + 1).sum::<usize>() + PER_PROMPT
}
