//! The connection to a server: opened, asked for its tools, watched, closed.

use std::{io, sync::Arc, time::Duration};

use rmcp::{
    ClientHandler, RoleClient, ServiceExt,
    model::{
        ClientConfig, ClientRequest, Implementation, PaginatedRequestParams, PingRequest, ProtocolVersion,
        Tool,
    },
    service::{
        ClientInitializeError, NotificationContext, Peer, RunningServiceCancellationToken, ServiceError,
    },
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};

use super::{
    config::{Reach, Server},
    process::Process,
    text,
};
use crate::llm::install_cryptography;

/// How long the first words may take: the program may have to be fetched first.
const GREETING: Duration = Duration::from_secs(60);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a good-bye over HTTP may take.
const LEAVE: Duration = Duration::from_secs(1);
/// The most tools that are taken from a server.
const MOST_TOOLS: usize = 128;
/// The most pages of a list that are read.
const MOST_PAGES: usize = 32;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 300;

/// Why a server cannot be used. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Its program is not there.
    #[error("there is no program `{0}`")]
    NoProgram(String),
    /// It wants other credentials.
    #[error("it refuses us: {0}")]
    Refused(String),
    /// It said nothing in time.
    #[error("it did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// Something else.
    #[error("{0}")]
    Broken(String),
}

impl Trouble {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self, server: &Server) -> String {
        match (self, &server.reach) {
            (Self::NoProgram(program), _) => {
                format!("install `{program}`, or write its full path as `command`")
            }
            (Self::Refused(_), _) => {
                "check the key in `headers` and the variable it is taken from".to_owned()
            }
            (Self::Silent(_) | Self::Broken(_), Reach::Process { .. }) => {
                "run its command by hand to see what it says, and check `args` and `env`".to_owned()
            }
            (Self::Silent(_) | Self::Broken(_), Reach::Http { .. }) => {
                "check `url` (often its path is /mcp) and that the server runs".to_owned()
            }
        }
    }
}

/// Hears of changes.
#[derive(Debug, Clone)]
struct Ear {
    changed: Arc<Notify>,
}

impl ClientHandler for Ear {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }

    fn get_info(&self) -> ClientConfig {
        let own = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        ClientConfig::new(rmcp::model::ClientCapabilities::default(), own)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}

/// An open connection. When it is dropped, the process ends.
pub(super) struct Link {
    peer: Peer<RoleClient>,
    quit: Option<RunningServiceCancellationToken>,
    over: JoinHandle<()>,
    is_over: bool,
    process: Option<Process>,
    changed: Arc<Notify>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.over.abort();
    }
}

impl Link {
    /// Opens it and greets the server.
    pub(super) async fn open(server: &Server) -> Result<Self, Trouble> {
        let changed = Arc::new(Notify::new());
        let ear = Ear { changed: changed.clone() };
        let (service, process) = match &server.reach {
            Reach::Process { command, args, env } => {
                let started = Process::start(&server.name, command, args, env, &server.secrets);
                let (mut process, stdout, stdin) = started.map_err(|error| match error.kind() {
                    io::ErrorKind::NotFound => Trouble::NoProgram(command.clone()),
                    _ => Trouble::Broken(format!("`{command}` cannot be started: {error}")),
                })?;
                match timeout(GREETING, ear.serve((stdout, stdin))).await {
                    Ok(Ok(service)) => (service, Some(process)),
                    Ok(Err(error)) => {
                        let mut reason = greeting_reason(server, &error);
                        let words = process.last_words().await;
                        if !words.is_empty() {
                            reason = format!("{reason}; it said: {words}");
                        }
                        return Err(Trouble::Broken(reason));
                    }
                    Err(_) => return Err(Trouble::Silent(GREETING)),
                }
            }
            Reach::Http { url, headers } => {
                let client = http_client(url)?;
                let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .custom_headers(headers.iter().cloned().collect());
                let transport = StreamableHttpClientTransport::with_client(client, config);
                match timeout(GREETING, ear.serve(transport)).await {
                    Ok(Ok(service)) => (service, None),
                    Ok(Err(error)) => return Err(refusal(server, &error)),
                    Err(_) => return Err(Trouble::Silent(GREETING)),
                }
            }
        };
        Ok(Self {
            peer: service.peer().clone(),
            quit: Some(service.cancellation_token()),
            over: tokio::spawn(async move { drop(service.waiting().await) }),
            is_over: false,
            process,
            changed,
        })
    }

