//! What is heard, and how it reads.

use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn cast() -> Cast {
    Cast::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("characters")).unwrap().0
}

struct Bot {
    world: World,
    cast: Cast,
    elena: CharacterId,
    hooks: Hooks,
}

impl Bot {
    fn new() -> Self {
        let world = World::default();
        let guild = json!({"id": "1", "roles": [{"id": "50", "tags": {"bot_id": "9"}}],
            "channels": [{"id": "2", "type": 0, "name": "general"}],
            "threads": [{"id": "3", "type": 11, "parent_id": "2", "name": "plans"}]});
        world.guild(serde_json::from_value(guild).unwrap(), "9");
        Self { world, cast: cast(), elena: CharacterId::new("elena").unwrap(), hooks: Hooks::default() }
    }

    fn ear(&self) -> Ear<'_> {
        Ear {
            me: "9",
            application: "9",
            alone: false,
            personas: true,
            world: &self.world,
            cast: &self.cast,
            hooks: &self.hooks,
        }
    }
}

/// A message of Robin's with these fields over the usual ones.
fn message(over: &Value) -> Message {
    let mut all = json!({"id": "1300000000000000000", "channel_id": "2", "guild_id": "1", "type": 0,
        "author": {"id": "7", "username": "robin", "global_name": "Robin"}, "content": "hi"});
    for (key, value) in over.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

#[rstest]
#[case::in_private(json!({"guild_id": null}), Meant::Bot)]
#[case::by_the_way(json!({}), Meant::Nobody)]
#[case::mentioned(json!({"content": "<@9> hi", "mentions": [{"id": "9", "username": "d", "bot": true}]}), Meant::Bot)]
#[case::by_its_role(json!({"content": "<@&50> hi", "mention_roles": ["50"]}), Meant::Bot)]
#[case::another_role(json!({"content": "<@&51> hi", "mention_roles": ["51"]}), Meant::Nobody)]
#[case::somebody_else(json!({"content": "<@8> hi", "mentions": [{"id": "8", "username": "sam"}]}), Meant::Nobody)]
#[case::replied_to(json!({"type": 19, "mentions": [{"id": "9", "username": "d"}],
    "referenced_message": {"id": "4", "channel_id": "2", "author": {"id": "9", "username": "d"}}}), Meant::Speaker)]
#[case::its_persona_replied_to(json!({"type": 19, "referenced_message": {"id": "4", "channel_id": "2",
    "webhook_id": "77", "application_id": "9", "author": {"id": "77", "username": "Elena", "bot": true}}}), Meant::Speaker)]
#[case::a_strange_webhook_replied_to(json!({"type": 19, "referenced_message": {"id": "4", "channel_id": "2",
    "webhook_id": "78", "author": {"id": "78", "username": "News", "bot": true}}}), Meant::Nobody)]
#[case::another_bot(json!({"guild_id": null, "author": {"id": "8", "username": "b", "bot": true}}), Meant::Nobody)]
#[case::a_webhook(json!({"content": "<@9>", "webhook_id": "78", "mentions": [{"id": "9", "username": "d"}]}), Meant::Nobody)]
#[case::somebody_joined(json!({"guild_id": null, "type": 7}), Meant::Nobody)]
fn a_message_is_meant_for_us(#[case] over: Value, #[case] expected: Meant) {
    assert_eq!(Bot::new().ear().meant(&message(&over)), expected);
}

#[rstest]
#[case("what do you think?", &[])]
#[case("Iris, what do you think?", &["iris"])]
#[case("iris and Elena, come here", &["iris", "elena"])]
#[case("Iris, Elena & nadia: listen", &["iris", "elena", "nadia"])]
#[case("hey iris what's up", &["iris"])]
#[case("good morning, Elena", &["elena"])]
#[case("Iris", &["iris"])]
#[case("Iris?", &["iris"])]
#[case("Iris loves painting, doesn't she?", &[])]
#[case("do you know Iris?", &[])]
#[case("Irish coffee, please", &[])]
fn whoever_is_spoken_to_by_name_is_called(#[case] text: &str, #[case] expected: &[&str]) {
    let called = Bot::new().ear().called(text);
    assert_eq!(called.iter().map(CharacterId::as_str).collect::<Vec<_>>(), expected);
}

