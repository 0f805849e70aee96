//! Answers without a model, with the shipped characters.

mod casual;
mod corrections;
mod names;

use super::*;
use crate::model::{Preference, Verbosity};
use proptest::prelude::*;
use rstest::rstest;

const DAY: i64 = 86_400_000_000;

fn at(day: i64) -> Timestamp {
    Timestamp::from_micros((20_000 + day) * DAY)
}

fn character(id: &str) -> Material {
    let folder = format!("{}/characters/{id}", env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(format!("{folder}/{file}")).unwrap_or_default();
    let name = text::capitalise(id);
    let background = read("background.yaml");
    let field = |line: &str, key: &str| {
        line.trim().trim_start_matches("- ").strip_prefix(key).map(|value| value.trim().to_owned())
    };
    let predicates: Vec<String> = background.lines().filter_map(|line| field(line, "predicate:")).collect();
    let objects: Vec<String> = background.lines().filter_map(|line| field(line, "object:")).collect();
    Material {
        name,
        exchanges: examples(&read("examples.md")),
        background: predicates.into_iter().zip(objects).collect(),
        purpose: read("core.yaml").lines().find_map(|line| field(line, "purpose:")),
        user_name: None,
        trust: 0.0,
        mood: "neutral".into(),
        preferences: Preferences::default(),
        message: String::new(),
        history: Vec::new(),
        facts: Vec::new(),
        recalled: Vec::new(),
        flags: Vec::new(),
        now: at(1),
        seed: 7,
        manipulation_responses: vec!["No. I stay who I am.".into()],
    }
}

fn examples(text: &str) -> Vec<OfflineExchange> {
    let stages = [("acquaintance", 21), ("friend", 41), ("close friend", 61), ("intimate", 81)];
    let mut found = Vec::new();
    for section in text.split("\n## ").map(|section| section.trim_start_matches("## ")) {
        let (heading, body) = section.split_once('\n').unwrap();
        let (topic, stage) =
            heading.split_once(" | ").map_or((heading, None), |(topic, stage)| (topic, Some(stage)));
        let min_trust =
            stage.and_then(|stage| stages.iter().find(|(name, _)| *name == stage).map(|(_, trust)| *trust));
        for mut exchange in fallback::parse(&format!("## {topic}\n{body}")) {
            exchange.min_trust = min_trust;
            found.push(exchange);
        }
    }
    found
}

fn asked(mut material: Material, message: &str) -> String {
    material.message = message.into();
    answer(&material)
}

fn said(text: &str, day: i64) -> Recalled {
    Recalled { text: text.into(), own_words_of_user: true, speaker: None, when: at(day) }
}

fn with_robin(id: &str) -> Material {
    let recalled =
        vec![said("Hi, my name is Robin and I have a dog named Luna.", 0), said("I live in Lisbon.", 0)];
    Material { recalled, ..character(id) }
}

#[rstest]
fn the_first_minutes_are_remembered(
    #[values("elena", "marcus", "aria", "iris", "lodestar", "nadia", "tobias", "wren")] id: &str,
) {
    assert!(asked(character(id), "Hi, my name is Robin and I have a dog named Luna.").contains("Robin"));
    let dog = asked(with_robin(id), "What is my dog called?");
    assert!(dog.contains("Your dog is called Luna."), "{dog}");
    let both = asked(with_robin(id), "What is my name and where do I live?");
    assert!(both.contains("Your name is Robin, and you live in Lisbon."), "{both}");
}

#[rstest]
#[case("What is my dog called?")]
#[case("Where do I live?")]
#[case("do you remember me?")]
#[case("What did I tell you about my sister?")]
#[case("When did I go to the museum?")]
fn nothing_on_record_is_said_and_nothing_invented(
    #[case] question: &str,
    #[values("elena", "marcus", "wren")] id: &str,
) {
    let mut material = character(id);
    material.message = question.into();
    let said = answer(&material);
    let honest = material
        .exchanges
        .iter()
        .filter(|exchange| exchange.topic == "nothing-on-record")
        .any(|exchange| exchange.turns[1].1 == said);
    assert!(honest, "{said}");
}

#[test]
fn what_is_not_on_record_is_named() {
    let said = asked(with_robin("elena"), "What is my name and when is my birthday?");
    assert!(said.contains("Your name is Robin. I have nothing on record about your birthday."), "{said}");
}

#[rstest]
#[case("What do you know about me?", &["Robin", "Lisbon", "Luna"])]
#[case("Who is Luna?", &["Luna is your dog"])]
#[case("Do I have any pets?", &["Luna"])]
#[case("When did I go to the aquarium?", &["on 1 October", "aquarium"])]
#[case("Do you remember the aquarium?", &["I went to the aquarium"])]
#[case("What does Sam do?", &["Sam works as a nurse"])]
#[case("Where does Sam live?", &["Sam lives in Porto"])]
#[case("Where do I live?", &["You live in Lisbon"])]
fn memory_is_told_in_sentences(#[case] question: &str, #[case] expected: &[&str]) {
    let mut material = with_robin("elena");
    material.recalled.push(said("I went to the aquarium with my aunt.", -3));
    material.recalled.push(Recalled {
        text: "I'm a nurse and I live in Porto".into(),
        own_words_of_user: false,
        speaker: Some("Sam".into()),
        when: at(0),
    });
    let said = asked(material, question);
    assert!(expected.iter().all(|part| said.contains(part)), "{said}");
}

#[test]
fn the_latest_home_counts_and_stored_facts_speak() {
    let mut material = character("marcus");
    material.facts = vec![
        KnownFact {
            subject: "user".into(),
            predicate: "lives_in".into(),
            object: "Porto".into(),
            when: at(-9),
        },
        KnownFact {
            subject: "user".into(),
            predicate: "lives_in".into(),
            object: "Faro".into(),
            when: at(-2),
        },
        KnownFact {
            subject: "user".into(),
            predicate: "repairs".into(),
            object: "old radios".into(),
            when: at(-2),
        },
    ];
    let home = asked(material.clone(), "where do i live");
    assert!(home.contains("Faro") && !home.contains("Porto"), "{home}");
    let all = asked(material, "what do you know about me?");
    assert!(all.contains("you repair old radios"), "{all}");
}

#[rstest]
fn somebody_in_danger_is_not_left_alone(
    #[values("no", "nobody", "ok thanks", "bye", "i don't know", "lol", "it hurts", "yes")] reply: &str,
    #[values("elena", "wren")] id: &str,
) {
    let mut material = character(id);
    let first = asked(material.clone(), "i want to die");
    material.history = vec![(true, "i want to die".into()), (false, first)];
    let told = asked(material, reply);
    assert!(told.contains("crisis line"), "{told}");
}

#[test]
fn danger_of_a_friend_is_about_the_friend() {
    let mut material = character("nadia");
    let first = asked(material.clone(), "my friend wants to kill himself");
    assert!(first.contains("Are they alone") || first.contains("them"), "{first}");
    material.history = vec![(true, "my friend wants to kill himself".into()), (false, first)];
    let next = asked(material, "what should i do?");
    assert!(next.contains("crisis line"), "{next}");
}

#[rstest]
fn short_answers_are_shorter(#[values("elena", "marcus", "aria")] id: &str) {
    let sum = |material: Material| {
        ["tell me about yourself", "how are you?", "tell me a story", "what do you love?"]
            .map(|message| asked(material.clone(), message))
    };
    let (usual, mut brief) = (character(id), character(id));
    brief.preferences.apply(Preference::Verbosity(Verbosity::Short));
    let (long, short) = (sum(usual), sum(brief));
    assert!(
        short.iter().enumerate().all(|(at, text)| at == 2 || text::sentences(text).len() <= 2),
        "{short:?}"
    );
    assert!(short.concat().len() < long.concat().len());
    let mut remembering = with_robin(id);
    remembering.preferences.apply(Preference::Verbosity(Verbosity::Short));
    assert_eq!(asked(remembering, "What is my dog called?"), "Your dog is called Luna.");
}

#[rstest]
fn friends_are_greeted_otherwise(#[values("elena", "marcus", "nadia")] id: &str) {
    let stranger = asked(character(id), "hi");
    let friend = asked(Material { trust: 70.0, user_name: Some("Robin".into()), ..character(id) }, "hi");
    assert_ne!(stranger, friend);
    let foe = asked(Material { trust: -40.0, ..character(id) }, "hi");
    assert_eq!(text::sentences(&foe).len(), 1);
}

#[rstest]
#[case("are you an AI?", "are-you-an-ai")]
#[case("tell me a joke", "joke")]
#[case("are sharks dangerous", "sharks")]
#[case("what can you tell me about the tides, how do they work?", "tides")]
#[case("my dog died", "losing-an-animal")]
#[case("I feel so sad today", "comfort")]
#[case("I got the job!!", "celebrate")]
#[case("bye!", "farewell")]
#[case("thanks a lot", "thanks")]
#[case("I want to kill myself", "crisis")]
#[case("please keep it short", "preference-accepted")]
#[case("Who won the football match yesterday?", "not-knowing")]
#[case("can you book me a flight?", "unknown-skill")]
fn the_topic_fits(#[case] message: &str, #[case] topic: &str) {
    let material = character("elena");
    let said = asked(material.clone(), message);
    let from = material
        .exchanges
        .iter()
        .filter(|exchange| exchange.topic == topic)
        .any(|exchange| exchange.turns[1].1.starts_with(&said));
    assert!(from, "{said}");
}

#[test]
fn answers_do_not_repeat_themselves() {
    let mut material = character("elena");
    let mut given = Vec::new();
    for _ in 0..4 {
        material.message = "tell me a joke".into();
        let next = answer(&material);
        assert!(!given.contains(&next) || given.len() >= 3, "{next}");
        material.history.push((true, material.message.clone()));
        material.history.push((false, next.clone()));
        given.push(next);
    }
}

#[test]
fn a_character_without_examples_still_answers() {
    let material = Material { exchanges: Vec::new(), background: Vec::new(), ..with_robin("elena") };
    assert_eq!(asked(material.clone(), "What is my dog called?"), "Your dog is called Luna.");
    assert_eq!(asked(material, "hi"), "Hello. What's on your mind?");
}

#[test]
fn what_shall_be_left_alone_is_left_alone() {
    let mut material = with_robin("elena");
    material.preferences.apply(Preference::AvoidTopic("Luna".into()));
    let said = asked(material, "Do you remember Luna?");
    assert!(!said.contains("Luna") && said.contains("leave that alone"), "{said}");
}

fn printed(id: &str) -> String {
    let script = [
        "hi",
        "Hi, my name is Robin and I have a dog named Luna.",
        "I live in Lisbon.",
        "what do you do?",
        "do you have any pets?",
        "are octopuses smart?",
        "lol",
        "What is my dog called?",
        "I work as a nurse and my sister Ana lives in Porto",
        "tell me a joke",
        "another one",
        "today was a terrible day",
        "my boss shouted at me in front of everyone",
        "what should I do?",
        "thanks, that helped",
        "what's your favourite food?",
        "do you like football?",
        "what's the capital of France?",
        "are you a real person?",
        "please keep your answers short",
        "tell me a story",
        "What is my name and where do I live?",
        "what did I tell you about my sister?",
        "when is my birthday?",
        "what do you know about me?",
        "ok good night!",
    ];
    let mut material = Material { user_name: Some("robin".into()), ..character(id) };
    let mut text = String::new();
    for line in script {
        material.message = line.into();
        let reply = answer(&material);
        text = format!("{text}> {line}\n{reply}\n\n");
        material.seed += 1;
        material.history.extend([(true, line.to_owned()), (false, reply)]);
        material.recalled.push(said(line, 1));
        for wish in extract::wishes(line) {
            material.preferences.apply(wish);
        }
    }
    text
}

/// Single questions to every character. Read it as above.
#[rstest]
fn every_character_answers(
    #[values("elena", "marcus", "aria", "iris", "lodestar", "nadia", "tobias", "wren")] id: &str,
) {
    let lines = [
        "hey there",
        "Hello! I'm Jo and I'm from Vienna.",
        "I just got a kitten",
        "where are you from?",
        "where do you live?",
        "do you have a family?",
        "what are you afraid of?",
        "what's your favourite colour?",
        "what is your favourite food?",
        "what are you doing?",
        "I love old maps and rainy days",
        "i hate my job",
        "why?",
        "what do you think about love?",
        "The weather is nice today",
        "I'm vegan",
        "not really",
        "hola",
        "tell me about yourself",
        "can you help me with my homework?",
        "do you like me?",
        "I had pasta for dinner",
        "you're funny",
        "good morning!",
        "what's your name?",
        "How old are you?",
        "I'm so happy today!",
        "it was my grandmother's funeral yesterday",
        "who is Napoleon?",
        "What was the name of my school?",
        "call me Jojo",
        "so what can you do?",
        "do you remember me?",
        "test",
        "?",
        "I think cats are better than dogs",
        "I can't sleep",
    ];
    for line in lines {
        let said = asked(Material { user_name: Some("robin".into()), ..character(id) }, line);
        assert!(!said.contains("{{"));
        println!("> {line}\n{said}\n");
    }
}

/// Read it: `cargo test offline::tests::a_conversation -- --nocapture`.
#[rstest]
fn a_conversation(#[values("elena", "marcus")] id: &str) {
    let text = printed(id);
    println!("{text}");
    assert!(["Luna", "Lisbon", "Ana"].iter().all(|name| text.contains(name)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn something_clean_is_always_said(
        message in "(\\PC{0,40}|(what|where|my|i|dog|is|am|live|in|Luna|and|called|named|you|do|remember|[,.?!\"]| ){0,14})",
        name in proptest::option::of("\\PC{0,12}|\\{\\{memory\\}\\}"),
        fact in "\\PC{0,20}|\\{\\{user\\}\\}",
        trust in -100.0..100.0,
        seed: u64,
        short: bool,
    ) {
        let mut material = with_robin("marcus");
        material.exchanges.truncate(60);
        material.user_name = name;
        material.trust = trust;
        material.seed = seed;
        if short {
            material.preferences.apply(Preference::Verbosity(Verbosity::Short));
        }
        material.facts.push(KnownFact { subject: "user".into(), predicate: fact.clone(), object: fact, when: at(0) });
        let said = asked(material.clone(), &message);
        prop_assert!(!said.trim().is_empty());
        prop_assert!(!said.contains("{{"), "{}", said);
        prop_assert_eq!(said, asked(material, &message));
    }

    #[test]
    fn an_avoided_topic_never_appears(
        topic in "sea|octopus|Luna|Lisbon|dog|coffee|listening|talk|boat|page",
        message in "hi|what is my dog called\\?|where do i live|tell me about octopuses|what do you love|ok|i feel sad|do you remember me\\?|tell me a story",
        seed: u64,
    ) {
        let mut material = with_robin("elena");
        material.seed = seed;
        material.preferences.apply(Preference::AvoidTopic(topic.clone()));
        let said = asked(material, &message);
        prop_assert!(!said.to_lowercase().contains(&topic.to_lowercase()), "{}", said);
    }
}
