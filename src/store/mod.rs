//! The engines underneath: one SQL text for SQLite and Postgres, migrations, vectors. Tables belong to the faculties,
//! whose `data.rs` files hold their queries; this room only opens the doors.

mod database;
mod ffi;
mod location;
pub mod vector;

pub use database::{Database, Engine, StoreError, Tx};
pub use location::{Location, LocationError};

/// Bounds what the allocator beneath SQLite keeps for itself. To be called before threads are started.
pub fn bound_memory() {
    ffi::bound_arenas();
}
