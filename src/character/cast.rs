//! The cast: all characters of a directory, each swapped whole when its files change.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::broadcast;

use super::{Character, Finding, load};
use crate::model::CharacterId;

/// How long the watcher waits for more changes before it reads: editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(15);
/// News that a slow listener may lag behind.
const NEWS: usize = 64;

/// Why a cast cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CharacterError {
    /// The directory cannot be read.
    #[error(
        "the characters' directory {path} cannot be read: {source}. Set CHARACTERS_DIR, or make a character: dramatis characters new ID"
    )]
    Directory {
        /// The directory.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Changes cannot be watched.
    #[error("changes in {path} cannot be watched: {reason}")]
    Watch {
        /// The directory.
        path: String,
        /// Why.
        reason: String,
    },
    /// There is such a folder already.
    #[error("{0} is there already; nothing was changed")]
    Exists(String),
    /// A file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What happens to the cast while it runs.
#[derive(Debug, Clone)]
pub enum CastEvent {
    /// New files are in force.
    Reloaded {
        /// Whose.
        id: CharacterId,
        /// From the change to the swap, milliseconds.
        ms: f64,
    },
    /// New files have errors; the last good version stays.
    Rejected {
        /// Whose.
        id: CharacterId,
        /// The errors and warnings.
        findings: Vec<Finding>,
    },
    /// A new character.
    Added {
        /// Which.
        id: CharacterId,
    },
    /// A character whose folder is gone.
    Removed {
        /// Which.
        id: CharacterId,
    },
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    characters: ArcSwap<BTreeMap<CharacterId, Arc<Character>>>,
    news: broadcast::Sender<CastEvent>,
}

/// What is wrong in each folder, by the folder's name.
pub type FindingsByFolder = Vec<(String, Vec<Finding>)>;

/// All characters of a directory. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Cast(Arc<Shared>);

/// Watches the directory as long as it lives.
#[derive(Debug)]
pub struct CastWatcher {
    watcher: Option<RecommendedWatcher>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for CastWatcher {
    fn drop(&mut self) {
        // Without its watcher the thread's channel ends, and so does the thread.
        drop(self.watcher.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that watched character files had panicked");
        }
    }
}

impl Cast {
    /// Loads every folder of `dir`. Folders with errors are left out; their findings come back by the folder's name.
    ///
    /// # Errors
    /// [`CharacterError::Directory`].
    pub fn open(dir: &Path) -> Result<(Self, FindingsByFolder), CharacterError> {
        let unreadable = |source| CharacterError::Directory { path: dir.display().to_string(), source };
        let mut folders = BTreeSet::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() && !name.starts_with('.') {
                folders.insert(name);
            }
        }
        let (mut characters, mut wrong) = (BTreeMap::new(), Vec::new());
        for folder in folders {
            let loaded = load(&dir.join(&folder));
            if let Some(character) = loaded.character {
                characters.insert(character.id.clone(), Arc::new(character));
            }
            if !loaded.findings.is_empty() {
                wrong.push((folder, loaded.findings));
            }
        }
        let (news, _) = broadcast::channel(NEWS);
        let shared = Shared { dir: dir.to_owned(), characters: ArcSwap::from_pointee(characters), news };
        Ok((Self(Arc::new(shared)), wrong))
    }

    /// The character of this id, as it is now.
    #[must_use]
    pub fn get(&self, id: &CharacterId) -> Option<Arc<Character>> {
        self.0.characters.load().get(id).cloned()
    }

    /// All ids, sorted.
    #[must_use]
    pub fn ids(&self) -> Vec<CharacterId> {
        self.0.characters.load().keys().cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.characters.load().len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// News of the cast from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<CastEvent> {
        self.0.news.subscribe()
    }

    /// Reads a character's files again and swaps it whole.
    ///
    /// # Errors
    /// The findings, when there are errors among them; the last good version stays.
    pub fn reload(&self, id: &CharacterId) -> Result<(), Vec<Finding>> {
        self.refresh(id, Instant::now())
    }

    fn refresh(&self, id: &CharacterId, since: Instant) -> Result<(), Vec<Finding>> {
        let folder = self.0.dir.join(id.as_str());
        let old = self.get(id);
        if !folder.is_dir() {
            if old.is_some() {
                self.change(|characters| drop(characters.remove(id)));
                self.tell(CastEvent::Removed { id: id.clone() });
            }
            return Ok(());
        }
        let loaded = load(&folder);
        let Some(character) = loaded.character else {
            self.tell(CastEvent::Rejected { id: id.clone(), findings: loaded.findings.clone() });
            return Err(loaded.findings);
        };
        if old.as_ref().is_some_and(|old| old.revision == character.revision) {
            return Ok(());
        }
        let character = Arc::new(character);
        self.change(|characters| drop(characters.insert(id.clone(), character.clone())));
        self.tell(if old.is_some() {
            CastEvent::Reloaded { id: id.clone(), ms: since.elapsed().as_secs_f64() * 1_000.0 }
        } else {
            CastEvent::Added { id: id.clone() }
        });
        Ok(())
    }

    fn change(&self, change: impl Fn(&mut BTreeMap<CharacterId, Arc<Character>>)) {
        self.0.characters.rcu(|characters| {
            let mut characters = BTreeMap::clone(characters);
            change(&mut characters);
            characters
        });
    }

    fn tell(&self, event: CastEvent) {
        tracing::info!(?event, "the cast changed");
        // Nobody may be listening.
        let _ = self.0.news.send(event);
    }

    /// Watches the files until the watcher is dropped.
    ///
    /// # Errors
    /// [`CharacterError::Watch`].
    pub fn watch(&self) -> Result<CastWatcher, CharacterError> {
        let failed =
            |reason: String| CharacterError::Watch { path: self.0.dir.display().to_string(), reason };
        let dir = self.0.dir.canonicalize().map_err(|error| failed(error.to_string()))?;
        let (sender, changes) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(move |event| {
            // The thread behind it ends together with the watcher.
            let _ = sender.send(event);
        })
        .map_err(|error| failed(error.to_string()))?;
        watcher.watch(&dir, RecursiveMode::Recursive).map_err(|error| failed(error.to_string()))?;
        let cast = self.clone();
        let thread = std::thread::Builder::new()
            .name("characters".to_owned())
            .spawn(move || cast.follow(&dir, &changes))
            .map_err(|error| failed(error.to_string()))?;
        Ok(CastWatcher { watcher: Some(watcher), thread: Some(thread) })
    }

    fn follow(&self, dir: &Path, changes: &mpsc::Receiver<notify::Result<notify::Event>>) {
        while let Ok(first) = changes.recv() {
            let since = Instant::now();
            let mut touched = BTreeSet::new();
            collect(dir, first, &mut touched);
            while let Ok(more) = changes.recv_timeout(SETTLE) {
                collect(dir, more, &mut touched);
            }
            for id in touched {
                // What is wrong was told to everybody who listens.
                let _ = self.refresh(&id, since);
            }
        }
    }
}

/// The characters that a change is about; reading a file is no change.
fn collect(dir: &Path, event: notify::Result<notify::Event>, touched: &mut BTreeSet<CharacterId>) {
    match event {
        Ok(event) if event.kind.is_access() => {}
        Ok(event) => touched.extend(event.paths.iter().filter_map(|path| {
            let folder = path.strip_prefix(dir).ok()?.components().next()?;
            CharacterId::new(folder.as_os_str().to_string_lossy()).ok()
        })),
        Err(error) => tracing::warn!(%error, "a change of character files may have been missed"),
    }
}
