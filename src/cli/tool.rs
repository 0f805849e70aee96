//! `dramatis tool list | call`: the tools of characters, tried by hand and without a model.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context as _;

use super::memory::Eyes;
use crate::{
    app,
    character::{Cast, Character},
    config::Settings,
    jobs::Queue,
    llm::ToolCall,
    memory::Memory,
    model::{Clock, MessageId, SystemClock, Viewer},
    relationship::Relationships,
    store::Database,
    tool::{self, Context, HouseParts, Net, Permission, Toolbox, mcp},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists the tools of the house and of MCP servers: what they do, and what they need
    List {
        /// As JSON, with the schema of the arguments
        #[arg(long)]
        json: bool,
    },
    /// Calls a tool as a character would for somebody, and prints what it brings
    #[command(after_help = "Examples:\n  \
        dramatis tool call calculator '{\"expression\": \"15% of 80\"}'\n  \
        dramatis tool call analyze_topic '{\"topic\": \"boats\"}' --user robin\n  \
        dramatis tool call recall_period '{\"period\": \"last week\"}' --user sam --place lounge/general\n\n\
        Tools that change something rest on the last message of the person in that place: say one first with \
        `dramatis chat`.")]
    Call {
        /// The tool
        name: String,
        /// Its arguments, as one JSON object
        #[arg(default_value = "{}")]
        arguments: String,
        #[command(flatten)]
        eyes: Eyes,
    },
}

pub(super) async fn run(settings: Settings, command: Command) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::open(&settings.database).await?;
    let embeddings = app::embeddings(&settings);
    let memory = Memory::new(database.clone(), embeddings.clone(), clock.clone());
    let (cast, _) = Cast::open(&settings.characters_dir)
        .with_context(|| format!("cannot load characters from {}", settings.characters_dir.display()))?;
    let tools = tool::house(HouseParts {
        memory: memory.clone(),
        embeddings,
        relationships: Relationships::new(database.clone(), clock.clone()),
        queue: Queue::new(database.clone(), clock.clone()),
        cast: cast.clone(),
        search: settings.search.clone(),
        pages: settings.web_pages.then(Net::default),
    });
    let done = match command {
        Command::List { json } => list(&tools, &app::mcp_servers(&settings)?, json).await,
        Command::Call { name, arguments, eyes } => {
            let viewer = eyes.viewer(&settings)?;
            let call = ToolCall { id: "cli".to_owned(), name, arguments };
            try_out(&tools, &cast, &memory, &*clock, viewer, &call).await
        }
    };
    database.close().await;
    done
}

async fn list(tools: &Toolbox, servers: &mcp::Config, json: bool) -> anyhow::Result<ExitCode> {
    for tool in tools.all().into_values() {
        let spec = tool.spec();
        let needs = match tool.permission() {
            Permission::Read => "reads",
            Permission::Write => "changes what is remembered",
            Permission::Network => "reaches the web",
        };
        if json {
            let shown = serde_json::json!({
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.parameters,
                "permission": needs,
                "limit_ms": u64::try_from(tool.limit().as_millis())?,
            });
            say!("{shown}");
        } else {
            say!("{:<24}{needs}; at most {} s\n    {}", spec.name, tool.limit().as_secs(), spec.description);
        }
    }
    if tools.get("web_search").is_none() && !json {
        eprintln!("note: there is no `web_search` until WEB_SEARCH is set (.env.sample)");
    }
    let looks = servers.servers.iter().map(async |server| (server, mcp::look(server).await));
    for (server, look) in futures::future::join_all(looks).await {
        match look {
            Ok(look) => told(server, look, json),
            Err(trouble) => eprintln!("note: {server}: {trouble}\n    -> {}", trouble.remedy(server)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The tools of a server, and why others of it are not there.
fn told(server: &mcp::Server, look: mcp::Look, json: bool) {
    for name in look.tools {
        if json {
            say!("{}", serde_json::json!({ "name": name, "server": server.name }));
        } else {
            say!("{name:<24}of the MCP server {server}; at most {} s", server.limit.as_secs());
        }
    }
    for reason in look.left_out {
        eprintln!("note: {server}: {reason}");
    }
}

async fn try_out(
    tools: &Toolbox,
    cast: &Cast,
    memory: &Memory,
    clock: &dyn Clock,
    viewer: Viewer,
    call: &ToolCall,
) -> anyhow::Result<ExitCode> {
    let Some(tool) = tools.get(&call.name) else {
        let names: Vec<String> = tools.all().into_keys().collect();
        anyhow::bail!("there is no tool `{}`; there are {}", call.name, names.join(", "));
    };
    let character = cast.get(&viewer.character).with_context(|| {
        format!("there is no character `{}`; `dramatis characters list` shows the cast", viewer.character)
    })?;
    if !tools.specs(&character).iter().any(|spec| spec.name == call.name) {
        eprintln!(
            "note: {} may not use `{}`: its `skills` (core.yaml) do not name it; it is tried all the same",
            character.name, call.name
        );
    }
    // Whoever sits at this keyboard may try everything.
    let mut able = Character::clone(&character);
    able.core.skills = vec![call.name.clone()];
    let last = memory.last_said(&viewer).await?;
    if last.is_none() && tool.permission() == Permission::Write {
        anyhow::bail!(
            "`{}` rests on a message of {} to {} in {}, and there is none: say one first with `dramatis chat`",
            call.name,
            viewer.user,
            viewer.character,
            viewer.place
        );
    }
    let message = last.map(|last| last.id.parse()).transpose()?.unwrap_or_else(MessageId::new);
    let user_name = match memory.known_name(&viewer).await? {
        Some(name) => name,
        None => viewer.user.as_str().split_once(':').map(|(_, name)| name.to_owned()).unwrap_or_default(),
    };
    let context = Context { viewer, character: Arc::new(able), user_name, message, now: clock.now() };
    let outcome = tools.call(&context, call).await;
    match outcome.result {
        Ok(text) => {
            say!("{text}");
            eprintln!("({} ms)", outcome.took.as_millis());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let schema = serde_json::to_string_pretty(&tool.spec().parameters)?;
            if matches!(error, tool::ToolError::Arguments(_)) {
                eprintln!("the arguments of `{}` are:\n{schema}", call.name);
            }
            anyhow::bail!("{error}")
        }
    }
}
