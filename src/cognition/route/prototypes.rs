//! A second opinion without a model call: how close a message lies to sentences of a known level.

use std::path::{Path, PathBuf};

use arc_swap::ArcSwapOption;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

use super::{model::LEVELS, weigh::Likeness};
use crate::{embed::Embeddings, model::Level};

const SENTENCES: &str = include_str!("prototypes.txt");
/// How many of the closest sentences of a level are averaged.
const CLOSEST: usize = 2;
/// From this cosine on, two sentences count as the same when weights are learned.
pub(super) const ITSELF: f32 = 0.97;
/// Above any cosine.
pub(super) const ANY: f32 = 2.0;
/// The sentences with their vectors, ready once [`Prototypes::warm`] has run.
#[derive(Debug, Default)]
pub(super) struct Prototypes {
    known: ArcSwapOption<Vec<(Level, Vec<f32>)>>,
}

#[derive(Serialize, Deserialize)]
struct Cache {
    model: String,
    sentences: String,
    vectors: Vec<Vec<f32>>,
}

impl Prototypes {
    /// Reads the vectors from `cache_dir`, or computes and keeps them there. Without a model this does nothing.
    pub(super) async fn warm(&self, embeddings: &Embeddings, cache_dir: &Path) {
        let sentences = sentences();
        let path = cache_dir.join("prototypes.json");
        let vectors = match read_cache(&path, embeddings.model_name()) {
            Some(vectors) => vectors,
            None => {
                let texts = sentences.iter().map(|(_, text)| (*text).to_owned()).collect();
                match embeddings.embed(texts).await {
                    Ok(Some(vectors)) => {
                        write_cache(&path, embeddings.model_name(), &vectors);
                        vectors
                    }
                    Ok(None) => return,
                    Err(error) => {
                        tracing::warn!(%error, "routing goes by rules only: the prototypes could not be embedded");
                        return;
                    }
                }
            }
        };
        let known = sentences.into_iter().map(|(level, _)| level).zip(vectors).collect();
        self.known.store(Some(Arc::new(known)));
    }

    /// How alike `vector` is to the closest sentences of each level, the levels in the order of [`LEVELS`]. Sentences
    /// closer than `too_close` are passed over: so that no message is weighed against itself when weights are learned.
    pub(super) fn likeness(&self, vector: &[f32], too_close: f32) -> Option<Likeness> {
        let known = self.known.load_full()?;
        Some(LEVELS.map(|level| {
            let mut similarities: Vec<f32> = known
                .iter()
                .filter(|(of, _)| *of == level)
                .map(|(_, prototype)| cosine(vector, prototype))
                .filter(|similarity| *similarity <= too_close)
                .collect();
            similarities.sort_by(|a, b| b.total_cmp(a));
            let closest = similarities.len().min(CLOSEST);
            similarities.into_iter().take(CLOSEST).sum::<f32>() / closest.max(1) as f32
        }))
    }
}

fn sentences() -> Vec<(Level, &'static str)> {
    SENTENCES
        .lines()
        .filter_map(|line| {
            let (level, text) = line.split_once(' ')?;
            let level = match level {
                "SIMPLE" => Level::Simple,
                "COMPLEX_LOW" => Level::ComplexLow,
                "COMPLEX_MID" => Level::ComplexMid,
                "COMPLEX_HIGH" => Level::ComplexHigh,
                _ => return None,
            };
            Some((level, text))
        })
        .collect()
}

fn read_cache(path: &PathBuf, model: &str) -> Option<Vec<Vec<f32>>> {
    let cache: Cache = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (cache.model == model && cache.sentences == SENTENCES).then_some(cache.vectors)
}

/// A cache that cannot be written only costs time at the next start.
fn write_cache(path: &Path, model: &str, vectors: &[Vec<f32>]) {
    let cache = Cache { model: model.to_owned(), sentences: SENTENCES.to_owned(), vectors: vectors.to_vec() };
    let written = path
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| serde_json::to_vec(&cache).map_err(std::io::Error::other))
        .and_then(|bytes| std::fs::write(path, bytes));
    if let Err(error) = written {
        tracing::debug!(%error, path = %path.display(), "the prototype cache could not be written");
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
    let norm = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    let norms = norm(a) * norm(b);
    if norms > 0.0 { dot / norms } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_sentences() {
        for level in [Level::Simple, Level::ComplexLow, Level::ComplexMid, Level::ComplexHigh] {
            assert!(sentences().iter().filter(|(of, _)| *of == level).count() >= 4);
        }
    }

    #[test]
    fn likeness_is_greatest_for_the_closest_level_and_what_is_too_close_is_passed_over() {
        let prototypes = Prototypes::default();
        prototypes.known.store(Some(Arc::new(vec![
            (Level::Simple, vec![1.0, 0.0]),
            (Level::ComplexHigh, vec![0.0, 1.0]),
        ])));
        let [simple, low, mid, high] = prototypes.likeness(&[1.0, 0.1], 2.0).unwrap();
        assert!(simple > 0.9 && high < 0.2 && low.abs() < f32::EPSILON && mid.abs() < f32::EPSILON);
        let [simple, ..] = prototypes.likeness(&[1.0, 0.1], 0.9).unwrap();
        assert!(simple.abs() < f32::EPSILON);
    }
}
