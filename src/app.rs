//! The only place that knows every part: builds, starts and stops them.
