//! Where people are: so far the console.
