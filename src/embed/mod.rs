//! Sentence embeddings, computed in this process.
