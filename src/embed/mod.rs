//! Sentence embeddings, computed in this process by a small model on a thread of its own. Without a model nothing is
//! faked: callers get `None` and search by words.

pub mod catalogue;
mod minilm;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use tokio::sync::{mpsc, oneshot};

use minilm::MiniLm;

/// Requests that may wait for the model.
const WAITING: usize = 256;
/// Texts that are computed together at most.
const BATCH: usize = 16;

/// Why texts could not be embedded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbedError {
    /// The model could not be loaded.
    #[error("the embedding model could not be loaded: {0}; `dramatis models pull` sets it up again")]
    Load(String),
    /// The model failed on these texts.
    #[error("the embedding model failed: {0}")]
    Compute(String),
    /// The thread of the model is gone.
    #[error("the embedding model has stopped")]
    Stopped,
}

/// Whether there is a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedState {
    /// None is set up.
    Missing,
    /// It is being loaded.
    Loading,
    /// It is there.
    Ready {
        /// Numbers in a vector.
        dimensions: usize,
    },
    /// It could not be loaded, and why.
    Failed(String),
}

struct Request {
    texts: Vec<String>,
    answer: oneshot::Sender<Result<Vec<Vec<f32>>, EmbedError>>,
}

/// The embedding model. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Embeddings {
    name: Arc<str>,
    requests: Option<mpsc::Sender<Request>>,
    loaded: Arc<OnceLock<Result<usize, String>>>,
}

impl Embeddings {
    /// Begins to load the model in `directory` and returns at once; `None`: there is no model. `name` goes with each
    /// stored vector.
    #[must_use]
    pub fn start(directory: Option<PathBuf>, name: String) -> Self {
        let loaded = Arc::new(OnceLock::new());
        let requests = directory.map(|directory| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let state = loaded.clone();
            let spawned = std::thread::Builder::new()
                .name("embeddings".to_owned())
                .spawn(move || serve(&directory, &state, receiver));
            if let Err(error) = spawned {
                tracing::error!(%error, "the thread of the embedding model cannot be started");
            }
            sender
        });
        Self { name: name.into(), requests, loaded }
    }

    /// The unit vectors of `texts`, in their order; `None` without a model. Waits while the model loads.
    ///
    /// # Errors
    /// [`EmbedError`] when the model cannot be loaded or fails.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Option<Vec<Vec<f32>>>, EmbedError> {
        let Some(requests) = &self.requests else { return Ok(None) };
        if texts.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (answer, answered) = oneshot::channel();
        requests.send(Request { texts, answer }).await.map_err(|_| EmbedError::Stopped)?;
        answered.await.map_err(|_| EmbedError::Stopped)?.map(Some)
    }

    /// The name that goes with stored vectors.
    #[must_use]
    pub fn model_name(&self) -> &str {
        &self.name
    }

    /// Whether there is a model.
    #[must_use]
    pub fn state(&self) -> EmbedState {
        match (&self.requests, self.loaded.get()) {
            (None, _) => EmbedState::Missing,
            (Some(_), None) => EmbedState::Loading,
            (Some(_), Some(Ok(dimensions))) => EmbedState::Ready { dimensions: *dimensions },
            (Some(_), Some(Err(reason))) => EmbedState::Failed(reason.clone()),
        }
    }
}

/// The life of the model's thread: load, then answer until nobody can ask any more.
fn serve(
    directory: &std::path::Path,
    state: &OnceLock<Result<usize, String>>,
    mut requests: mpsc::Receiver<Request>,
) {
    let model = MiniLm::load(directory);
    // This thread is the only one that sets the state, once.
    let _ = state.set(model.as_ref().map(MiniLm::dimensions).map_err(Clone::clone));
    let model = match model {
        Ok(model) => model,
        Err(reason) => {
            tracing::error!(reason, directory = %directory.display(), "the embedding model could not be loaded");
            while let Some(request) = requests.blocking_recv() {
                // An asker that has gone away needs no answer.
                let _ = request.answer.send(Err(EmbedError::Load(reason.clone())));
            }
            return;
        }
    };
    while let Some(first) = requests.blocking_recv() {
        let mut batch = vec![first];
        while batch.iter().map(|request| request.texts.len()).sum::<usize>() < BATCH
            && let Ok(next) = requests.try_recv()
        {
            batch.push(next);
        }
        for request in batch_answers(&model, batch) {
            // An asker that has gone away needs no answer.
            let _ = request.0.send(request.1);
        }
    }
}

