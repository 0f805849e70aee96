//! The settings: one typed struct, read once from the environment and `.env`. `key.rs` is the table of all keys,
//! `dotenv.rs` holds the grammar of the file.

mod budget;
mod cloud;
mod dotenv;
mod endpoint;
mod key;
mod near;
mod problem;
mod tokens;
mod value;

use std::{
    collections::{BTreeMap, HashMap},
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::Url;
use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

pub use budget::{BudgetSettings, LimitSettings};
pub use problem::{ConfigErrors, Problem, Source};
pub(crate) use value::did_you_mean;

use crate::{
    model::{CharacterId, UserId},
    store::Location,
};
use key::{Draft, Key};
use near::near_misses;

/// Where the API listens when only its keys are set.
const DEFAULT_API: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// Brave's own search service (its documentation, "Web search API").
const BRAVE: &str = "https://api.search.brave.com";

/// Everything that can be set. `Debug` shows no secret. `.env.sample` explains each key.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Directory for everything that is written (`DATA_DIR`).
    pub data_dir: PathBuf,
    /// The database (`DATABASE_URL`; default a file in `data_dir`).
    pub database: Location,
    /// Directory of the characters (`CHARACTERS_DIR`).
    pub characters_dir: PathBuf,
    /// Who talks when nobody is named (`CHARACTER`).
    pub character: CharacterId,
    /// The main model (`LLM_…`); `None` when no endpoint is set.
    pub llm: Option<EndpointSettings>,
    /// The router's model (`ROUTER_LLM_…`), filled up from the main one; `None` when nothing is set for it.
    pub router: Option<EndpointSettings>,
    /// The model for thought (`REFLECTIVE_LLM_…`), filled up from the main one; `None` when nothing is set for it.
    pub reflective: Option<EndpointSettings>,
    /// The model that answers when money runs short (`LLM_CHEAP_…`), filled up from the main one.
    pub cheap: Option<EndpointSettings>,
    /// The model that is asked when the main one is not enough (`CLOUD_LLM_…`), filled up from the main one; `None`: nobody.
    pub cloud: Option<EndpointSettings>,
    /// What models may cost (`BUDGET_…`).
    pub budget: BudgetSettings,
    /// Who is asked when they do not answer (`…LLM_FALLBACKS`).
    pub fallbacks: FallbackSettings,
    /// How long the first word may take until a second request goes out (`LLM_HEDGE_MS`), 100 ms to 60 s; `None`: never.
    pub hedge: Option<Duration>,
    /// Tokens that the window of the main model holds (`LLM_CONTEXT`), `2_048..=2_000_000`.
    pub context: usize,
    /// How long to wait for the next piece of an answer (`LLM_TIMEOUT`), 1 to 600 s.
    pub timeout: Duration,
    /// The price table (`LLM_PRICES`); `None` is the built-in one.
    pub prices: Option<PathBuf>,
    /// Where to look for Ollama, as an address such as `http://127.0.0.1:11434` (`OLLAMA_HOST`); `None` is `off`.
    pub ollama: Option<String>,
    /// The people in charge (`ADMINS`).
    pub admins: Vec<UserId>,
    /// The API (`API_ADDR`, `API_KEYS`), if it is to be served: its address, and its keys.
    pub api: Option<(SocketAddr, Vec<SecretString>)>,
    /// The bot on Telegram (`TELEGRAM_…`), if there is one.
    pub telegram: Option<TelegramAccount>,
    /// The bots on Discord (`DISCORD_…`), if there are any.
    pub discord: Option<DiscordAccounts>,
    /// The search service behind `web_search` (`WEB_SEARCH…`), if there is one.
    pub search: Option<SearchSettings>,
    /// Whether pages of the web may be read (`WEB_PAGES`).
    pub web_pages: bool,
    /// The settings file of MCP servers (`MCP_CONFIG`); `None` is `mcp.json` in the working directory, when it is there.
    pub mcp: Option<PathBuf>,
    /// The embedding model: a name on the hub, a directory, or `none` (`EMBEDDING_MODEL`).
    pub embedding_model: String,
    /// How log lines look (`LOG_FORMAT`).
    pub log_format: LogFormat,
    /// What is logged, on standard error and in the file (`LOG_LEVEL`); `None` leaves each its own default.
    pub log_level: Option<Targets>,
    shown: Vec<Shown>,
}

