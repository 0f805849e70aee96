//! The turn: gather, route, assemble the prompt, answer, remember.
