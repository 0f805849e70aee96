//! Trust, stages, mood, traits and milestones.
