//! `dramatis doctor`: looks at everything a start needs, and says how to mend what is wrong.

use std::{fmt, path::Path, process::ExitCode, time::Duration};

use crate::{
    app,
    character::{Cast, Severity},
    config::{DiscordAccounts, EndpointSettings, Settings, TelegramAccount},
    embed::EmbedState,
    llm::{self, Probed},
    platform::{
        discord,
        telegram::{self, Account},
    },
    store::Database,
    tool::mcp,
};

/// How long the embedding model may take to load before that is a finding.
const LOADING: Duration = Duration::from_secs(20);

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    what: &'static str,
    verdict: Verdict,
    found: String,
    remedy: Option<String>,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Warning => "warning",
            Verdict::Error => "ERROR  ",
        };
        write!(f, "{mark}  {:<11}{}", self.what, self.found)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "\n{:20}-> {remedy}", "")?;
        }
        Ok(())
    }
}

impl Check {
    fn ok(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Ok, found: found.into(), remedy: None }
    }

    fn warning(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Warning, found: found.into(), remedy: Some(remedy.into()) }
    }

    fn error(what: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Error, found: found.into(), remedy: Some(remedy.into()) }
    }
}

/// Checks one after the other, so that each line appears as soon as it is known.
pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let (settings, warnings) = match Settings::load(Path::new("."), crate::config::environment()) {
        Ok(loaded) => loaded,
        Err(errors) => {
            say!(
                "{}",
                Check::error("settings", errors.to_string(), "mend each line above, then run this again")
            );
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut worst = Verdict::Ok;
    let mut tell = |check: Check| {
        say!("{check}");
        if check.verdict == Verdict::Error || worst == Verdict::Ok {
            worst = check.verdict;
        }
    };
    tell(Check::ok("settings", "every key is known and every value fits"));
    for warning in warnings {
        tell(Check::warning("settings", warning, "see .env.sample for every key"));
    }
    for line in settings.describe() {
        say!("{:20}{:<28}  {:<38}  {}", "", line.key, line.value, line.source);
    }
    let writable = data_dir(&settings);
    let can_store = writable.verdict == Verdict::Ok;
    tell(writable);
    if can_store {
        for check in database(&settings).await {
            tell(check);
        }
    }
    for check in characters(&settings) {
        tell(check);
    }
    tell(embeddings(&settings).await);
    for check in models(&settings).await {
        tell(check);
    }
    for check in mcp_servers(&settings).await {
        tell(check);
    }
    if let Some(accounts) = &settings.discord {
        for check in discord(accounts).await {
            tell(check);
        }
    }
    if let Some(account) = &settings.telegram {
        tell(telegram(account).await);
    }
    say!("");
    match worst {
        Verdict::Ok => say!("All is well."),
        Verdict::Warning => say!("It will run; the warnings say what would make it better."),
        Verdict::Error => say!("There are errors; each line above says what to do."),
    }
    Ok(if worst == Verdict::Error { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn data_dir(settings: &Settings) -> Check {
    let dir = &settings.data_dir;
    let probe = dir.join(".doctor");
    let tried = std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&probe, b"ok"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Check::ok("data", format!("{} can be written", dir.display())),
        Err(error) => Check::error(
            "data",
            format!("{} cannot be written: {error}", dir.display()),
            "give this user the right to write there, or set DATA_DIR to another directory",
        ),
    }
}

async fn database(settings: &Settings) -> Vec<Check> {
    let place = settings.database.describe();
    match Database::open(&settings.database).await {
        Err(error) => vec![Check::error("database", error.to_string(), "see the end of the message")],
        Ok(database) => {
            let mut checks = vec![match database.schema_version().await {
                Ok(version) => Check::ok("database", format!("{place}, schema version {version}")),
                Err(error) => Check::error("database", error.to_string(), "run `dramatis migrate`"),
            }];
            if !database.has_vectors() {
                checks.push(Check::warning(
                    "database",
                    "this Postgres has no pgvector, so memory is searched by words only",
                    "install the extension `vector` on the server (package postgresql-NN-pgvector), then restart",
                ));
            }
            database.close().await;
            checks
        }
    }
}

fn characters(settings: &Settings) -> Vec<Check> {
    let dir = settings.characters_dir.display();
    let (cast, findings) = match Cast::open(&settings.characters_dir) {
        Ok(opened) => opened,
        Err(error) => {
            return vec![Check::error(
                "characters",
                error.to_string(),
                "set CHARACTERS_DIR to a folder of characters, or make one: dramatis characters new ID",
            )];
        }
    };
    let mut checks = Vec::new();
    for (folder, list) in findings {
        let errors = list.iter().filter(|finding| finding.severity == Severity::Error).count();
        let first = list.first().map(ToString::to_string).unwrap_or_default();
        let remedy = format!("dramatis characters check {dir}/{folder}");
        checks.push(if errors > 0 {
            Check::error("characters", format!("{folder} has {errors} errors, the first: {first}"), remedy)
        } else {
            Check::warning("characters", format!("{folder}: {first}"), remedy)
        });
    }
    if cast.get(&settings.character).is_some() {
        checks.push(Check::ok(
            "characters",
            format!("{} in {dir}, {} is the default", cast.len(), settings.character),
        ));
    } else {
        checks.push(Check::error(
            "characters",
            format!("the default character `{}` is not in {dir}", settings.character),
            "set CHARACTER to the id of a character that is there",
        ));
    }
    checks
}

async fn embeddings(settings: &Settings) -> Check {
    let name = &settings.embedding_model;
    if name == "none" {
        return Check::warning(
            "embeddings",
            "switched off, so memory is searched by words only",
            "remove EMBEDDING_MODEL=none to search by meaning, too",
        );
    }
    let embeddings = app::embeddings(settings);
    let probe = tokio::time::timeout(LOADING, embeddings.embed(vec!["a probe".to_owned()])).await;
    let reload = "pull it again: dramatis models pull";
    match (probe, embeddings.state()) {
        (Ok(Ok(Some(_))), EmbedState::Ready { dimensions }) => {
            Check::ok("embeddings", format!("{name}, {dimensions} dimensions"))
        }
        (_, EmbedState::Missing) => Check::warning(
            "embeddings",
            format!("{name} is not set up, so memory is searched by words only"),
            "dramatis models pull",
        ),
        (_, EmbedState::Failed(reason)) => Check::error("embeddings", format!("{name}: {reason}"), reload),
        (Ok(Err(error)), _) => Check::error("embeddings", format!("{name}: {error}"), reload),
        _ => {
            Check::error("embeddings", format!("{name} did not load within {} s", LOADING.as_secs()), reload)
        }
    }
}

async fn discord(accounts: &DiscordAccounts) -> Vec<Check> {
    let shared = accounts.token.iter().map(|token| ("DISCORD_TOKEN".to_owned(), token));
    let own = accounts.own.iter().map(|(id, token)| {
        (format!("DISCORD_TOKEN_{}", id.as_str().to_ascii_uppercase().replace('-', "_")), token)
    });
    let mut checks = Vec::new();
    for (key, token) in shared.chain(own) {
        checks.push(match discord::look(token, accounts.api_url.as_ref()).await {
            discord::Account::Ready { name, sees_content: true } => {
                Check::ok("discord", format!("{name} ({key}); it reads the words of all messages"))
            }
            discord::Account::Ready { name, sees_content: false } => Check::warning(
                "discord",
                format!("{name} ({key}) reads only messages in private and those that mention it"),
                "switch on MESSAGE CONTENT INTENT at https://discord.com/developers/applications (Bot, Privileged \
                 Gateway Intents), so that replies to characters with names of their own are heard",
            ),
            discord::Account::WrongToken => Check::error(
                "discord",
                format!("Discord does not know {key}"),
                "copy it again from https://discord.com/developers/applications (Bot, Reset Token)",
            ),
            discord::Account::Unreachable(reason) => Check::error(
                "discord",
                format!("cannot be reached: {reason}"),
                "check the network, and DISCORD_API_URL if it is set",
            ),
        });
    }
    checks
}

async fn telegram(account: &TelegramAccount) -> Check {
    match telegram::look(&account.token, account.api_url.as_ref()).await {
        Account::Ready { name, sees_all: true } => Check::ok(
            "telegram",
            format!(
                "@{name}; privacy mode is off: groups send it every message, and it keeps what is meant for it"
            ),
        ),
        Account::Ready { name, sees_all: false } => Check::ok(
            "telegram",
            format!(
                "@{name}; privacy mode is on: groups send it commands, replies and mentions (@BotFather, /setprivacy)"
            ),
        ),
        Account::WrongToken => Check::error(
            "telegram",
            "Telegram does not know TELEGRAM_TOKEN",
            "copy it again from @BotFather (/mybots, API Token)",
        ),
        Account::Unreachable(reason) => Check::error(
            "telegram",
            format!("cannot be reached: {reason}"),
            "check the network, and TELEGRAM_API_URL if it is set",
        ),
    }
}

async fn mcp_servers(settings: &Settings) -> Vec<Check> {
    let config = match app::mcp_servers(settings) {
        Ok(config) => config,
        Err(error) => {
            return vec![Check::error(
                "mcp",
                error.to_string(),
                "mend the file; docs/mcp.md tells how it looks",
            )];
        }
    };
    let looks = config.servers.iter().map(async |server| match mcp::look(server).await {
        Ok(look) if look.left_out.is_empty() && !look.tools.is_empty() => {
            let tools = look.tools.join(", ");
            Check::ok("mcp", format!("{server} has {} tools: {tools}", look.tools.len()))
        }
        Ok(look) => Check::warning(
            "mcp",
            format!(
                "{server} has {} tools: {}; {}",
                look.tools.len(),
                look.tools.join(", "),
                look.left_out.join("; ")
            ),
            "see `allow` in the settings of MCP servers, and ask whoever makes the server",
        ),
        Err(trouble) => Check::warning("mcp", format!("{server}: {trouble}"), trouble.remedy(server)),
    });
    futures::future::join_all(looks).await
}

async fn models(settings: &Settings) -> Vec<Check> {
    let Some(main) = &settings.llm else {
        let found = match &settings.ollama {
            Some(address) => llm::find_ollama(address).await,
            None => None,
        };
        let mut checks = vec![match found {
            Some(model) => Check::ok("model", format!("none configured; Ollama answers with {model}")),
            None => Check::warning(
                "model",
                "none configured and no Ollama found: the built-in offline responder answers",
                "set LLM_BASE_URL, LLM_MODEL and, where needed, LLM_API_KEY; or start Ollama",
            ),
        }];
        if let Some(endpoint) = &settings.cloud {
            checks.push(model("cloud", "CLOUD_LLM", endpoint).await);
        }
        return checks;
    };
    let mut checks = vec![model("model", "LLM", main).await];
    for (what, key, tier) in
        [("router", "ROUTER_LLM", &settings.router), ("reflective", "REFLECTIVE_LLM", &settings.reflective)]
    {
        checks.push(match tier {
            Some(endpoint) => model(what, key, endpoint).await,
            None => Check::ok(what, format!("not configured: uses the main model ({})", main.model)),
        });
    }
    checks.push(match &settings.cloud {
        Some(endpoint) => model("cloud", "CLOUD_LLM", endpoint).await,
        None => Check::ok("cloud", "not configured: the main model answers everything"),
    });
    let fallbacks = [
        ("LLM_FALLBACKS", &settings.fallbacks.main),
        ("ROUTER_LLM_FALLBACKS", &settings.fallbacks.router),
        ("REFLECTIVE_LLM_FALLBACKS", &settings.fallbacks.reflective),
        ("CLOUD_LLM_FALLBACKS", &settings.fallbacks.cloud),
    ];
    for (key, endpoints) in fallbacks {
        for endpoint in endpoints {
            checks.push(model("fallback", key, endpoint).await);
        }
    }
    checks
}

async fn model(what: &'static str, key: &str, endpoint: &EndpointSettings) -> Check {
    let at = format!("{} at {}", endpoint.model, endpoint.base_url);
    // Fallbacks have one setting for all their parts.
    let setting = |part: &str| if what == "fallback" { key.to_owned() } else { format!("{key}_{part}") };
    match llm::probe(&endpoint.base_url, endpoint.api_key.as_ref(), &endpoint.model).await {
        Probed::Ready => Check::ok(what, at),
        Probed::NoList => {
            Check::ok(what, format!("{at} answers (it keeps no list of models, so the name is unchecked)"))
        }
        Probed::NoSuchModel(known) => Check::error(
            what,
            format!("{} does not offer `{}`", endpoint.base_url, endpoint.model),
            format!("set {} to one it offers: {}", setting("MODEL"), known.join(", ")),
        ),
        Probed::WrongKey => Check::error(
            what,
            format!("{at} refuses the key"),
            format!("set {} to a key of this service that is valid", setting("API_KEY")),
        ),
        Probed::Unreachable(reason) => Check::error(
            what,
            format!("{at} cannot be reached: {reason}"),
            format!("check {} and that the service runs", setting("BASE_URL")),
        ),
        Probed::Broken(status) => Check::error(
            what,
            format!("{at} answers with HTTP {status}"),
            format!(
                "check that the address in {} ends where the API begins (often `/v1`), and the state of the service",
                setting("BASE_URL")
            ),
        ),
    }
}
