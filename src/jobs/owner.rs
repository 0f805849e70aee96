//! The name of a worker, which says which process it lives in, and whether that process is still there.
//!
//! A worker that is killed leaves its jobs marked as running. Another process on any machine may take them once the
//! worker's heartbeat has stopped for [`DEAD_AFTER`]. A process that can look the owner up in its own process table
//! (same boot, same pid namespace: a restart on the same machine, with SQLite or Postgres) need not wait: the owner is
//! gone when no process has its pid and start time. Where there is no `/proc`, only the heartbeat counts.

use std::{fs, time::Duration};

use uuid::Uuid;

use crate::model::Timestamp;

/// Without a heartbeat for this long, a worker is dead: three heartbeats of 5 s.
pub(super) const DEAD_AFTER: Duration = Duration::from_secs(15);

/// A new, unique name: process table, pid, start time of the process, random part; separated by blanks.
pub(crate) fn name() -> String {
    let pid = std::process::id();
    let table = process_table().unwrap_or_else(|| "-".to_owned());
    let started = start_time(pid).unwrap_or_else(|| "-".to_owned());
    format!("{table} {pid} {started} {}", Uuid::new_v4())
}

/// True when the worker `name`, last seen at `seen`, will never finish its jobs.
pub(super) fn is_dead(name: &str, seen: Timestamp, now: Timestamp) -> bool {
    now.since(seen) > DEAD_AFTER || process_is_gone(name)
}

/// True when `name` is of a process of this machine that has ended.
pub(crate) fn process_is_gone(name: &str) -> bool {
    let mut parts = name.split(' ');
    let (Some(table), Some(pid), Some(started)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Ok(pid) = pid.parse() else { return false };
    process_table().is_some_and(|ours| ours == table) && start_time(pid).is_none_or(|at| at != started)
}

/// What makes two pids comparable: the boot and the pid namespace.
fn process_table() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    start_time(std::process::id())?;
    Some(format!("{}/{}", boot.trim(), namespace.display()))
}

/// The start time in clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)); none when there is no such process
/// or it is only waiting to be reaped.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, which may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

    #[test]
    fn a_live_process_is_dead_only_without_a_heartbeat() {
        let name = name();
        assert!(!is_dead(&name, NOW, NOW));
        assert!(!is_dead(&name, NOW.minus(DEAD_AFTER), NOW));
        assert!(is_dead(&name, NOW.minus(DEAD_AFTER + Duration::from_secs(1)), NOW));
    }

    #[test]
    fn a_killed_process_is_dead_at_once_but_only_in_our_own_table() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let table = process_table().unwrap();
        let started = start_time(child.id()).unwrap();
        let theirs = format!("{table} {} {started} x", child.id());
        assert!(!is_dead(&theirs, NOW, NOW));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_dead(&theirs, NOW, NOW));
        assert!(!is_dead(&format!("elsewhere {} {started} x", child.id()), NOW, NOW));
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_the_owner() {
        let table = process_table().unwrap();
        assert!(is_dead(&format!("{table} {} 1 x", std::process::id()), NOW, NOW));
    }

    #[test]
    fn a_name_of_another_form_counts_by_its_heartbeat() {
        assert!(!is_dead("who", NOW, NOW));
        assert!(is_dead("who", NOW.minus(Duration::from_secs(16)), NOW));
    }
}
