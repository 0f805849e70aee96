//! Slips of the hand in the names of variables.

use std::collections::BTreeMap;

use super::key;

/// A variable of the environment this close to one of ours is taken for a slip of the hand.
const NEAR_MISS: usize = 2;

/// Variables that look like one of our keys misspelt. Most of the environment is not ours, so that is no error.
pub(super) fn near_misses(env: &BTreeMap<String, String>) -> Vec<String> {
    let ours = |name: &str| key::all().any(|key| key.name == name);
    env.keys()
        .filter(|name| !ours(name))
        .filter_map(|name| {
            let upper = name.to_ascii_uppercase();
            let near = key::all().find(|key| strsim::osa_distance(&upper, key.name) <= NEAR_MISS)?;
            Some(format!("environment: {name} is not a setting of Dramatis; did you mean {}?", near.name))
        })
        .collect()
}
