//! The one place that speaks C: it hands the sqlite-vec extension to SQLite, and bounds the allocator that SQLite uses.

#![allow(unsafe_code)]

use std::sync::Once;

static REGISTER: Once = Once::new();

/// Makes `vec_distance_cosine` and its family known to every SQLite connection that is opened afterwards.
pub(super) fn register_sqlite_vec() {
    type EntryPoint = unsafe extern "C" fn(
        *mut libsqlite3_sys::sqlite3,
        *mut *mut std::ffi::c_char,
        *const libsqlite3_sys::sqlite3_api_routines,
    ) -> std::ffi::c_int;

    REGISTER.call_once(|| {
        // SAFETY: `sqlite3_vec_init` is an SQLite extension entry point, declared by its crate without its arguments;
        // the type above is the one SQLite calls it by. It stays valid for the life of the process.
        let status = unsafe {
            let entry =
                std::mem::transmute::<*const (), EntryPoint>(sqlite_vec::sqlite3_vec_init as *const ());
            libsqlite3_sys::sqlite3_auto_extension(Some(entry))
        };
        if status != libsqlite3_sys::SQLITE_OK {
            tracing::error!(status, "SQLite refused the vector extension: recall works by words only");
        }
    });
}

/// Lets the allocator of the C library keep two arenas at most. Each connection to SQLite has a thread of its own, and by
/// default each thread brings an arena of its own, which keeps what was freed in it: a tenth of resident memory after
/// 3,000 messages of 32 users (`dramatis bench platforms`), at the same processor time. Other C libraries than glibc have no such
/// arenas. Call it before threads are started.
pub(super) fn bound_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: `mallopt` takes two numbers and may be called at any time; it returns 0 where it does not know them.
        let _ = unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
    }
}
