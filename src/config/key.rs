//! The table of keys: the one place for names, defaults, examples, explanations and readers. Parsing, `.env.sample`
//! and `dramatis doctor` all read it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::Url;
use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

use super::{EndpointSettings, LogFormat, SearchProvider, value};
use crate::{
    model::{CharacterId, UserId},
    store::Location,
};

/// One setting.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it does, a line each; they are the comment in `.env.sample`.
    pub(super) doc: &'static [&'static str],
    /// The text that is read when nobody sets it; empty when there is none.
    pub(super) default: &'static str,
    /// What `.env.sample` shows when there is no default.
    pub(super) example: &'static str,
    pub(super) secret: bool,
    pub(super) read: fn(&mut Draft, &str) -> Result<(), String>,
}

/// Keys that belong together, under one heading of `.env.sample`.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) keys: &'static [Key],
}

/// The settings while they are being read: each one is there once its text was understood.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) data_dir: Option<PathBuf>,
    pub(super) database: Option<Location>,
    pub(super) characters_dir: Option<PathBuf>,
    pub(super) character: Option<CharacterId>,
    pub(super) main: Tier,
    pub(super) router: Tier,
    pub(super) reflective: Tier,
    pub(super) cheap: Tier,
    pub(super) cloud: Tier,
    pub(super) budget: super::BudgetSettings,
    pub(super) context: Option<usize>,
    pub(super) timeout: Option<Duration>,
    pub(super) hedge: Option<Duration>,
    pub(super) prices: Option<PathBuf>,
    pub(super) ollama: Option<String>,
    pub(super) admins: Vec<UserId>,
    pub(super) api_addr: Option<SocketAddr>,
    pub(super) api_keys: Option<Vec<SecretString>>,
    pub(super) telegram_token: Option<SecretString>,
    pub(super) telegram_api_url: Option<Url>,
    pub(super) telegram_webhook_url: Option<Url>,
    pub(super) telegram_webhook_addr: Option<SocketAddr>,
    pub(super) telegram_pace: Option<bool>,
    pub(super) discord_token: Option<SecretString>,
    pub(super) discord_own: Vec<(CharacterId, SecretString)>,
    pub(super) discord_api_url: Option<Url>,
    pub(super) discord_personas: Option<bool>,
    #[allow(clippy::option_option, reason = "not given, or given as `off`")]
    pub(super) search_provider: Option<Option<SearchProvider>>,
    pub(super) search_url: Option<Url>,
    pub(super) search_key: Option<SecretString>,
    pub(super) web_pages: Option<bool>,
    pub(super) mcp: Option<PathBuf>,
    pub(super) embedding_model: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) log_level: Option<Targets>,
}

/// What is said about one tier of models.
#[derive(Default)]
pub(super) struct Tier {
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<SecretString>,
    pub(super) model: Option<String>,
    pub(super) fallbacks: Vec<EndpointSettings>,
}

/// Every key, in the order of `.env.sample`.
pub(super) fn all() -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().flat_map(|group| group.keys)
}

const KEY: Key = Key { name: "", doc: &[], default: "", example: "", secret: false, read: |_, _| Ok(()) };

