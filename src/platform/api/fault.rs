//! Errors in the shape of OpenAI's.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Json, Response},
};
use serde_json::{Value, json};

/// An error that a client sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    status: StatusCode,
    kind: &'static str,
    message: String,
    param: Option<&'static str>,
    code: Option<String>,
}

impl Fault {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), param: None, code: None }
    }

    /// The request is wrong, in this part.
    pub(super) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        let fault = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        Self { param: Some(param), ..fault }
    }

    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    pub(super) fn wrong_method() -> Self {
        let message = "this page is asked for in another way: GET /v1/models, POST /v1/chat/completions";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error", message)
    }

    /// The body did not come, or is longer than is read.
    pub(super) fn unread(status: StatusCode, message: String) -> Self {
        let fault = Self::new(status, "invalid_request_error", message);
        Self { param: Some("body"), ..fault }
    }

    pub(super) fn no_such_model(id: &str) -> Self {
        let message = format!("there is no character `{id}`; GET /v1/models lists the cast");
        let fault = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message);
        Self { param: Some("model"), code: Some("model_not_found".to_owned()), ..fault }
    }

    pub(super) fn unauthorized() -> Self {
        let message = "the key is missing or wrong: send `Authorization: Bearer KEY` with one of API_KEYS";
        let fault = Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message);
        Self { code: Some("invalid_api_key".to_owned()), ..fault }
    }

    pub(super) fn unavailable(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message)
    }

    /// The turn failed; `message` is what the character said about it.
    pub(super) fn turn(code: String, message: String) -> Self {
        let fault = Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message);
        Self { code: Some(code), ..fault }
    }

    /// The body.
    pub(super) fn body(&self) -> Value {
        json!({ "error": {
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        }})
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        (self.status, Json(self.body())).into_response()
    }
}
