//! The flow of talk: messages come in once, are answered one at a time, and go out.
