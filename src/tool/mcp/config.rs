//! The settings file of MCP servers, in the shape that other programs use, too. It is read strictly: whatever is wrong
//! with it is told at once, with its place. No secret need stand in it: `${NAME}` is taken from the environment.

use std::{fmt, fs, io, path::Path, time::Duration};

use http::{HeaderName, HeaderValue};
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::secret::{Secrets, expand};
use crate::config::did_you_mean;

/// The file that is read when no other is named.
const DEFAULT_FILE: &str = "mcp.json";
/// How long a call may take when the file does not say.
const DEFAULT_LIMIT: Duration = Duration::from_secs(20);
/// The most seconds a call may take.
const LONGEST_LIMIT: u64 = 300;
/// The longest name of a server, so that there is room for its tools within 64 characters.
const LONGEST_NAME: usize = 24;
/// What may be said of a server.
const KEYS: [&str; 9] =
    ["command", "args", "env", "url", "headers", "type", "timeoutSeconds", "allow", "disabled"];
/// Headers that belong to the protocol.
const RESERVED: [&str; 6] =
    ["accept", "content-type", "content-length", "host", "last-event-id", "mcp-session-id"];

/// Why the settings file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It was named, and it cannot be read.
    #[error("cannot read the settings of MCP servers, {path}: {reason}. Mend MCP_CONFIG, or remove it")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// Something in it is wrong.
    #[error("the settings of MCP servers are not right (docs/mcp.md tells how they look):\n{}", .0.join("\n"))]
    Wrong(Vec<String>),
}

/// The servers of a settings file.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Its servers that are not switched off, by name.
    pub servers: Vec<Server>,
    /// How long they may be silent, and how soon they are started again.
    pub pace: Pace,
}

/// How long a server may be silent, and how soon one that ended is started again: after `first`, then twice as long each
/// time, up to `most`. What ran for `steady` begins anew.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
    /// How long a server must have run to count as well.
    pub steady: Duration,
    /// How long a list of tools may take, or a sign of life.
    pub answer: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_secs(60),
            steady: Duration::from_secs(60),
            answer: Duration::from_secs(10),
        }
    }
}

/// One server. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name, with which the names of its tools begin.
    pub name: String,
    /// How it is reached.
    pub reach: Reach,
    /// How long a call of its tools may take, 1 to 300 s.
    pub limit: Duration,
    /// The tools that are taken from it, by the server's own names; `None` is all.
    pub allow: Option<Vec<String>>,
    /// What must not be shown.
    pub(super) secrets: Secrets,
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub enum Reach {
    /// A process of our own, over its standard input and output.
    Process {
        /// The program.
        command: String,
        /// What it is started with.
        args: Vec<String>,
        /// What is added to its environment.
        env: Vec<(String, SecretString)>,
    },
    /// An address, over streamable HTTP.
    Http {
        /// The address.
        url: Url,
        /// What is sent with each request.
        headers: Vec<(HeaderName, HeaderValue)>,
    },
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reach {
            Reach::Process { command, .. } => write!(f, "{} (the command `{command}`)", self.name),
            // What stands behind `?` may be a key.
            Reach::Http { url, .. } => {
                write!(f, "{} ({}{})", self.name, url.origin().ascii_serialization(), url.path())
            }
        }
    }
}

impl Config {
    /// The servers of the file at `path`; where it is `None`, of `mcp.json` in the working directory, if that is there.
    /// `env` gives the variables that the file names.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn load(path: Option<&Path>, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let file = path.unwrap_or(Path::new(DEFAULT_FILE));
        let shown = file.display().to_string();
        match fs::read_to_string(file) {
            Ok(text) => {
                let servers = Reader { file: &shown, env: &env, problems: Vec::new() }.read(&text)?;
                Ok(Self { servers, pace: Pace::default() })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_none() => Ok(Self::default()),
            Err(error) => Err(ConfigError::Read { path: shown, reason: error.to_string() }),
        }
    }
}

