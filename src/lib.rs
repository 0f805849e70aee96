//! Dramatis: chat bots that are characters. They remember, they warm to people, and they explain themselves.
//!
//! The rooms of the house, from the top floor down. An import only ever goes down this list
//! (`tests/architecture.rs` holds it to that).

#![cfg_attr(
    test,
    allow(
        clippy::expect_used,
        clippy::format_push_string,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unwrap_used,
        clippy::used_underscore_binding
    )
)]

// The command line, one file a subcommand.
pub mod cli;
// The only place that knows every part: builds, starts and stops them.
pub mod app;

// Outside: where people are: the console, Telegram, Discord, the API; and the commands of them all.
pub mod platform;

// The flow of talk: messages come in once, are answered one at a time, and go out.
pub mod conversation;

// The mind: gather, route, assemble the prompt, answer, remember.
pub mod cognition;

// What a character can look up and do while it thinks: one file a tool.
pub mod tool;

// Faculties: what is remembered and who may be told; trust, stages, mood.
pub mod memory;
pub mod relationship;

// Ground: models, embeddings, background work, character files, logs, settings, engines, words.
pub mod llm;
pub mod embed;
pub mod jobs;
pub mod character;
pub mod telemetry;
pub mod config;
pub mod store;
pub mod model;
