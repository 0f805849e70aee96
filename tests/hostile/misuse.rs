//! Tools with bad input: in the house on every engine, and by hand with `dramatis tool`.

use std::{path::Path, sync::Arc, time::Duration};

use dramatis::{
    character::{Cast, Character, TOOLS},
    embed::Embeddings,
    jobs::Queue,
    llm::ToolCall,
    memory::{Memory, NewMessage},
    model::{Clock, ManualClock, Place, Preference, PreferenceDraft, Timestamp, Viewer},
    relationship::Relationships,
    tool::{Context, HouseParts, Net, Outcome, ToolError, Toolbox, house},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    databases::{Store, stores},
    house::{elena, user},
    program::Home,
};

/// 2026-03-11T15:00:00Z, a Wednesday.
const NOW: Timestamp = Timestamp::from_micros(1_773_241_200_000_000);

struct Hands {
    tools: Toolbox,
    memory: Memory,
    context: Context,
}

impl Hands {
    async fn new(store: &Store) -> Self {
        let time: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let none = || Embeddings::start(None, "none".to_owned());
        let memory = Memory::new(store.database.clone(), none(), time.clone());
        let (cast, _) = Cast::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("characters")).unwrap();
        let mut character = Character::clone(&cast.get(&elena()).unwrap());
        character.core.skills = TOOLS.iter().map(|name| (*name).to_owned()).collect();
        let viewer = Viewer::new(elena(), user("robin"), Place::Dm);
        let told = NewMessage {
            platform: "test".to_owned(),
            platform_id: "1".to_owned(),
            character: elena(),
            user: user("robin"),
            user_name: "Robin".to_owned(),
            place: Place::Dm,
            text: "remind me, and call me Captain 😀".to_owned(),
            at: NOW,
            reply_to: None,
            beside: Vec::new(),
            address: Some("{\"chat\":1}".to_owned()),
            holder: None,
        };
        let message = memory.store_user_message(told).await.unwrap().message.id;
        let tools = house(HouseParts {
            memory: memory.clone(),
            embeddings: none(),
            relationships: Relationships::new(store.database.clone(), time.clone()),
            queue: Queue::new(store.database.clone(), time),
            cast,
            search: None,
            pages: Some(Net::default()),
        });
        let user_name = "Robin".to_owned();
        Self {
            tools,
            memory,
            context: Context { viewer, character: Arc::new(character), user_name, message, now: NOW },
        }
    }

    async fn call(&self, name: &str, arguments: &str) -> Outcome {
        let call = ToolCall { id: "1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
        self.tools.call(&self.context, &call).await
    }
}

/// One value of each kind that a model or a vandal might write.
fn odd() -> Vec<Value> {
    let mut odd = vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(2.5),
        json!([]),
        json!({}),
        json!([[[["x"]]]]),
        json!({ "a": { "b": null } }),
    ];
    let texts = [
        "",
        " ",
        "\u{0}",
        "a\u{0}b",
        "😀",
        "👩‍👩‍👧",
        "\u{202e}abc",
        "%' OR 1=1; --",
        "\"",
        "*",
        "NEAR(a b)",
        "(((",
        "\\",
        "%",
        "_",
        "-1",
        "NaN",
        "\u{fffd}\u{10ffff}",
        "today to yesterday",
        "in 99999999999 years",
        "9999-12-31",
        "0000-00-00",
        "-9999-01-01 00:00",
        "http://",
        "http://[::",
        "https://a\u{0}b/",
    ];
    odd.extend(texts.map(|text| json!(text)));
    odd.extend([10, 100_000].map(|size| json!("x ".repeat(size))));
    odd
}

#[tokio::test(flavor = "multi_thread")]
async fn no_argument_breaks_a_tool() {
    for store in stores().await {
        let hands = Hands::new(&store).await;
        let mut calls = 0;
        for tool in hands.tools.all().into_values() {
            let spec = tool.spec();
            let properties = spec.parameters["properties"].as_object().unwrap();
            // Something that fits, so that each argument is tried by itself.
            let fits = |name: &str| match name {
                "key" => json!("nickname"),
                "predicate" => json!("lives_in"),
                "expression" => json!("1 + 1"),
                "url" => json!("http://127.0.0.1/"),
                "period" => json!("today"),
                "when" => json!("tomorrow"),
                "character" => json!("iris"),
                _ => json!("Captain"),
            };
            let required = spec.parameters["required"].as_array().cloned().unwrap_or_default();
            for name in properties.keys() {
                for value in odd() {
                    let mut arguments: serde_json::Map<String, Value> = required
                        .iter()
                        .filter_map(Value::as_str)
                        .map(|name| (name.to_owned(), fits(name)))
                        .collect();
                    arguments.insert(name.clone(), value.clone());
                    let written = Value::Object(arguments).to_string();
                    let shown: String = written.chars().take(200).collect();
                    let at = format!("{}: {} {shown}", store.name, spec.name);
                    let outcome = hands.call(&spec.name, &written).await;
                    match &outcome.result {
                        Ok(text) => assert!(text.chars().count() <= 6_000, "{at}"),
                        Err(ToolError::Failed(why)) => {
                            assert!(spec.name == "read_web_page", "{at}: it failed: {why}");
                        }
                        Err(ToolError::Late(_)) => panic!("{at}: late"),
                        Err(error) => {
                            let told = error.to_string();
                            assert!(told.chars().count() <= 700 && told.len() > 10, "{at}: {told}");
                        }
                    }
                    calls += 1;
                }
            }
            for written in ["", "null", "{", "[]", "\"x\"", "{\"a\":", &"[".repeat(100_000), "{} {}", "\u{0}"]
            {
                let outcome = hands.call(&spec.name, written).await;
                assert!(
                    !matches!(outcome.result, Err(ToolError::Failed(_) | ToolError::Late(_))),
                    "{}",
                    spec.name
                );
            }
        }
        println!("{}: {calls} odd calls came back", store.name);
    }
}

