//! The built-in responder.
pub mod extract;
mod likeness;
mod text;
pub mod topics;
mod verbs;
