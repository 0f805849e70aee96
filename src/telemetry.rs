//! Logs: to standard error and to a rotating file.