#[rstest]
#[case("1/0")]
#[case("0/0")]
#[case("10^10^10")]
#[case("10^(10^10)")]
#[case("2^(2^(2^(2^(2^2))))")]
#[case("9999999999!")]
#[case("99999!!")]
#[case("(10^9)!")]
#[case("1e999999999999")]
#[case("1e-999999999999")]
#[case("sqrt(-1)")]
#[case("log 0")]
#[case("fibonacci(99999999)")]
#[case("0.000000000000000000000000000000000000001^99999999")]
#[case("pi^pi^pi^pi^pi")]
#[case("(((((((((((((((((((((((1)))))))))))))))))))))))")]
#[case("1 + + + + - - - 1")]
#[case("1 kg in m")]
#[case("😀 + 1")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sum_comes_back_in_time(#[case] expression: &str) {
    let stores = stores().await;
    let hands = Hands::new(&stores[0]).await;
    let arguments = json!({ "expression": expression }).to_string();
    // Twice the limit of the tool: this holds it to its limit, not to the speed of the machine.
    let done = tokio::time::timeout(Duration::from_secs(30), hands.call("calculator", &arguments)).await;
    let outcome = done.unwrap_or_else(|_| panic!("{expression} does not end"));
    assert!(
        !matches!(outcome.result, Err(ToolError::Failed(_) | ToolError::Late(_))),
        "{expression}: {outcome:?}"
    );
}

/// By the clock of Berlin, whose summer time begins on 29 March 2026 at 2:00 and ends on 25 October at 3:00.
#[rstest]
#[case("2026-03-29 02:30", Ok("2026-03-29 03:30"))]
#[case("2026-10-25 02:30", Ok("2026-10-25 02:30"))]
#[case("in 18 days", Ok("2026-03-29 16:00"))]
#[case("29 february", Err("is no moment"))]
#[case("2027-02-29", Err("is no moment"))]
#[case("yesterday", Err("is no moment"))]
#[case("2020-01-01 10:00", Err("is over"))]
#[case("-1 minutes", Err("is no moment"))]
#[case("in -5 minutes", Err("is no moment"))]
#[case("in 0 minutes", Err("is over"))]
#[case("today at 3:00", Err("is over"))]
#[case("in 999999 years", Err("is no moment"))]
#[case("9999-12-31 23:59", Err("5 years"))]
#[case("262143-01-01T00:00:00Z", Err("is no moment"))]
#[case("2026-03-12T09:00:00+14:00", Ok("2026-03-11 20:00"))]
#[case("2026-03-12T09:00:00-12:00", Ok("2026-03-12 22:00"))]
#[case("24:00", Err("is no moment"))]
#[case("13 pm", Err("is no moment"))]
#[case("midnight", Err("is no moment"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_comes_when_it_was_asked_for(#[case] when: &str, #[case] expected: Result<&str, &str>) {
    let stores = stores().await;
    let hands = Hands::new(&stores[0]).await;
    let preference = Preference::Timezone("Europe/Berlin".to_owned());
    let wish = PreferenceDraft { preference, owner: user("robin"), source: hands.context.message };
    hands.memory.set_preferences(&hands.context.viewer, &[wish], NOW).await.unwrap();
    let arguments = json!({ "what": "the otters", "when": when }).to_string();
    let told = match hands.call("remind_me", &arguments).await.result {
        Ok(text) => text,
        Err(error) => error.to_string(),
    };
    let part = match expected {
        Ok(at) => format!("{at} Europe/Berlin"),
        Err(why) => why.to_owned(),
    };
    assert!(told.contains(&part), "`{when}`: {told}");
}

/// Exit code and words, as somebody at a keyboard sees them.
#[rstest]
#[case(&["rm_rf"], "there is no tool `rm_rf`")]
#[case(&["calculator"], "\"expression\" is a required property")]
#[case(&["calculator", "{"], "not JSON")]
#[case(&["calculator", "{\"expression\": [1]}"], "not of type \"string\"")]
#[case(&["calculator", "{\"expression\": \"1/0\"}"], "division by zero")]
#[case(&["calculator", "{\"expression\": \"10^10^10\"}"], "too long")]
#[case(&["search_memories", "{\"query\": \"x\", \"limit\": -3}"], "`limit`")]
#[case(&["search_memories", "{\"query\": \"x\", \"no_such\": 1}"], "no_such")]
#[case(&["update_fact", "{\"predicate\": \"lives_in\", \"value\": \"x\"}"], "say one first")]
#[case(&["read_web_page", "{\"url\": \"file:///etc/passwd\"}"], "only http and https")]
#[case(&["read_web_page", "{\"url\": \"http://169.254.169.254/latest\"}"], "not on the public internet")]
#[case(&["read_web_page", "{\"url\": \"http://017700000001/\"}"], "not on the public internet")]
#[case(&["read_web_page", "{\"url\": \"http://localhost/\"}"], "not on the public internet")]
#[case(&["remind_me", "{\"what\": \"x\", \"when\": \"soon\"}"], "say one first")]
#[case(&["calculator", "{\"expression\": \"1\"}", "--character", "nobody"], "nobody")]
#[case(&["calculator", "{\"expression\": \"1\"}", "--place", "a/b/c/d"], "is not a place")]
fn by_hand_each_mistake_is_told(#[case] arguments: &[&str], #[case] expected: &str) {
    let home = Home::new();
    let output = home.run(&[&["tool", "call"], arguments].concat(), "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{text}");
    assert!(text.contains(expected) && !text.contains("panicked"), "{text}");
}