/// A bot on Telegram. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct TelegramAccount {
    /// Its token.
    pub token: SecretString,
    /// The server, when it is not Telegram's own.
    pub api_url: Option<Url>,
    /// The public address for updates, and where to listen for them; `None`: they are asked for.
    pub webhook: Option<(Url, SocketAddr)>,
    /// Whether Telegram's limits are kept to before it says so.
    pub paced: bool,
}

/// The bots on Discord. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct DiscordAccounts {
    /// The token of the bot that speaks for the whole cast.
    pub token: Option<SecretString>,
    /// Characters with a bot of their own.
    pub own: Vec<(CharacterId, SecretString)>,
    /// The server, when it is not Discord's own.
    pub api_url: Option<Url>,
    /// Whether characters speak under their own names, through webhooks.
    pub personas: bool,
}

/// A model endpoint of one tier.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// Address without `/chat/completions` and without a slash at its end.
    pub base_url: String,
    /// Its key, where it wants one.
    pub api_key: Option<SecretString>,
    /// The name of the model.
    pub model: String,
}

/// The endpoints behind the first one of each tier, in the order in which they are asked.
#[derive(Debug, Clone, Default)]
pub struct FallbackSettings {
    /// Behind the main model (`LLM_FALLBACKS`).
    pub main: Vec<EndpointSettings>,
    /// Behind the router's own model (`ROUTER_LLM_FALLBACKS`).
    pub router: Vec<EndpointSettings>,
    /// Behind the reflective tier's own model (`REFLECTIVE_LLM_FALLBACKS`).
    pub reflective: Vec<EndpointSettings>,
    /// Behind the cloud's model (`CLOUD_LLM_FALLBACKS`).
    pub cloud: Vec<EndpointSettings>,
}

/// A search service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchProvider {
    /// The JSON of `SearXNG`.
    Searxng,
    /// Brave's, or one that speaks like it.
    Brave,
}

/// Where to search the web. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct SearchSettings {
    /// What it speaks.
    pub provider: SearchProvider,
    /// Its address.
    pub base_url: Url,
    /// Its key, where it wants one.
    pub key: Option<SecretString>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// One setting, for people to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The key.
    pub key: &'static str,
    /// Its value; of a secret only `set`; `unset` when there is none.
    pub value: String,
    /// Where the value came from.
    pub source: Source,
}

/// The environment of the process. A value that is not UTF-8 is carried on with U+FFFD in it, which
/// [`Settings::load`] reports when the key is ours.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

impl Settings {
    /// Reads `.env` in `dir`, when it is there, and the environment `env`, which wins. An empty value stands for the
    /// default. With the settings come warnings, about variables of the environment that look like keys misspelt.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong, not just the first thing.
    pub fn load(
        dir: &Path,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), ConfigErrors> {
        let env: BTreeMap<String, String> = env.collect();
        let mut reader = Reader::default();
        let file = reader.read_file(&dir.join(".env"));
        for key in key::all() {
            let from_env = env.get(key.name).map(|value| (value.as_str(), Source::Environment));
            let from_file =
                || file.get(key.name).map(|(line, value)| (value.as_str(), Source::File { line: *line }));
            reader.read(key, from_env.or_else(from_file).filter(|(value, _)| !value.is_empty()));
        }
        reader.draft.discord_own = tokens::read(&mut reader, &env, &file);
        reader.finish().map(|settings| (settings, near_misses(&env)))
    }

    /// Every key with its value and where that came from, in the order of `.env.sample`. Secrets are only `set` or
    /// `unset`.
    #[must_use]
    pub fn describe(&self) -> &[Shown] {
        &self.shown
    }

