//! A server's tool as one of ours: its name, description and schema made fit, its answer read as material.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use rmcp::{
    RoleClient,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, ResourceContents,
        Tool as Offered,
    },
    service::{Peer, ServiceError},
};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use super::{config::Server, link::reason, text};
use crate::{
    llm::ToolSpec,
    tool::{Context, CostClass, Permission, Tool, ToolError},
};

/// The longest result, in characters.
const LONGEST_RESULT: usize = 6_000;
/// The longest description of a tool, in characters.
const LONGEST_DESCRIPTION: usize = 1_000;
/// The longest description of an argument, in characters.
const LONGEST_ARGUMENT: usize = 300;
/// The largest schema, in bytes of JSON.
const LARGEST_SCHEMA: usize = 16_000;
/// How long a call waits for a server that is being started again.
const AWAY: Duration = Duration::from_secs(5);

/// How the tools of a server reach it, through all its lives.
#[derive(Clone)]
pub(super) struct Line {
    /// The other side, while it is there.
    pub(super) peer: watch::Receiver<Option<Peer<RoleClient>>>,
    /// Is told when a call went unanswered.
    pub(super) doubt: Arc<Notify>,
}

/// What is taken from a server, and what is not.
#[derive(Default)]
pub(super) struct Offer {
    /// By the names that the model sees.
    pub(super) tools: BTreeMap<String, Arc<dyn Tool>>,
    /// Why others are left out.
    pub(super) left_out: Vec<String>,
}

impl Offer {
    /// Looks through what a server offers.
    pub(super) fn new(server: &Arc<Server>, line: &Line, offered: Vec<Offered>) -> Self {
        let mut offer = Self::default();
        let wanted = |name: &str| server.allow.as_ref().is_none_or(|allow| allow.iter().any(|it| it == name));
        for name in server.allow.iter().flatten() {
            if !offered.iter().any(|tool| tool.name == *name) {
                offer.left_out.push(format!("`{name}` of `allow` is not there"));
            }
        }
        for tool in offered.into_iter().filter(|tool| wanted(&tool.name)) {
            let shown = text::line(&tool.name, 64);
            let mut parameters = Value::Object(tool.input_schema.as_ref().clone());
            text::schema(&mut parameters, LONGEST_ARGUMENT);
            if let Value::Object(map) = &mut parameters {
                map.entry("type").or_insert_with(|| json!("object"));
            }
            if parameters.get("type") != Some(&json!("object")) {
                offer.left_out.push(format!("`{shown}` takes something else than an object"));
                continue;
            }
            let size = parameters.to_string().len();
            if size > LARGEST_SCHEMA {
                offer
                    .left_out
                    .push(format!("`{shown}` has a schema of {size} bytes, {LARGEST_SCHEMA} at most"));
                continue;
            }
            let name = text::tool_name(&server.name, &tool.name);
            if offer.tools.contains_key(&name) {
                offer.left_out.push(format!("`{shown}` is there twice"));
                continue;
            }
            let said = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or_default();
            let said = text::passage(said.trim(), LONGEST_DESCRIPTION);
            let description = format!("A tool of the server `{}`. {}", server.name, text::material(&said));
            let remote = Remote {
                spec: ToolSpec { name: name.clone(), description, parameters },
                own_name: tool.name.into_owned(),
                server: server.clone(),
                line: line.clone(),
            };
            offer.tools.insert(name, Arc::new(remote));
        }
        offer
    }
}

struct Remote {
    spec: ToolSpec,
    own_name: String,
    server: Arc<Server>,
    line: Line,
}

#[async_trait]
impl Tool for Remote {
    fn spec(&self) -> ToolSpec {
        self.spec.clone()
    }

    fn permission(&self) -> Permission {
        Permission::Network
    }

    fn cost(&self) -> CostClass {
        CostClass::Network
    }

    fn limit(&self) -> Duration {
        self.server.limit
    }

    async fn call(&self, _context: &Context, arguments: Value) -> Result<String, ToolError> {
        let Value::Object(arguments) = arguments else {
            return Err(ToolError::Arguments("they are not an object".to_owned()));
        };
        let away = || ToolError::Failed(format!("the server `{}` is away; try without it", self.server.name));
        let mut peers = self.line.peer.clone();
        let peer = tokio::time::timeout(AWAY, peers.wait_for(Option::is_some))
            .await
            .ok()
            .and_then(Result::ok)
            .and_then(|peer| peer.clone())
            .ok_or_else(away)?;
        let mut doubt = Doubt(Some(&self.line.doubt));
        let params = CallToolRequestParams::new(self.own_name.clone()).with_arguments(arguments);
        // Cut off by its caller, this tells the server that nobody waits any more.
        let answer = peer.call_tool_once(params).await;
        match answer {
            Ok(CallToolResponse::Complete(result)) => {
                doubt.settle();
                self.read(&result)
            }
            Ok(_) => {
                doubt.settle();
                Err(ToolError::Failed(
                    "it wants to ask or to be waited for, which cannot be done here".to_owned(),
                ))
            }
            Err(error) => Err(self.failure(&error, &mut doubt)),
        }
    }
}

impl Remote {
    fn failure(&self, error: &ServiceError, doubt: &mut Doubt<'_>) -> ToolError {
        let reason = reason(&self.server, error);
        match error {
            ServiceError::McpError(told) => {
                doubt.settle();
                if told.code == ErrorCode::INVALID_PARAMS {
                    ToolError::Arguments(reason)
                } else {
                    ToolError::Failed(reason)
                }
            }
            _ => ToolError::Failed(reason),
        }
    }

    fn read(&self, result: &CallToolResult) -> Result<String, ToolError> {
        let mut whole: String =
            result.content.iter().map(part).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
        if whole.is_empty() {
            whole = result.structured_content.as_ref().map(Value::to_string).unwrap_or_default();
        }
        let text = text::passage(&self.server.secrets.hide(&whole), LONGEST_RESULT);
        match (result.is_error, text.is_empty()) {
            (Some(true), true) => Err(ToolError::Failed("the server does not say why".to_owned())),
            (Some(true), false) => Err(ToolError::Failed(text)),
            (_, true) => Ok("(nothing)".to_owned()),
            (_, false) => Ok(text),
        }
    }
}

/// A part of an answer in words. What cannot be read is named.
fn part(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(_) => "[image]".to_owned(),
        ContentBlock::Audio(_) => "[audio]".to_owned(),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("[resource {uri}]\n{text}"),
            ResourceContents::BlobResourceContents { uri, .. } => format!("[resource {uri}]"),
            _ => "[resource]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[resource {}]", link.uri),
        _ => "[something that cannot be read]".to_owned(),
    }
}

/// Tells of a call that was not answered, unless it is settled.
struct Doubt<'a>(Option<&'a Notify>);

impl Doubt<'_> {
    fn settle(&mut self) {
        self.0 = None;
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(doubt) = self.0 {
            doubt.notify_one();
        }
    }
}
