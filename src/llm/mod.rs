//! Speaking with language models: tiers, streams, retries, the ledger; and the offline responder.

pub mod offline;