    /// The text of `.env.sample`.
    #[must_use]
    pub fn sample() -> String {
        let mut sample = String::from(
            "# The settings of Dramatis. Copy this file to `.env` and take the `#` off the lines you want to change; the\n\
             # environment of the process wins over the file. Written by the program: change src/config/key.rs instead.\n\
             #\n\
             # KEY=VALUE, one a line. A `#` behind a blank begins a comment. 'single quotes' take everything as it stands,\n\
             # \"double quotes\" know \\\" \\\\ \\n \\t \\$. Nothing is expanded. An empty value stands for the default. An unknown\n\
             # key, or one that stands twice, stops the start.\n",
        );
        for group in key::GROUPS {
            sample.push_str("\n\n# ── ");
            sample.push_str(group.title);
            sample.push('\n');
            for key in group.keys {
                if !key.doc.is_empty() {
                    sample.push('\n');
                }
                for line in key.doc {
                    sample.push_str("# ");
                    sample.push_str(line);
                    sample.push('\n');
                }
                let value = if key.default.is_empty() { key.example } else { key.default };
                sample.extend(["#", key.name, "=", value, "\n"]);
            }
        }
        sample
    }
}

/// Reads all keys and gathers what is wrong.
#[derive(Default)]
struct Reader {
    draft: Draft,
    given: HashMap<&'static str, Source>,
    shown: Vec<Shown>,
    problems: Vec<Problem>,
}

impl Reader {
    /// The keys of the file with line and value; whatever is wrong with it becomes problems.
    fn read_file(&mut self, path: &Path) -> HashMap<String, (usize, String)> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return HashMap::new(),
            Err(error) => {
                let what = format!("cannot be read: {error}");
                self.problems.push(Problem { source: None, key: None, what });
                return HashMap::new();
            }
        };
        if let Err(error) = std::str::from_utf8(&bytes) {
            let before = bytes.iter().take(error.valid_up_to());
            let line = 1 + before.filter(|byte| **byte == b'\n').count();
            self.problem(Source::File { line }, None, "is not UTF-8; save the file as UTF-8".to_owned());
        }
        let (entries, bad) = dotenv::parse(&String::from_utf8_lossy(&bytes));
        for bad in bad {
            self.problem(Source::File { line: bad.line }, bad.key, bad.what);
        }
        let mut known = HashMap::new();
        for entry in entries {
            if key::all().any(|key| key.name == entry.key) || tokens::character_of(&entry.key).is_some() {
                known.insert(entry.key, (entry.line, entry.value));
            } else {
                let hint = value::did_you_mean(&entry.key, key::all().map(|key| key.name));
                let hint = hint.map_or_else(
                    || "; .env.sample lists them all".to_owned(),
                    |found| format!("; did you mean {found}?"),
                );
                let what = format!("there is no such setting{hint}");
                self.problem(Source::File { line: entry.line }, Some(entry.key), what);
            }
        }
        known
    }

    fn read(&mut self, key: &'static Key, given: Option<(&str, Source)>) {
        let (text, source) = given.unwrap_or((key.default, Source::Default));
        if source != Source::Default {
            self.given.insert(key.name, source);
        }
        let mut value = "unset".to_owned();
        if !text.is_empty() {
            value = if key.secret { "set".to_owned() } else { text.to_owned() };
            let result = if text.contains('\u{fffd}') {
                Err("holds bytes that are not UTF-8".to_owned())
            } else {
                (key.read)(&mut self.draft, text)
            };
            if let Err(what) = result {
                self.problem(source, Some(key.name.to_owned()), what);
            }
        }
        self.shown.push(Shown { key: key.name, value, source });
    }

    fn problem(&mut self, source: Source, key: Option<String>, what: String) {
        self.problems.push(Problem { source: Some(source), key, what });
    }

    fn finish(mut self) -> Result<Settings, ConfigErrors> {
        let mut draft = std::mem::take(&mut self.draft);
        let llm = self.endpoint("LLM", &draft.main, None);
        let router = self.endpoint("ROUTER_LLM", &draft.router, Some(&draft.main));
        let reflective = self.endpoint("REFLECTIVE_LLM", &draft.reflective, Some(&draft.main));
        let cheap = self.endpoint("LLM_CHEAP", &draft.cheap, Some(&draft.main));
        let cloud = self.endpoint("CLOUD_LLM", &draft.cloud, Some(&draft.main));
        let fallbacks = FallbackSettings {
            main: self.behind("LLM", std::mem::take(&mut draft.main.fallbacks)),
            router: self.behind("ROUTER_LLM", std::mem::take(&mut draft.router.fallbacks)),
            reflective: self.behind("REFLECTIVE_LLM", std::mem::take(&mut draft.reflective.fallbacks)),
            cloud: self.behind("CLOUD_LLM", std::mem::take(&mut draft.cloud.fallbacks)),
        };
        let search = self.search(&draft);
        if let (Draft { data_dir: Some(data_dir), database, .. }, true) = (&draft, self.problems.is_empty()) {
            let database = database.clone().unwrap_or_else(|| Location::in_dir(data_dir));
            // An address may hold a password.
            if let Some(shown) = self.shown.iter_mut().find(|shown| shown.key == "DATABASE_URL") {
                shown.value = database.describe();
            }
            let shown = std::mem::take(&mut self.shown);
            let endpoints = [llm, router, reflective, cheap, cloud];
            if let Some(settings) = assemble(draft, database, endpoints, search, shown) {
                return Ok(Settings { fallbacks, ..settings });
            }
        }
        self.problems.sort_by_key(|problem| match problem.source {
            None => (0, 0),
            Some(Source::File { line }) => (1, line),
            Some(Source::Environment | Source::Default) => (2, 0),
        });
        Err(ConfigErrors { problems: self.problems })
    }

    /// The search service, when one is set.
    fn search(&mut self, draft: &Draft) -> Option<SearchSettings> {
        let provider = draft.search_provider.flatten()?;
        let base_url = match (&draft.search_url, provider) {
            (Some(url), _) => Some(url.clone()),
            (None, SearchProvider::Brave) => Url::parse(BRAVE).ok(),
            (None, SearchProvider::Searxng) => None,
        };
        let source = self.given.get("WEB_SEARCH").copied().unwrap_or(Source::Default);
        let Some(base_url) = base_url else {
            let what = "is set to searxng, but it needs WEB_SEARCH_URL (the address of a SearXNG) beside it"
                .to_owned();
            self.problem(source, Some("WEB_SEARCH".to_owned()), what);
            return None;
        };
        if provider == SearchProvider::Brave && draft.search_url.is_none() && draft.search_key.is_none() {
            let what =
                "is set to brave, but it needs WEB_SEARCH_KEY (from https://brave.com/search/api) beside it"
                    .to_owned();
            self.problem(source, Some("WEB_SEARCH".to_owned()), what);
            return None;
        }
        Some(SearchSettings { provider, base_url, key: draft.search_key.clone() })
    }
}