#[rstest]
#[case("<@9>, hello <@8> in <#2>", "hello @Sam the Great in #general")]
#[case("<a:wave:123> x < y and a<b", ":wave: x < y and a<b")]
#[case("<@&50> see <@&51> and <@404>", "see @role and @somebody")]
#[case("2 < 3 <- <https://a.example/?x=1>", "2 < 3 <- <https://a.example/?x=1>")]
#[case("<<@9>", "<")]
fn ids_become_names(#[case] content: &str, #[case] expected: &str) {
    let mentions: Vec<Mention> = serde_json::from_value(json!([
        {"id": "8", "username": "sam", "global_name": "Sam", "member": {"nick": "Sam the Great"}}
    ]))
    .unwrap();
    assert_eq!(Bot::new().ear().words(content, &mentions, Some("1")), expected);
}

#[test]
fn a_message_carries_its_place_and_its_surroundings() {
    let bot = Bot::new();
    let heard = message(&json!({"channel_id": "3", "type": 19, "content": "and this?",
        "timestamp": "2026-05-04T17:30:00.123000+00:00", "member": {"nick": "Rob"},
        "attachments": [{"id": "1", "filename": "a.png", "content_type": "image/png", "size": 12}],
        "message_snapshots": [{"message": {"content": "old news"}}],
        "referenced_message": {"id": "4", "channel_id": "3", "content": "ask <@9>",
            "author": {"id": "8", "username": "sam"}}}));
    let spot = bot.world.known("3").unwrap();
    let inbound = bot.ear().inbound(&heard, Some(&spot), bot.elena.clone()).unwrap();
    assert_eq!(inbound.place, "discord:1/2/3".parse::<Place>().unwrap());
    assert_eq!((inbound.user.as_str(), inbound.user_name.as_str()), ("discord:7", "Rob"));
    assert_eq!(inbound.text, "and this?");
    assert_eq!(
        inbound.beside,
        [
            Quoted::Attachment { name: "a.png".to_owned(), media: Some("image/png".to_owned()), size: 12 },
            Quoted::Forward { by: None, text: "old news".to_owned() },
            Quoted::Reply { by: Some("sam".to_owned()), text: "ask".to_owned() },
        ]
    );
    let address = Address::read(&inbound.address.unwrap()).unwrap();
    assert_eq!((address.parent.as_deref(), address.quote), (Some("2"), true));
    assert_eq!(address.persona.as_ref().map(CharacterId::as_str), Some("elena"));
}

#[rstest]
#[case(json!({"content": "", "sticker_items": [{"id": "1", "name": "wave"}]}), "(sends a sticker)")]
#[case(json!({"content": "<@9>"}), "(says your name)")]
fn a_message_without_words_says_something_all_the_same(#[case] over: Value, #[case] expected: &str) {
    let bot = Bot::new();
    let inbound = bot.ear().inbound(&message(&over), None, bot.elena.clone()).unwrap();
    assert_eq!((inbound.text.as_str(), inbound.place), (expected, Place::Dm));
}

#[test]
fn an_id_holds_its_moment() {
    // The example of Discord's documentation, "Snowflakes".
    let at = made_at("175928847299117063").unwrap();
    assert_eq!(at.micros(), 1_462_015_105_796_000);
    assert_eq!(id_at(at) >> 22, 175_928_847_299_117_063 >> 22);
}

#[test]
fn links_to_messages_of_the_same_server_are_found() {
    let text =
        "see https://discord.com/channels/1/2/33 and https://ptb.discord.com/channels/9/2/34, /channels/1/2";
    assert_eq!(links(text, "1"), [("2".to_owned(), "33".to_owned())]);
}