type Answer = (oneshot::Sender<Result<Vec<Vec<f32>>, EmbedError>>, Result<Vec<Vec<f32>>, EmbedError>);

fn batch_answers(model: &MiniLm, batch: Vec<Request>) -> Vec<Answer> {
    let texts: Vec<&str> =
        batch.iter().flat_map(|request| request.texts.iter().map(String::as_str)).collect();
    let mut vectors: Result<Vec<Vec<f32>>, EmbedError> = Ok(Vec::with_capacity(texts.len()));
    for part in texts.chunks(BATCH) {
        vectors = vectors.and_then(|mut held| {
            held.extend(model.embed(part).map_err(EmbedError::Compute)?);
            Ok(held)
        });
    }
    match vectors {
        Ok(vectors) => {
            let mut vectors = vectors.into_iter();
            batch
                .into_iter()
                .map(|request| {
                    let own = vectors.by_ref().take(request.texts.len()).collect();
                    (request.answer, Ok(own))
                })
                .collect()
        }
        Err(error) => batch.into_iter().map(|request| (request.answer, Err(error.clone()))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Option<Embeddings> {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("data/models/sentence-transformers--all-MiniLM-L6-v2");
        if !dir.join("model.safetensors").is_file() {
            println!("skipped: the embedding model is not set up (`dramatis models pull`)");
            return None;
        }
        Some(Embeddings::start(Some(dir), "test".to_owned()))
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    #[tokio::test]
    async fn without_a_model_nothing_is_faked() {
        let none = Embeddings::start(None, "none".to_owned());
        assert_eq!(none.embed(vec!["hello".to_owned()]).await, Ok(None));
        assert_eq!(none.state(), EmbedState::Missing);
    }

    #[tokio::test]
    async fn a_directory_that_holds_no_model_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let broken = Embeddings::start(Some(dir.path().to_owned()), "x".to_owned());
        assert!(matches!(broken.embed(vec!["hello".to_owned()]).await, Err(EmbedError::Load(_))));
        assert!(matches!(broken.state(), EmbedState::Failed(_)));
    }

    #[tokio::test]
    async fn like_meanings_lie_closer_than_unlike_ones() {
        let Some(model) = model() else { return };
        let texts =
            ["What is my dog called?", "I have a dog named Luna.", "The stock market fell by two per cent."];
        let vectors = model.embed(texts.iter().map(ToString::to_string).collect()).await.unwrap().unwrap();
        assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.2);
        assert!(vectors.iter().all(|vector| (cosine(vector, vector) - 1.0).abs() < 1e-4));
    }

    #[tokio::test]
    async fn a_text_has_the_same_vector_alone_and_in_a_batch() {
        let Some(model) = model() else { return };
        let text = "short one".to_owned();
        let alone = model.embed(vec![text.clone()]).await.unwrap().unwrap();
        let long = "a much longer text that makes the short one be padded a good deal".to_owned();
        let both = model.embed(vec![long, text]).await.unwrap().unwrap();
        assert!(cosine(&alone[0], &both[1]) > 0.999);
    }

    #[tokio::test]
    async fn an_endless_text_is_cut_and_an_empty_one_is_no_harm() {
        let Some(model) = model() else { return };
        let vectors = model.embed(vec!["word ".repeat(5_000), String::new()]).await.unwrap().unwrap();
        assert!(vectors.iter().flatten().all(|value| value.is_finite()));
    }
}