fn assemble(
    draft: Draft,
    database: Location,
    [llm, router, reflective, cheap, cloud]: [Option<EndpointSettings>; 5],
    search: Option<SearchSettings>,
    shown: Vec<Shown>,
) -> Option<Settings> {
    Some(Settings {
        data_dir: draft.data_dir?,
        database,
        characters_dir: draft.characters_dir?,
        character: draft.character?,
        llm,
        router,
        reflective,
        cheap,
        cloud,
        budget: draft.budget,
        fallbacks: FallbackSettings::default(),
        hedge: draft.hedge,
        context: draft.context?,
        timeout: draft.timeout?,
        prices: draft.prices,
        ollama: draft.ollama,
        admins: draft.admins,
        api: match (draft.api_addr, draft.api_keys) {
            (None, None) => None,
            (address, keys) => Some((address.unwrap_or(DEFAULT_API), keys.unwrap_or_default())),
        },
        telegram: draft.telegram_token.map(|token| TelegramAccount {
            token,
            paced: draft.telegram_pace.unwrap_or(draft.telegram_api_url.is_none()),
            api_url: draft.telegram_api_url,
            webhook: draft.telegram_webhook_url.zip(draft.telegram_webhook_addr),
        }),
        discord: (draft.discord_token.is_some() || !draft.discord_own.is_empty()).then_some(
            DiscordAccounts {
                token: draft.discord_token,
                own: draft.discord_own,
                api_url: draft.discord_api_url,
                personas: draft.discord_personas?,
            },
        ),
        search,
        web_pages: draft.web_pages?,
        mcp: draft.mcp,
        embedding_model: draft.embedding_model?,
        log_format: draft.log_format?,
        log_level: draft.log_level,
        shown,
    })
}
