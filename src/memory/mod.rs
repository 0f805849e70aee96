//! What is remembered, and who may be told.
