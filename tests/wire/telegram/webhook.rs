//! Updates by webhook: posted with the secret, again and again until the answer is 200, as many at once as was allowed.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::Shared;

/// What the bot asked for.
#[derive(Debug, Clone)]
pub struct Hook {
    pub url: String,
    pub secret: String,
    pub connections: usize,
}

impl Hook {
    /// As the server takes it: it calls only https, and, as a server of one's own, loopback.
    pub(super) fn of(body: &Value) -> Result<Self, String> {
        let url = body["url"].as_str().unwrap_or_default().to_owned();
        if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
            return Err("Bad Request: bad webhook: An HTTPS URL must be provided for webhook".to_owned());
        }
        let secret = body["secret_token"].as_str().unwrap_or_default().to_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if secret.len() > 256 || !secret.chars().all(fits) {
            return Err("Bad Request: secret token contains unallowed characters".to_owned());
        }
        let connections = body["max_connections"].as_u64().unwrap_or(40);
        Ok(Self { url, secret, connections: usize::try_from(connections).unwrap() })
    }

    /// Posts an update, as Telegram does.
    pub async fn post(&self, update: &Value, secret: Option<&str>) -> Option<u16> {
        // Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let mut request = client.post(&self.url).json(update);
        if let Some(secret) = secret {
            request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
        }
        request.send().await.ok().map(|response| response.status().as_u16())
    }
}

/// Brings updates for as long as the server runs.
pub(super) async fn deliver(shared: Arc<Shared>) {
    loop {
        let (hook, batch, doubled) = {
            let world = shared.world.lock().unwrap();
            let connections = world.hook.as_ref().map_or(0, |hook| hook.connections);
            let batch: Vec<Value> = world.updates.iter().take(connections).cloned().collect();
            (world.hook.clone(), batch, world.doubled)
        };
        let mut refused = batch.is_empty();
        if let Some(hook) = &hook {
            let posts = batch.iter().map(|update| async move {
                let both =
                    async { if doubled { hook.post(update, Some(&hook.secret)).await } else { Some(200) } };
                let (first, second) = tokio::join!(hook.post(update, Some(&hook.secret)), both);
                (update, first == Some(200) && second == Some(200))
            });
            let done = futures::future::join_all(posts).await;
            let mut world = shared.world.lock().unwrap();
            for (update, taken) in done {
                refused |= !taken;
                if taken {
                    world.updates.retain(|it| it["update_id"] != update["update_id"]);
                }
            }
        }
        if refused {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An update that nobody sent.
pub fn forged(user: i64, text: &str) -> Value {
    json!({
        "update_id": 999_999,
        "message": {
            "message_id": 1, "date": chrono::Utc::now().timestamp(), "text": text,
            "chat": { "id": user, "type": "private", "first_name": "Forger" },
            "from": { "id": user, "is_bot": false, "first_name": "Forger" },
        },
    })
}
