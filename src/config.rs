//! The settings: one typed struct, read once from the environment and `.env`.
