//! A person and the real tools: told in two sessions, asked a question of several steps, answered from what was looked up.

use dramatis::{
    llm::simulator::{Behaviour, MODEL, Simulator, policy},
    store::{Database, Location},
};
use serde_json::json;
use sqlx::Row as _;

use crate::program::{Home, events, last_answer, of_type, run};

/// Looks up what the question needs, and answers with nothing but that.
fn model() -> Behaviour {
    let rounds = vec![
        vec![
            ("search_memories", json!({ "query": "Luna dog" })),
            ("lookup_facts", json!({ "about": "Luna" })),
        ],
        vec![("search_memories", json!({ "query": "harbour boat" }))],
    ];
    policy::script(rounds, |brought| {
        let found = |word: &str| brought.iter().any(|it| it.content.contains(word));
        match (found("Luna"), found("harbour")) {
            (true, true) => "Your dog Luna sleeps in the boat that lies in the harbour.".to_owned(),
            (true, false) => "Your dog is Luna.".to_owned(),
            _ => "I see.".to_owned(),
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_in_two_sessions_is_looked_up_and_put_together() {
    let simulator = Simulator::start(model()).await.unwrap();
    let home = Home::new();
    let talk = |user: &str, input: &str| {
        let mut command = home.command(&["chat", "--json", "--user", user]);
        command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", MODEL);
        let output = run(command, input);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        events(&output.stdout)
    };
    talk("robin", "My name is Robin and I have a dog named Luna.\n");
    talk("robin", "My old boat lies in the harbour, and she sleeps in it.\n");
    let asked = "/reflect Where does my dog sleep, what is she called, and where is that?\n";
    let all = talk("robin", asked);
    assert_eq!(last_answer(&all), "Your dog Luna sleeps in the boat that lies in the harbour.");
    let finished: Vec<&str> = of_type(&all, "tool")
        .iter()
        .filter(|it| it["state"] == "finished")
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(finished.len(), 3, "{finished:?}");
    assert!(finished.contains(&"lookup_facts"), "{finished:?}");
    let mut command = home.command(&["chat", "--user", "robin"]);
    command.env("LLM_BASE_URL", simulator.base_url()).env("LLM_MODEL", MODEL);
    let output = run(command, "/why\n");
    let why = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(
        ["a matter for thought", "several steps of thought with ", "search_memories", "lookup_facts"]
            .iter()
            .all(|part| why.contains(part)),
        "{why}"
    );
    println!("/why says: {why}");
    // Somebody else gets nothing of it from the same model and the same calls.
    let other = talk("sam", "/reflect Where does my dog sleep, what is she called, and where is that?\n");
    assert_eq!(last_answer(&other), "I see.");
    // Each call of a model is on the ledger.
    let database = Database::open(&Location::in_dir(&home.data())).await.unwrap();
    let rows = sqlx::query(
        "SELECT purpose, CAST(COUNT(*) AS BIGINT) AS n FROM ledger GROUP BY purpose ORDER BY purpose",
    )
    .fetch_all(database.readers())
    .await
    .unwrap();
    let rows: Vec<(String, i64)> = rows.iter().map(|row| (row.get("purpose"), row.get("n"))).collect();
    let total: i64 = rows.iter().map(|(_, n)| n).sum();
    println!("the ledger: {rows:?}");
    assert_eq!(usize::try_from(total).unwrap(), simulator.requests().len(), "{rows:?}");
    assert!(rows.iter().any(|(purpose, n)| purpose == "reflect" && *n >= 3), "{rows:?}");
}
