//! Where people are. Each platform turns its own words into `conversation::Inbound`, and the
//! events of a turn into what its people see.

pub mod api;
pub mod command;
pub mod console;
pub mod discord;
pub mod telegram;
