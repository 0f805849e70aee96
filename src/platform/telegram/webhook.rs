//! Updates by webhook: Telegram brings them, one at a time and with a secret that is new each start, and repeats what was not
//! stored.

use std::{future::IntoFuture, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use teloxide_core::{
    payloads::{self, SetWebhookSetters},
    requests::JsonRequest,
    types::{Me, Update},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Telegram, TelegramError, WANTED, Webhook};
use crate::platform::api::same;

/// The header with the secret (Bot API, setWebhook).
const SECRET: &str = "X-Telegram-Bot-Api-Secret-Token";
/// The largest update, in bytes: far more than a message, what it answers, and their entities.
const LARGEST: usize = 1024 * 1024;
/// Telegram waits for one update to be taken in before it brings the next, so that they come in order.
const AT_ONCE: u8 = 1;
/// Updates that may wait to be taken in.
const WAITING: usize = 16;
/// How long connections may stay open when it is to stop.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An update, and whom to tell whether it is stored.
type Delivery = (Update, oneshot::Sender<bool>);

/// Where updates come in, before anybody knows of it.
pub(super) struct Door {
    listener: TcpListener,
    webhook: Webhook,
}

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// [`TelegramError::Listen`].
    pub(super) async fn take(webhook: Webhook) -> Result<Self, TelegramError> {
        let listener = TcpListener::bind(webhook.address)
            .await
            .map_err(|error| TelegramError::Listen(webhook.address, error))?;
        Ok(Self { listener, webhook })
    }
}

/// What every request sees.
#[derive(Clone)]
struct Hall {
    secret: String,
    updates: mpsc::Sender<Delivery>,
}

impl Telegram {
    /// Takes updates in as they are brought, until `stop`.
    ///
    /// # Errors
    /// [`TelegramError`], when Telegram does not take the address, or the server fails.
    pub(super) async fn listen(
        &self,
        door: Door,
        me: &Me,
        stop: &CancellationToken,
    ) -> Result<(), TelegramError> {
        let Door { listener, webhook } = door;
        let (updates, mut brought) = mpsc::channel::<Delivery>(WAITING);
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let hall = Hall { secret: secret.clone(), updates };
        let router = Router::new()
            // What stands before it may pass on any path.
            .route("/", post(enter))
            .route("/{*path}", post(enter))
            .layer(middleware::from_fn_with_state(hall.clone(), guard))
            .layer(DefaultBodyLimit::max(LARGEST))
            .with_state(hall);
        let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
        let patience = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        let serve = async {
            tokio::select! {
                served = serve.into_future() => served.map_err(TelegramError::Serve),
                () = patience => Ok(()),
            }
        };
        let work = async {
            loop {
                let (update, tell) = tokio::select! {
                    delivery = brought.recv() => match delivery {
                        Some(delivery) => delivery,
                        None => break,
                    },
                    () = stop.cancelled() => break,
                };
                let taken = self.take(&update, me).await;
                if let Err(error) = &taken {
                    tracing::error!(%error, "an update is not stored; Telegram brings it again");
                }
                // Whoever brought it may have gone away; then it comes again, and is known.
                let _ = tell.send(taken.is_ok());
            }
            // What was brought and not taken in is turned away, and comes again.
            drop(brought);
        };
        let hear = async { tokio::join!(serve, work).0 };
        tokio::pin!(hear);
        tokio::select! {
            heard = &mut hear => return heard,
            announced = self.announce(&webhook, &secret, stop) => announced?,
        }
        hear.await
    }

    /// Tells Telegram where to bring updates.
    async fn announce(
        &self,
        webhook: &Webhook,
        secret: &str,
        stop: &CancellationToken,
    ) -> Result<(), TelegramError> {
        let set = async || {
            let payload = payloads::SetWebhook::new(webhook.url.clone())
                .max_connections(AT_ONCE)
                .allowed_updates(WANTED)
                .secret_token(secret);
            JsonRequest::new(self.sender.bot.clone(), payload).into_future().await
        };
        match self.insist(stop, set).await {
            Some(Ok(_)) => tracing::info!(address = %webhook.address, "Telegram brings updates by webhook"),
            Some(Err(error)) => return Err(TelegramError::Webhook(error.to_string())),
            None => {}
        }
        Ok(())
    }
}

/// Lets in who has the secret; nobody else's words are even read.
async fn guard(State(hall): State<Hall>, request: Request, next: Next) -> Response {
    let given = request.headers().get(SECRET).map(axum::http::HeaderValue::as_bytes).unwrap_or_default();
    if !same(hall.secret.as_bytes(), given) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

/// Answers 200 when the update is stored.
async fn enter(State(hall): State<Hall>, body: Bytes) -> StatusCode {
    let update = match serde_json::from_slice::<Update>(&body) {
        Ok(update) => update,
        Err(error) => {
            // Its words may be anybody's: they are not quoted.
            tracing::warn!(column = error.column(), "what came by webhook is no update");
            return StatusCode::BAD_REQUEST;
        }
    };
    let (tell, told) = oneshot::channel();
    if hall.updates.send((update, tell)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if told.await.unwrap_or(false) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
