//! What a hostile or careless world says to a character, and that nothing comes of it.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod channels;
#[path = "../support/databases.rs"]
#[allow(dead_code)]
mod databases;
mod events;
mod fence;
mod house;
mod journey;
#[path = "../mcp_server/mod.rs"]
mod mcp_server;
mod misuse;
mod privacy;
#[path = "../support/program.rs"]
#[allow(dead_code)]
mod program;
mod servers;