/// Reads a file and gathers what is wrong with it.
struct Reader<'a> {
    file: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn read(mut self, text: &str) -> Result<Vec<Server>, ConfigError> {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => {
                self.problem("", &format!("is not JSON: {error}"));
                return Err(ConfigError::Wrong(self.problems));
            }
        };
        let mut servers = Vec::new();
        match value {
            Value::Object(mut top) => {
                let named = top.remove("mcpServers");
                for key in top.keys() {
                    self.unknown("", key, &["mcpServers"]);
                }
                match named {
                    Some(Value::Object(named)) => {
                        for (name, server) in named {
                            servers.extend(self.server(&name, server));
                        }
                    }
                    Some(_) => self.problem("mcpServers", "is not an object of servers by name"),
                    None => self.problem("mcpServers", "is missing: it holds the servers by name"),
                }
            }
            _ => self.problem("", "is not an object with `mcpServers`"),
        }
        servers.sort_by(|one: &Server, other| one.name.cmp(&other.name));
        if self.problems.is_empty() { Ok(servers) } else { Err(ConfigError::Wrong(self.problems)) }
    }

    fn server(&mut self, name: &str, value: Value) -> Option<Server> {
        let at = format!("mcpServers.{name}");
        if !is_name(name) {
            self.problem(
                &at,
                &format!(
                    "is no name for a server: 1 to {LONGEST_NAME} letters, digits, `-` and `_`, without `__` and with no `_` \
                     at either end"
                ),
            );
        }
        let Value::Object(mut map) = value else {
            self.problem(&at, "is not an object");
            return None;
        };
        for key in map.keys() {
            if !KEYS.contains(&key.as_str()) {
                self.unknown(&at, key, &KEYS);
            }
        }
        let disabled = self.flag(&at, &mut map, "disabled");
        let limit = self.limit(&at, &mut map);
        let allow = self.allow(&at, &mut map);
        let mut secrets = Secrets::default();
        let reach = self.reach(&at, &mut map, disabled, &mut secrets)?;
        (!disabled).then(|| Server { name: name.to_owned(), reach, limit, allow, secrets })
    }

    /// Of a server that is switched off, no variable need be there.
    fn reach(
        &mut self,
        at: &str,
        map: &mut Map<String, Value>,
        disabled: bool,
        secrets: &mut Secrets,
    ) -> Option<Reach> {
        self.kind(at, map);
        match (map.remove("command"), map.remove("url")) {
            (Some(_), Some(_)) => {
                self.problem(at, "has both `command` and `url`: keep the one by which it is reached");
                None
            }
            (None, None) => {
                self.problem(at, "has neither `command` (a program to start) nor `url` (an address)");
                None
            }
            (Some(command), None) => {
                if map.contains_key("headers") {
                    self.problem(
                        &format!("{at}.headers"),
                        "is for a server with a `url`; a program takes `env`",
                    );
                }
                let command = self.text(&format!("{at}.command"), &command);
                let args = map.remove("args").map(|args| self.texts(&format!("{at}.args"), &args));
                let env = self.pairs(&format!("{at}.env"), map.remove("env"), disabled, secrets);
                let command = command?;
                if command.trim().is_empty() {
                    self.problem(&format!("{at}.command"), "is empty: write the program to start");
                }
                let env = env.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect();
                Some(Reach::Process { command, args: args.unwrap_or_default(), env })
            }
            (None, Some(url)) => {
                for key in ["args", "env"] {
                    if map.contains_key(key) {
                        let what = "is for a server with a `command`; an address takes `headers`";
                        self.problem(&format!("{at}.{key}"), what);
                    }
                }
                let url = self.url(&format!("{at}.url"), &url);
                let pairs = self.pairs(&format!("{at}.headers"), map.remove("headers"), disabled, secrets);
                let headers =
                    pairs.into_iter().filter_map(|(name, value)| self.header(at, &name, &value)).collect();
                let url = url?;
                secrets.keep(url.query().unwrap_or_default());
                Some(Reach::Http { url, headers })
            }
        }
    }

    fn kind(&mut self, at: &str, map: &mut Map<String, Value>) {
        let Some(kind) = map.remove("type") else { return };
        let place = format!("{at}.type");
        let needs = match kind.as_str() {
            Some("stdio") => "command",
            Some("http" | "streamable-http" | "streamableHttp") => "url",
            Some("sse") => {
                self.problem(
                    &place,
                    "`sse` is the old transport, which MCP has given up: use the server's address for streamable HTTP \
                     (often its path is /mcp), with the type `http`",
                );
                return;
            }
            _ => {
                self.problem(&place, "is neither `stdio` nor `http`; it may be left out");
                return;
            }
        };
        if !map.contains_key(needs) {
            self.problem(&place, &format!("says how the server is reached, but there is no `{needs}`"));
        }
    }

    fn flag(&mut self, at: &str, map: &mut Map<String, Value>, key: &str) -> bool {
        match map.remove(key) {
            None => false,
            Some(Value::Bool(value)) => value,
            Some(_) => {
                self.problem(&format!("{at}.{key}"), "is neither true nor false");
                false
            }
        }
    }

    fn limit(&mut self, at: &str, map: &mut Map<String, Value>) -> Duration {
        let Some(value) = map.remove("timeoutSeconds") else { return DEFAULT_LIMIT };
        match value.as_u64() {
            Some(seconds) if (1..=LONGEST_LIMIT).contains(&seconds) => Duration::from_secs(seconds),
            _ => {
                let what = format!("is not a whole number from 1 to {LONGEST_LIMIT}");
                self.problem(&format!("{at}.timeoutSeconds"), &what);
                DEFAULT_LIMIT
            }
        }
    }

    fn allow(&mut self, at: &str, map: &mut Map<String, Value>) -> Option<Vec<String>> {
        let place = format!("{at}.allow");
        let names = self.texts(&place, &map.remove("allow")?);
        if names.is_empty() {
            self.problem(&place, "names no tool: leave it out for all, or set `disabled` to true for none");
        }
        Some(names)
    }

    fn text(&mut self, at: &str, value: &Value) -> Option<String> {
        let text = match value.as_str() {
            None => Err("is not a text in quotes"),
            Some(text) if text.contains("${") => Err(
                "names a variable, which only `env` and `headers` may: others on this machine see the rest",
            ),
            Some(text) => Ok(text.to_owned()),
        };
        text.map_err(|what| self.problem(at, what)).ok()
    }

    fn texts(&mut self, at: &str, value: &Value) -> Vec<String> {
        let Some(list) = value.as_array() else {
            self.problem(at, "is not a list in brackets");
            return Vec::new();
        };
        (0..)
            .zip(list)
            .filter_map(|(index, text): (usize, _)| self.text(&format!("{at}[{index}]"), text))
            .collect()
    }

    fn url(&mut self, at: &str, value: &Value) -> Option<Url> {
        let text = self.text(at, value)?;
        let what = match Url::parse(&text) {
            Err(error) => format!("is not an address ({error}); write it like https://example.org/mcp"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                "is neither http:// nor https://; write it like https://example.org/mcp".to_owned()
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "holds a user name or password; put them into `headers`".to_owned()
            }
            Ok(url) => return Some(url),
        };
        self.problem(at, &what);
        None
    }

    fn pairs(
        &mut self,
        at: &str,
        value: Option<Value>,
        disabled: bool,
        secrets: &mut Secrets,
    ) -> Vec<(String, String)> {
        let map = match value {
            None => return Vec::new(),
            Some(Value::Object(map)) => map,
            Some(_) => {
                self.problem(at, "is not an object of texts");
                return Vec::new();
            }
        };
        let mut pairs = Vec::new();
        for (name, value) in map {
            let place = format!("{at}.{name}");
            let Some(text) = value.as_str() else {
                self.problem(&place, "is not a text in quotes");
                continue;
            };
            if name.is_empty() || name.contains(['=', '\0']) || text.contains('\0') {
                self.problem(&place, "is no name of a variable or header");
                continue;
            }
            match expand(text, self.env, secrets) {
                Ok(text) => pairs.push((name, text)),
                Err(_) if disabled => {}
                Err(what) => self.problem(&place, &what),
            }
        }
        pairs
    }

    fn header(&mut self, at: &str, name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
        let place = format!("{at}.headers.{name}");
        let Ok(parsed) = HeaderName::try_from(name) else {
            self.problem(&place, "is no name of a header");
            return None;
        };
        if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("mcp-") {
            self.problem(&place, "belongs to the protocol and cannot be set");
            return None;
        }
        let Ok(mut value) = HeaderValue::try_from(value) else {
            self.problem(&place, "has a value that no header can hold");
            return None;
        };
        value.set_sensitive(true);
        Some((parsed, value))
    }

    fn unknown(&mut self, at: &str, key: &str, known: &[&'static str]) {
        let place = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
        let hint = did_you_mean(key, known.iter().copied()).map_or_else(
            || format!("there is {}", known.join(", ")),
            |found| format!("did you mean `{found}`?"),
        );
        self.problem(&place, &format!("is not known; {hint}"));
    }

    fn problem(&mut self, at: &str, what: &str) {
        let colon = if at.is_empty() { "" } else { ": " };
        self.problems.push(format!("{}: {at}{colon}{what}", self.file));
    }
}

/// A name that its tools' names can begin with, so that the first `__` ends it.
fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        && !name.starts_with('_')
        && !name.ends_with('_')
        && !name.contains("__")
}