/// Every key, grouped.
pub(super) const GROUPS: &[Group] = &[
    Group {
        title: "Where things are (relative paths start where the program is started)",
        keys: &[
            Key {
                name: "DATA_DIR",
                doc: &["Directory for everything that Dramatis writes: database, logs, models."],
                default: "data",
                read: |draft, text| set(&mut draft.data_dir, Ok(PathBuf::from(text))),
                ..KEY
            },
            Key {
                name: "DATABASE_URL",
                doc: &[
                    "`sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`.",
                    "Unset: the SQLite file dramatis.db in DATA_DIR.",
                ],
                example: "postgres://dramatis:PASSWORD@127.0.0.1:5432/dramatis",
                read: |draft, text| {
                    set(&mut draft.database, Location::parse(text).map_err(|error| error.to_string()))
                },
                ..KEY
            },
            Key {
                name: "CHARACTERS_DIR",
                doc: &["Directory of the characters, a folder each (see docs/characters.md)."],
                default: "characters",
                read: |draft, text| set(&mut draft.characters_dir, Ok(PathBuf::from(text))),
                ..KEY
            },
            Key {
                name: "CHARACTER",
                doc: &["The character that talks when none is named."],
                default: "elena",
                read: |draft, text| {
                    set(&mut draft.character, CharacterId::new(text).map_err(|error| error.to_string()))
                },
                ..KEY
            },
        ],
    },
    Group {
        title: "The language model (any endpoint that speaks OpenAI's protocol; address and model go together)",
        keys: &[
            Key {
                name: "LLM_BASE_URL",
                doc: &[
                    "Address up to, and without, `/chat/completions`. There is no default: write it for OpenAI, too.",
                    "Unset: a local Ollama when one answers, else the built-in offline responder.",
                ],
                example: "https://api.openai.com/v1",
                read: |draft, text| set(&mut draft.main.base_url, value::base_url(text)),
                ..KEY
            },
            Key {
                name: "LLM_API_KEY",
                doc: &["Its key, where it wants one."],
                example: "YOUR_KEY",
                secret: true,
                read: |draft, text| set(&mut draft.main.api_key, value::api_key(text)),
                ..KEY
            },
            Key {
                name: "LLM_MODEL",
                doc: &["The model that answers."],
                example: "gpt-4o-mini",
                read: |draft, text| set(&mut draft.main.model, Ok(text.to_owned())),
                ..KEY
            },
            Key {
                name: "LLM_FALLBACKS",
                doc: &[
                    "Who is asked when the endpoint before does not answer: `ADDRESS MODEL` or `ADDRESS MODEL KEY`, with commas",
                    "between them (docs/models.md).",
                ],
                example: "https://models.example.org/v1 other-model YOUR_KEY, http://127.0.0.1:11434/v1 llama3.2",
                secret: true,
                read: |draft, text| value::endpoints(text).map(|all| draft.main.fallbacks = all),
                ..KEY
            },
            Key {
                name: "ROUTER_LLM_BASE_URL",
                doc: &[
                    "A small, quick model that is asked how much thought a message needs, when the rules are unsure.",
                    "Parts that are unset are those of LLM_…; the key only where the address is at the same host.",
                ],
                example: "http://127.0.0.1:8080/v1",
                read: |draft, text| set(&mut draft.router.base_url, value::base_url(text)),
                ..KEY
            },
            Key {
                name: "ROUTER_LLM_API_KEY",
                example: "YOUR_KEY",
                secret: true,
                read: |draft, text| set(&mut draft.router.api_key, value::api_key(text)),
                ..KEY
            },
            Key {
                name: "ROUTER_LLM_MODEL",
                example: "small-model",
                read: |draft, text| set(&mut draft.router.model, Ok(text.to_owned())),
                ..KEY
            },
            Key {
                name: "ROUTER_LLM_FALLBACKS",
                doc: &["The same behind the router's own model."],
                example: "https://models.example.org/v1 other-model YOUR_KEY, http://127.0.0.1:11434/v1 llama3.2",
                secret: true,
                read: |draft, text| value::endpoints(text).map(|all| draft.router.fallbacks = all),
                ..KEY
            },
            Key {
                name: "REFLECTIVE_LLM_BASE_URL",
                doc: &[
                    "A strong model for work that wants thought, such as summaries and facts.",
                    "Parts that are unset are those of LLM_…; the key only where the address is at the same host.",
                ],
                example: "https://api.openai.com/v1",
                read: |draft, text| set(&mut draft.reflective.base_url, value::base_url(text)),
                ..KEY
            },
            Key {
                name: "REFLECTIVE_LLM_API_KEY",
                example: "YOUR_KEY",
                secret: true,
                read: |draft, text| set(&mut draft.reflective.api_key, value::api_key(text)),
                ..KEY
            },
            Key {
                name: "REFLECTIVE_LLM_MODEL",
                example: "strong-model",
                read: |draft, text| set(&mut draft.reflective.model, Ok(text.to_owned())),
                ..KEY
            },
            Key {
                name: "REFLECTIVE_LLM_FALLBACKS",
                doc: &["The same behind the reflective tier's own model."],
                example: "https://models.example.org/v1 other-model YOUR_KEY, http://127.0.0.1:11434/v1 llama3.2",
                secret: true,
                read: |draft, text| value::endpoints(text).map(|all| draft.reflective.fallbacks = all),
                ..KEY
            },
            Key {
                name: "LLM_CONTEXT",
                doc: &[
                    "Tokens that the window of LLM_MODEL holds, 2048 to 2000000. Prompts fill three quarters at most.",
                ],
                default: "8192",
                read: |draft, text| set(&mut draft.context, value::context(text)),
                ..KEY
            },
            Key {
                name: "LLM_TIMEOUT",
                doc: &[
                    "Seconds to wait for the next piece of an answer, 1 to 600; for the first piece three times as long.",
                ],
                default: "30",
                read: |draft, text| set(&mut draft.timeout, value::timeout(text)),
                ..KEY
            },
            Key {
                name: "LLM_HEDGE_MS",
                doc: &[
                    "Milliseconds that the first word may take, 100 to 60000, until a second request goes out: to the next",
                    "endpoint, or to the same. Who speaks first is listened to, and both are paid for. Unset: never.",
                ],
                example: "3000",
                read: |draft, text| set(&mut draft.hedge, value::hedge(text)),
                ..KEY
            },
            Key {
                name: "LLM_PRICES",
                doc: &["A YAML file with what models cost, for the ledger. Unset: the built-in table."],
                example: "prices.yaml",
                read: |draft, text| set(&mut draft.prices, Ok(PathBuf::from(text))),
                ..KEY
            },
            Key {
                name: "OLLAMA_HOST",
                doc: &["Where to look for Ollama when LLM_BASE_URL is unset; `off` does not look."],
                default: "127.0.0.1:11434",
                read: |draft, text| value::ollama(text).map(|host| draft.ollama = host),
                ..KEY
            },
        ],
    },
    Group { title: "The cloud (asked only when the model above is not enough)", keys: super::cloud::KEYS },
    Group { title: "The budget (days and months by the calendar)", keys: super::budget::KEYS },
    Group {
        title: "People in charge",
        keys: &[Key {
            name: "ADMINS",
            doc: &[
                "Who may use `/admin` (docs/commands.md): `platform:id`, with commas between them. `/admin` itself tells",
                "somebody who is not in charge what their id is.",
            ],
            example: "telegram:1234,discord:5678",
            read: |draft, text| value::people(text).map(|people| draft.admins = people),
            ..KEY
        }],
    },
    Group {
        title: "Discord (a bot's token makes `dramatis run` talk there)",
        keys: &[
            Key {
                name: "DISCORD_TOKEN",
                doc: &[
                    "The token of the bot that speaks for the whole cast, from https://discord.com/developers/applications",
                    "(Bot, Reset Token). A bot for one character alone: DISCORD_TOKEN_ and its id in capitals, such as",
                    "DISCORD_TOKEN_IRIS; there may be several.",
                ],
                example: "YOUR_TOKEN",
                secret: true,
                read: |draft, text| set(&mut draft.discord_token, value::api_key(text)),
                ..KEY
            },
            Key {
                name: "DISCORD_PERSONAS",
                doc: &[
                    "`on`: in channels each character of that bot speaks under its own name and picture, through a webhook,",
                    "where the bot has the right Manage Webhooks. `off`: always as the bot.",
                ],
                default: "on",
                read: |draft, text| set(&mut draft.discord_personas, value::switch(text)),
                ..KEY
            },
            Key {
                name: "DISCORD_API_URL",
                doc: &[
                    "The server, for one of your own. Unset: Discord's. When it is set, nothing is sent anywhere else.",
                ],
                example: "http://127.0.0.1:8082",
                read: |draft, text| set(&mut draft.discord_api_url, value::server(text)),
                ..KEY
            },
        ],
    },
    Group {
        title: "Telegram (a bot's token makes `dramatis run` talk there)",
        keys: &[
            Key {
                name: "TELEGRAM_TOKEN",
                doc: &["The bot's token, from @BotFather."],
                example: "123456:YOUR_TOKEN",
                secret: true,
                read: |draft, text| set(&mut draft.telegram_token, value::telegram_token(text)),
                ..KEY
            },
            Key {
                name: "TELEGRAM_API_URL",
                doc: &[
                    "The Bot API server, for one of your own. Unset: Telegram's. When it is set, nothing is sent anywhere",
                    "else.",
                ],
                example: "http://127.0.0.1:8081",
                read: |draft, text| set(&mut draft.telegram_api_url, value::server(text)),
                ..KEY
            },
            Key {
                name: "TELEGRAM_WEBHOOK_URL",
                doc: &[
                    "The public https address that Telegram sends updates to (docs/telegram.md). Unset: they are asked for.",
                ],
                example: "https://bot.example.org/telegram",
                read: |draft, text| set(&mut draft.telegram_webhook_url, value::webhook(text)),
                ..KEY
            },
            Key {
                name: "TELEGRAM_WEBHOOK_ADDR",
                doc: &[
                    "Where to listen for them, in plain HTTP: what holds the public address passes them on to here.",
                ],
                default: "127.0.0.1:8443",
                read: |draft, text| set(&mut draft.telegram_webhook_addr, value::address(text)),
                ..KEY
            },
            Key {
                name: "TELEGRAM_PACE",
                doc: &[
                    "`on`: never faster than Telegram likes (a message a second in a chat, 20 a minute in a group, 30 a second",
                    "in all). `off`: as fast as the server takes it, and no faster when it says so.",
                    "Unset: on with Telegram itself, off with a server of one's own (TELEGRAM_API_URL).",
                ],
                example: "on",
                read: |draft, text| set(&mut draft.telegram_pace, value::switch(text)),
                ..KEY
            },
        ],
    },
    Group {
        title: "The OpenAI-compatible API (either key makes `dramatis run` serve it)",
        keys: &[
            Key {
                name: "API_ADDR",
                doc: &["Where it listens: address and port. With API_KEYS alone: 127.0.0.1:8080."],
                example: "127.0.0.1:8080",
                read: |draft, text| set(&mut draft.api_addr, value::address(text)),
                ..KEY
            },
            Key {
                name: "API_KEYS",
                doc: &["Keys that clients send as `Authorization: Bearer KEY`, with commas between them."],
                example: "A_LONG_SECRET_ONE,A_LONG_SECRET_TWO",
                secret: true,
                read: |draft, text| set(&mut draft.api_keys, value::keys(text)),
                ..KEY
            },
        ],
    },
    Group {
        title: "Tools of others",
        keys: &[Key {
            name: "MCP_CONFIG",
            doc: &[
                "The settings file of MCP servers, whose tools characters may use (docs/mcp.md).",
                "Unset: mcp.json where the program is started, when it is there.",
            ],
            example: "mcp.json",
            read: |draft, text| set(&mut draft.mcp, Ok(PathBuf::from(text))),
            ..KEY
        }],
    },
    Group {
        title: "Memory",
        keys: &[Key {
            name: "EMBEDDING_MODEL",
            doc: &[
                "The model that compares meanings, run in process: a name on the model hub, or a directory.",
                "`none`: recall by words only.",
            ],
            default: "sentence-transformers/all-MiniLM-L6-v2",
            read: |draft, text| set(&mut draft.embedding_model, Ok(text.to_owned())),
            ..KEY
        }],
    },
    Group {
        title: "Tools that reach the web (only for characters whose `skills` name them, see docs/tools.md)",
        keys: &[
            Key {
                name: "WEB_SEARCH",
                doc: &[
                    "The service behind `web_search`: `searxng` (its JSON format must be on), `brave`, or `off`.",
                ],
                default: "off",
                read: |draft, text| set(&mut draft.search_provider, value::search(text)),
                ..KEY
            },
            Key {
                name: "WEB_SEARCH_URL",
                doc: &["Its address, without the path. Unset: Brave's own; SearXNG has none."],
                example: "http://127.0.0.1:8888",
                read: |draft, text| set(&mut draft.search_url, value::server(text)),
                ..KEY
            },
            Key {
                name: "WEB_SEARCH_KEY",
                doc: &["Its key, where it wants one."],
                example: "YOUR_KEY",
                secret: true,
                read: |draft, text| set(&mut draft.search_key, value::api_key(text)),
                ..KEY
            },
            Key {
                name: "WEB_PAGES",
                doc: &[
                    "`on`: `read_web_page` reads pages of the public internet. `off`: there is no such tool.",
                ],
                default: "on",
                read: |draft, text| set(&mut draft.web_pages, value::switch(text)),
                ..KEY
            },
        ],
    },
    Group {
        title: "Logs (to standard error, and to a file a day in DATA_DIR/logs)",
        keys: &[
            Key {
                name: "LOG_FORMAT",
                doc: &["`text` or `json`."],
                default: "text",
                read: |draft, text| set(&mut draft.log_format, value::log_format(text)),
                ..KEY
            },
            Key {
                name: "LOG_LEVEL",
                doc: &[
                    "error, warn, info, debug, trace or off; or pairs such as `warn,dramatis=debug`.",
                    "Unset: the file gets `info`, and standard error only what the command needs to tell.",
                ],
                example: "info",
                read: |draft, text| set(&mut draft.log_level, value::log_level(text)),
                ..KEY
            },
        ],
    },
];

fn set<T>(slot: &mut Option<T>, value: Result<T, String>) -> Result<(), String> {
    value.map(|value| *slot = Some(value))
}
