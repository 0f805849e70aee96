//! The settings of the cloud tier.

use super::{key::Key, value};

const KEY: Key = Key { name: "", doc: &[], default: "", example: "", secret: false, read: |_, _| Ok(()) };

/// The keys, in the order of `.env.sample`.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "CLOUD_LLM_BASE_URL",
        doc: &[
            "A strong model that is asked when the one of LLM_… is not enough: for questions that are hard, new, or answered",
            "without confidence (docs/models.md). The whole prompt, with what memory holds for it, then goes there.",
            "Parts that are unset are those of LLM_…; the key only where the address is at the same host.",
        ],
        example: "https://api.openai.com/v1",
        read: |draft, text| value::base_url(text).map(|url| draft.cloud.base_url = Some(url)),
        ..KEY
    },
    Key {
        name: "CLOUD_LLM_API_KEY",
        example: "YOUR_KEY",
        secret: true,
        read: |draft, text| value::api_key(text).map(|key| draft.cloud.api_key = Some(key)),
        ..KEY
    },
    Key {
        name: "CLOUD_LLM_MODEL",
        example: "strong-model",
        read: |draft, text| {
            draft.cloud.model = Some(text.to_owned());
            Ok(())
        },
        ..KEY
    },
    Key {
        name: "CLOUD_LLM_FALLBACKS",
        doc: &["Who is asked when it does not answer, as in LLM_FALLBACKS; then the model of LLM_… answers."],
        example: "https://models.example.org/v1 other-model YOUR_KEY, http://127.0.0.1:11434/v1 llama3.2",
        secret: true,
        read: |draft, text| value::endpoints(text).map(|all| draft.cloud.fallbacks = all),
        ..KEY
    },
];
