//! Under async-openai: sends one request and looks at the answer before the library does. It keeps the status and
//! `Retry-After` of refusals, notices `[DONE]`, and makes a stream of an answer that came in one piece.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use async_openai::{error::OpenAIError, middleware::HttpRequestFactory};
use futures::StreamExt;
use reqwest::{Body, Response, header};
use secrecy::{ExposeSecret, SecretString};

/// The longest answer in one piece that is read, bytes.
const LONGEST_ANSWER: usize = 4 << 20;
/// How much of a refusal is read, bytes.
const LONGEST_REFUSAL: usize = 16 << 10;

/// An answer with another status than success.
#[derive(Debug, thiserror::Error)]
#[error("status {status}")]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: String,
}

/// One attempt's way to the endpoint, without retries.
#[derive(Debug, Clone)]
pub(super) struct Tap {
    http: reqwest::Client,
    key: Option<SecretString>,
    done: Arc<AtomicBool>,
}

impl Tap {
    pub(super) fn new(http: reqwest::Client, key: Option<SecretString>) -> Self {
        Self { http, key, done: Arc::new(AtomicBool::new(false)) }
    }

    /// Turns true when the endpoint has said that the answer is complete.
    pub(super) fn done(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.done)
    }

    async fn send(self, request: HttpRequestFactory) -> Result<Response, OpenAIError> {
        let request = request.build().await?;
        let response = self.http.execute(request).await.map_err(reqwest::Error::without_url)?;
        if !response.status().is_success() {
            let retry_after = header_text(&response, &header::RETRY_AFTER);
            let status = response.status().as_u16();
            let body = read(response, LONGEST_REFUSAL).await.unwrap_or_default();
            // Some endpoints quote the key they refuse.
            let body = redact(&String::from_utf8_lossy(&body), self.key.as_ref());
            return Err(OpenAIError::Boxed(Box::new(Refusal { status, retry_after, body })));
        }
        let kind = header_text(&response, &header::CONTENT_TYPE).unwrap_or_default();
        if kind.starts_with("application/json") || kind.starts_with("text/html") {
            let body = read(response, LONGEST_ANSWER).await?;
            self.done.store(true, Ordering::SeqCst);
            return Ok(one_event(&body));
        }
        Ok(self.watched(response))
    }

    fn watched(self, response: Response) -> Response {
        let mut watch = DoneWatch::default();
        let body = response.bytes_stream().inspect(move |piece| {
            if piece.as_ref().is_ok_and(|bytes| watch.sees(bytes)) {
                self.done.store(true, Ordering::SeqCst);
            }
        });
        http::Response::new(Body::wrap_stream(body)).into()
    }
}

impl tower_service::Service<HttpRequestFactory> for Tap {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequestFactory) -> Self::Future {
        Box::pin(self.clone().send(request))
    }
}

/// `text` without the key.
pub(super) fn redact(text: &str, key: Option<&SecretString>) -> String {
    match key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
        Some(key) => text.replace(key, "(secret)"),
        None => text.to_owned(),
    }
}

fn header_text(response: &Response, name: &header::HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn read(response: Response, most: usize) -> Result<Vec<u8>, OpenAIError> {
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(reqwest::Error::without_url)?);
        if body.len() >= most {
            body.truncate(most);
            break;
        }
    }
    Ok(body)
}

/// The body as the only event of a stream: its lines become the lines of the event.
fn one_event(body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body);
    let mut event = String::with_capacity(text.len() + 32);
    for line in text.lines() {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push_str("\ndata: [DONE]\n\n");
    http::Response::new(Body::from(event)).into()
}

/// Finds the line `data: [DONE]` in bytes that come in pieces of any size.
#[derive(Debug, Default)]
struct DoneWatch {
    line: Vec<u8>,
}

impl DoneWatch {
    fn sees(&mut self, bytes: &[u8]) -> bool {
        const LONGEST: usize = 16;
        let mut seen = false;
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.line.clear(),
                // One past the longest line that matters, so that longer lines never match.
                _ if self.line.len() <= LONGEST => self.line.push(*byte),
                _ => {}
            }
            seen |= self.line == b"data: [DONE]" || self.line == b"data:[DONE]";
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("data: {\"a\":1}\n\ndata: [DONE]\n\n", true)]
    #[case("data:[DONE]", true)]
    #[case("data: {\"content\":\"data: [DONE]\"}\n\n", false)]
    #[case("data: {}\n\n", false)]
    fn the_end_is_seen_in_pieces_of_any_size(#[case] stream: &str, #[case] done: bool) {
        for size in 1..=stream.len() {
            let mut watch = DoneWatch::default();
            let seen = stream.as_bytes().chunks(size).fold(false, |seen, piece| seen | watch.sees(piece));
            assert_eq!(seen, done, "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn an_answer_in_one_piece_becomes_one_event() {
        let text = one_event(b"{\n \"a\": 1\n}").text().await.unwrap();
        assert_eq!(text, "data: {\ndata:  \"a\": 1\ndata: }\n\ndata: [DONE]\n\n");
    }
}