    /// The other side.
    pub(super) fn peer(&self) -> Peer<RoleClient> {
        self.peer.clone()
    }

    /// The tools it has, at most [`MOST_TOOLS`], each page within `answer`.
    pub(super) async fn tools(&self, server: &Server, answer: Duration) -> Result<Vec<Tool>, Trouble> {
        let mut tools = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let page = PaginatedRequestParams::default().with_cursor(cursor);
            let page = timeout(answer, self.peer.list_tools(Some(page)))
                .await
                .map_err(|_| Trouble::Silent(answer))?
                .map_err(|error| Trouble::Broken(reason(server, &error)))?;
            tools.extend(page.tools);
            cursor = page.next_cursor;
            if cursor.is_none() || tools.len() >= MOST_TOOLS {
                break;
            }
        }
        tools.truncate(MOST_TOOLS);
        Ok(tools)
    }

    /// Is told when the server says that its tools have changed.
    pub(super) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Whether it answers within `answer`; any answer will do.
    pub(super) async fn lives(peer: &Peer<RoleClient>, answer: Duration) -> bool {
        let ping = ClientRequest::PingRequest(PingRequest::default());
        matches!(
            timeout(answer, peer.send_request(ping)).await,
            Ok(Ok(_) | Err(ServiceError::McpError(_) | ServiceError::UnexpectedResponse))
        )
    }

    /// Waits until the connection is lost; says why. May be asked again when the waiting was cut off.
    pub(super) async fn lost(&mut self) -> String {
        let (over, is_over) = (&mut self.over, &mut self.is_over);
        let closed = async move {
            if !*is_over {
                // However it ended: it is over.
                let _ = over.await;
                *is_over = true;
            }
            "it closed the connection".to_owned()
        };
        match &mut self.process {
            None => closed.await,
            Some(process) => {
                let how = tokio::select! { biased; how = process.ended() => how, how = closed => how };
                let words = process.last_words().await;
                if words.is_empty() { how } else { format!("{how}; it said: {words}") }
            }
        }
    }

    /// Closes it, and ends the process.
    pub(super) async fn close(mut self) {
        if let Some(quit) = self.quit.take() {
            quit.cancel();
        }
        if !self.is_over && timeout(LEAVE, &mut self.over).await.is_err() {
            tracing::debug!("an MCP server does not say good-bye");
        }
        if let Some(process) = self.process.take() {
            process.leave().await;
        }
    }
}

/// A client that sends its headers to nobody else, and goes past proxies to this machine.
fn http_client(url: &reqwest::Url) -> Result<reqwest::Client, Trouble> {
    install_cryptography();
    let local = match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        None => false,
    };
    let builder =
        reqwest::Client::builder().connect_timeout(CONNECT).redirect(reqwest::redirect::Policy::none());
    let builder = if local { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| Trouble::Broken(error.without_url().to_string()))
}

fn refusal(server: &Server, error: &ClientInitializeError) -> Trouble {
    let reason = greeting_reason(server, error);
    let refused =
        error.is_authorization_required() || reason.contains("HTTP 401") || reason.contains("HTTP 403");
    if refused { Trouble::Refused(reason) } else { Trouble::Broken(reason) }
}

fn greeting_reason(server: &Server, error: &ClientInitializeError) -> String {
    match error {
        ClientInitializeError::TransportError { error, .. } => tell(server, error.error.as_ref()),
        ClientInitializeError::ConnectionClosed(_) => "it ended before it greeted us".to_owned(),
        ClientInitializeError::JsonRpcError(error) => tell(server, error),
        _ => format!("it does not speak MCP as we do: {}", tell(server, error)),
    }
}

/// Why a request failed, in one line that shows no secret.
pub(super) fn reason(server: &Server, error: &ServiceError) -> String {
    match error {
        ServiceError::TransportSend(error) => tell(server, error.error.as_ref()),
        ServiceError::TransportClosed => "the server ended before it answered".to_owned(),
        ServiceError::McpError(error) => tell_text(server, &error.message),
        other => tell(server, other),
    }
}

/// The error and its causes in one line that shows no secret.
fn tell(server: &Server, error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let words = next.to_string();
        if !told.contains(&words) {
            told = format!("{told}: {words}");
        }
        cause = next.source();
    }
    tell_text(server, &told)
}

fn tell_text(server: &Server, text: &str) -> String {
    text::line(&server.secrets.hide(text), LONGEST_REASON)
}
