//! Background work in a persistent queue.
