//! The mind: a turn gathers what is known, routes the message, assembles the prompt, streams the answer, and then
//! remembers. What is learned from a finished session is extracted here too, as background work.

mod after;
mod confide;
mod escalate;
mod example;
mod extract;
mod gather;
mod hear;
mod manner;
mod offline;
mod persona;
mod prompt;
mod reflect;
mod route;
mod speak;
mod template;
mod thrift;
mod turn;
mod why;

pub use after::Reacted;
pub use extract::SessionEnded;
pub use reflect::StepBudget;
pub use route::{CrossCheck, Flag, Labelled, LocalDecision, LocalRouter, Trained};
pub use turn::{Ask, Mind, Outcome, Parts};
