//! What is found in what people say, and what is not.

use super::{facts, preferences, session, statements, wishes::wishes};
use crate::model::{MessageId, Timestamp, TranscriptLine, UserId};
use rstest::rstest;

fn told(text: &str) -> Vec<String> {
    statements(text)
        .into_iter()
        .map(|fact| format!("{} {} {}", fact.subject, fact.predicate, fact.object))
        .collect()
}

#[rstest]
#[case("Hi, my name is Robin and I have a dog named Luna.", &["user is_named Robin", "user has_pet dog", "user's dog is_named Luna"])]
#[case("I'm Robin", &["user is_named Robin"])]
#[case("hi im robin", &["user is_named robin"])]
#[case("Hello Elena, I'm Sam!", &["user is_named Sam"])]
#[case("my name's Ana Lima", &["user is_named Ana Lima"])]
#[case("I live in Lisbon.", &["user lives_in Lisbon"])]
#[case("i live in lisbon with my cat", &["user lives_in lisbon"])]
#[case("I live in Porto, Portugal", &["user lives_in Porto, Portugal"])]
#[case("I just moved to New York last week", &["user lives_in New York"])]
#[case("I'm from Cádiz but I live in Vigo now", &["user comes_from Cádiz", "user lives_in Vigo"])]
#[case("I no longer live in Berlin", &["user no_longer_lives_in Berlin"])]
#[case("I don't live in Berlin anymore", &["user no_longer_lives_in Berlin"])]
#[case("I used to live in Berlin", &["user no_longer_lives_in Berlin"])]
#[case("I moved from Lisbon to Porto last year", &["user no_longer_lives_in Lisbon", "user lives_in Porto"])]
#[case("I've moved from Lisbon to Porto.", &["user no_longer_lives_in Lisbon", "user lives_in Porto"])]
#[case("Before that I lived in Lisbon.", &["user no_longer_lives_in Lisbon"])]
#[case("I lived in Rome for two years", &["user no_longer_lives_in Rome"])]
#[case("I have lived in Rome for two years", &["user lives_in Rome"])]
#[case("I live in Bergen. I moved here from Oslo.", &["user lives_in Bergen", "user no_longer_lives_in Oslo"])]
#[case("my dogs are Rex and Max", &["user has_pet dog", "user's dogs is_named Rex and Max"])]
#[case("I stopped playing chess", &["user no_longer_plays chess"])]
#[case("I'm no longer vegan", &["user no_longer_is vegan"])]
#[case("I'm not a teacher anymore", &["user no_longer_works_as teacher"])]
#[case("I am not sure about that", &[])]
#[case("We moved away from Leeds", &["user no_longer_lives_in Leeds"])]
#[case("I moved back to Lisbon", &["user lives_in Lisbon"])]
#[case("now I live in Porto", &["user lives_in Porto"])]
#[case("I live in Porto, not Lisbon", &["user lives_in Porto"])]
#[case("I live in Porto, not in Lisbon anymore", &["user lives_in Porto"])]
#[case("No wait, I live in Porto", &["user lives_in Porto"])]
#[case("I'm moving to Porto", &["user plans_to move to Porto"])]
#[case("I don't live in Lisbon, I live in Porto", &["user no_longer_lives_in Lisbon", "user lives_in Porto"])]
#[case("actually my dog is called Nala, not Luna", &["user has_pet dog", "user's dog is_named Nala"])]
#[case("My dog is not called Luna, she's called Nala", &["user's dog is_named Nala"])]
#[case("My dog's name isn't Luna, it's Nala", &["user has_pet dog", "user's dog is_named Nala"])]
#[case("My name is not Sam, it's Robin", &["user is_named Robin"])]
#[case("My name isn't Sam but Robin", &["user is_named Robin"])]
#[case("I no longer work as a nurse", &["user no_longer_works_as nurse"])]
#[case("I don't work for Siemens anymore", &["user no_longer_works_at Siemens"])]
#[case("You are sam to me", &[])]
#[case("I used to play chess", &[])]
#[case("I grew up in Leeds", &["user comes_from Leeds"])]
#[case("I am 34 years old", &["user is_aged 34"])]
#[case("i'm twenty-five", &["user is_aged 25"])]
#[case("I work as a nurse at the hospital", &["user works_as nurse at the hospital"])]
#[case("I'm a teacher", &["user works_as teacher"])]
#[case("I'm a software engineer and I love it", &["user works_as software engineer"])]
#[case("I work for Siemens", &["user works_at Siemens"])]
#[case("My cat Miso is asleep", &["user has_pet cat", "user's cat is_named Miso"])]
#[case("our two cats, Tom and Jerry, hate each other", &["user has_pet cat", "user's cats is_named Tom and Jerry"])]
#[case("I have two cats", &["user has_pet two cats"])]
#[case("I have a dog named Luna and two kids, Leo and Mia.", &["user has_pet dog", "user's dog is_named Luna", "user has_kid Leo and Mia", "user's kids is_named Leo and Mia"])]
#[case("I have a dog, a cat and two sisters", &["user has_pet dog", "user has_pet cat", "user has_sister two"])]
#[case("We have two dogs and a cat called Miso", &["user has_pet two dogs", "user has_pet cat", "user's cat is_named Miso"])]
#[case("I have a dog. Her name is Luna.", &["user has_pet dog", "user's dog is_named Luna"])]
#[case("We adopted a little black kitten called Ink", &["user has_pet kitten", "user's kitten is_named Ink"])]
#[case("My dog's name is Rex", &["user has_pet dog", "user's dog is_named Rex"])]
#[case("Luna is my dog", &["user has_pet dog", "user's dog is_named Luna"])]
#[case("my sister Ana lives in Porto", &["user has_sister Ana", "user's sister is_named Ana", "user's sister lives_in Porto"])]
#[case("My husband is called Jo", &["user has_husband Jo", "user's husband is_named Jo"])]
#[case("my best friend Mia plays the drums", &["user has_best_friend Mia", "user's best friend is_named Mia", "user's best friend plays the drums"])]
#[case("My dad is a carpenter", &["user's dad works_as carpenter"])]
#[case("My sister is allergic to nuts", &["user's sister is_allergic_to nuts"])]
#[case("I have two kids", &["user has_kid two"])]
#[case("I like hiking and old maps", &["user likes hiking", "user likes old maps"])]
#[case("I love my job", &["user likes my job"])]
#[case("I really love the sea, and I hate horses", &["user likes the sea", "user dislikes horses"])]
#[case("I don't like mushrooms", &["user dislikes mushrooms"])]
#[case("i cant stand loud music", &["user dislikes loud music"])]
#[case("My favourite colour is green", &["user favourite_colour green"])]
#[case("my favorite band is Sigur Rós", &["user favourite_band Sigur Rós"])]
#[case("I'm allergic to peanuts and shrimp", &["user is_allergic_to peanuts", "user is_allergic_to shrimp"])]
#[case("My birthday is on 3 May", &["user birthday_is 3 May"])]
#[case("I study marine biology", &["user studies marine biology"])]
#[case("I speak Portuguese and English", &["user speaks Portuguese", "user speaks English"])]
#[case("I play the guitar", &["user plays the guitar"])]
#[case("I'm learning Japanese", &["user learns Japanese"])]
#[case("I have an old van", &["user owns old van"])]
#[case("I have asthma", &["user has_condition asthma"])]
#[case("I'm vegan", &["user is vegan"])]
#[case("I am Portuguese", &["user is Portuguese"])]
#[case("I don't eat meat", &["user does_not_eat meat"])]
#[case("I don't have any pets", &["user does_not_have pets"])]
#[case("I'm planning to sail to the Azores", &["user plans_to sail to the Azores"])]
#[case("I'm afraid of spiders", &["user is_afraid_of spiders"])]
#[case("My boat is called Paciencia", &["user's boat is_named Paciencia"])]
#[case("My name is Robin, what's yours?", &["user is_named Robin"])]
#[case("I live in Lisbon because I love it", &["user lives_in Lisbon"])]
// Typed as people type.
#[case("im 27 n i live in Brno w my bf Marek", &["user is_aged 27", "user lives_in Brno", "user has_boyfriend Marek", "user's boyfriend is_named Marek"])]
#[case("im 27 n i live in brno w/ my bf marek", &["user is_aged 27", "user lives_in brno", "user has_boyfriend marek", "user's boyfriend is_named marek"])]
#[case("im 27 i live in brno", &["user is_aged 27", "user lives_in brno"])]
#[case("i live in Brno n i work at Lidl", &["user lives_in Brno", "user works_at Lidl"])]
#[case("I live in Brno with my family", &["user lives_in Brno"])]
#[case("me n my gf live in Brno", &["user lives_in Brno"])]
#[case("my name is robin i live in lisbon", &["user is_named robin", "user lives_in lisbon"])]
#[case("we got 2 cats, Pixie n Dot", &["user has_pet cat", "user's cats is_named Pixie and Dot"])]
#[case("i have two cats, pixie & dot", &["user has_pet cat", "user's cats is_named pixie and dot"])]
#[case("i have a dog named rex and he barks", &["user has_pet dog", "user's dog is_named rex"])]
#[case("my mum's name is Olga she lives in Kyiv", &["user has_mum Olga", "user's mum is_named Olga", "user's mum lives_in Kyiv"])]
#[case("my boss is so mean. his name is Peter", &["user's boss is_named Peter"])]
#[case("my boss hates me his name is Peter", &["user's boss is_named Peter"])]
#[case("my boss shouted at me today, his name is peter", &["user's boss is_named peter"])]
#[case("I've been working at the post office for 6 years", &["user works_at the post office"])]
#[case("ive been working at Lidl since may", &["user works_at Lidl"])]
#[case("I got a new job at Lidl", &["user works_at Lidl"])]
#[case("i dont like mushrooms", &["user dislikes mushrooms"])]
#[case("my bday is on 3 May", &["user birthday_is 3 May"])]
#[case("I was diagnosed with diabetes last week", &["user has_condition diabetes"])]
#[case("was diagnosed with diabetes last week", &["user has_condition diabetes"])]
// Changes of life.
#[case("Lena and I broke up", &["user parted_with Lena"])]
#[case("I broke up with Lena last week", &["user parted_with Lena"])]
#[case("me and Lena split up", &["user parted_with Lena"])]
#[case("my gf and I broke up", &["user parted_with my girlfriend"])]
#[case("my girlfriend broke up with me", &["user parted_with my girlfriend"])]
#[case("we split up", &["user parted_with my partner"])]
#[case("I got divorced", &["user parted_with my partner", "user is divorced"])]
#[case("I quit my job", &["user left my job"])]
#[case("I lost my job yesterday", &["user left my job"])]
#[case("i got fired", &["user left my job"])]
#[case("my dog died", &["user lost my dog"])]
#[case("My dog Luna passed away last night", &["user lost Luna"])]
#[case("Luna died", &["user lost Luna"])]
#[case("my ex Lena lives in Rome", &["user has_ex Lena", "user's ex is_named Lena", "user's ex lives_in Rome"])]
#[case("my ex girlfriend Lena", &["user has_ex_girlfriend Lena", "user's ex-girlfriend is_named Lena"])]
#[case("I no longer collect stamps", &["user no_longer_collects stamps"])]
#[case("I stopped collecting stamps", &["user no_longer_collects stamps"])]
#[case("I stopped eating meat", &["user does_not_eat meat"])]
#[case("I no longer have a dog", &["user does_not_have dog"])]
#[case("I left Paris", &[])]
// What is to be forgotten, supposed or dreamt.
#[case("forget what I said about Lena", &[])]
#[case("please forget that I live in Rome", &[])]
#[case("don't remember that my dog is called Rex", &[])]
#[case("If I had a dog I would call it Max", &[])]
#[case("I dreamt my dog is called Max", &[])]
#[case("in the game my name is Zorg", &[])]
#[case("in the game I have a dog named Max", &[])]
#[case("hypothetically I live in Rome", &[])]
// What states nothing.
#[case("Do I live in Lisbon?", &[])]
#[case("What is my dog called?", &[])]
#[case("If I lived in Lisbon I would swim", &[])]
#[case("if i had a dog named Rex, i'd walk it", &[])]
#[case("She said \"I live in Rome\"", &[])]
#[case("My friend told me she lives in Rome", &[])]
#[case("I wish I lived in Rome", &[])]
#[case("I love it", &[])]
#[case("I like that", &[])]
#[case("I'm tired", &[])]
#[case("im so bored", &[])]
#[case("I'm happy", &[])]
#[case("I'm 5 minutes late", &[])]
#[case("My name is Batman. Just kidding!", &[])]
#[case("I never lived in Rome", &[])]
#[case("You live in Galicia", &[])]
#[case("I like short answers", &[])]
#[case("I'm going to bed", &[])]
#[case("I have a dog problem", &[])]
#[case("I love you", &[])]
#[case("imagine I live in a castle", &[])]
fn facts_are_what_people_state(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(told(text), expected);
}

#[rstest]
#[case("please keep your answers short", Some("verbosity short"))]
#[case("Keep it short", Some("verbosity short"))]
#[case("short answers please", Some("verbosity short"))]
#[case("can you be more concise?", Some("verbosity short"))]
#[case("your answers are too long", Some("verbosity short"))]
#[case("I'd like longer answers", Some("verbosity long"))]
#[case("please be more formal", Some("style formal"))]
#[case("talk to me more casually please", Some("style casual"))]
#[case("Call me Rob", Some("nickname Rob"))]
#[case("My name is Robert but please call me bob", Some("nickname Bob"))]
#[case("you can call me Captain", Some("nickname Captain"))]
#[case("no emojis please", Some("emojis false"))]
#[case("can you answer without emojis", Some("emojis false"))]
#[case("use more emojis", Some("emojis true"))]
#[case("Please don't talk about my ex", Some("avoid_topic ex"))]
#[case("please don't mention spiders again", Some("avoid_topic spiders"))]
#[case("answer in Spanish please", Some("language es"))]
#[case("can you reply to me in portuguese?", Some("language pt"))]
#[case("my time zone is Europe/Lisbon", Some("timezone Europe/Lisbon"))]
#[case("stop with the short answers", Some("verbosity medium"))]
#[case("no more short answers please", Some("verbosity medium"))]
#[case("write longer again", Some("verbosity medium"))]
#[case("normal length again", Some("verbosity medium"))]
#[case("normal length again please", Some("verbosity medium"))]
#[case("you can write more now", Some("verbosity medium"))]
#[case("You can talk more again", Some("verbosity medium"))]
#[case("you don't have to keep it short anymore", Some("verbosity medium"))]
#[case("please answer normally again", Some("verbosity medium"))]
#[case("your answers can be longer again", Some("verbosity medium"))]
#[case("forget about the short answers", Some("verbosity medium"))]
#[case("go back to normal answers", Some("verbosity medium"))]
#[case("back to your usual length", Some("verbosity medium"))]
#[case("stop being so brief", Some("verbosity medium"))]
#[case("not so short please", Some("verbosity medium"))]
#[case("don't keep it short", Some("verbosity medium"))]
#[case("please stop writing long answers", Some("verbosity short"))]
#[case("don't write such long answers", Some("verbosity short"))]
#[case("no long answers please", Some("verbosity short"))]
#[case("stop with the long answers", Some("verbosity short"))]
#[case("please write longer answers", Some("verbosity long"))]
#[case("stop being so formal", Some("style casual"))]
#[case("you don't have to be so formal", Some("style casual"))]
#[case("you don't need to be formal anymore", Some("style matching"))]
#[case("you can be casual again", Some("style casual"))]
#[case("talk normally again", Some("style matching"))]
#[case("drop the formal tone", Some("style casual"))]
#[case("please don't be so casual", Some("style formal"))]
#[case("you can use emojis again", Some("emojis true"))]
#[case("emojis are fine again", Some("emojis true"))]
#[case("I want emojis back", Some("emojis true"))]
#[case("you don't have to leave out emojis anymore", Some("emojis true"))]
#[case("stop using emojis", Some("emojis false"))]
#[case("no short answers please, I love long ones", Some("verbosity long"))]
#[case("no long answers, short ones please", Some("verbosity short"))]
#[case("back to English please", Some("language en"))]
#[case("English please", Some("language en"))]
#[case("in German, please", Some("language de"))]
#[case("please in French", Some("language fr"))]
#[case("English", None)]
#[case("in Spanish", None)]
#[case("please polish the silver", None)]
#[case("speak English again", Some("language en"))]
#[case("you can speak English again", Some("language en"))]
#[case("stop answering in Spanish", Some("language en"))]
#[case("no more Spanish please", Some("language en"))]
#[case("don't answer in German anymore", Some("language en"))]
#[case("please switch to pt-BR", Some("language pt-BR"))]
#[case("answer in de please", Some("language de"))]
#[case("answer in my-pin-4711 please", None)]
#[case("please switch to my-pin-4711", None)]
#[case("switch to plan b please", None)]
#[case("please answer in no time", None)]
#[case("stop calling me Bob, call me Robin", Some("nickname Robin"))]
#[case("call me by my real name again", Some("nickname "))]
#[case("stop calling me Captain", Some("nickname "))]
#[case("please don't call me Captain anymore", Some("nickname "))]
#[case("write more about the sea", None)]
#[case("tell me more", None)]
#[case("I can write more now that I have a desk", None)]
#[case("the film was too short", None)]
#[case("I stopped drinking", None)]
#[case("my hair is back to normal length", None)]
#[case("back to English class tomorrow", None)]
#[case("I like short stories", None)]
#[case("I read a short answer in the paper", None)]
#[case("Call me tomorrow", None)]
#[case("don't call me Bob", None)]
#[case("My friends call me Bob", None)]
#[case("please don't mention it", None)]
#[case("please don't mention this to anyone", None)]
#[case("I speak Spanish", None)]
#[case("can you speak Spanish?", None)]
#[case("you don't have to keep it short", Some("verbosity medium"))]
#[case("are your answers always short?", None)]
fn wishes_are_only_explicit(#[case] text: &str, #[case] expected: Option<&str>) {
    let found: Vec<String> = wishes(text)
        .into_iter()
        .map(|wish| {
            let json = serde_json::to_value(&wish).unwrap();
            let value = json["value"].as_str().map_or_else(|| json["value"].to_string(), str::to_owned);
            format!("{} {value}", json["key"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, expected.map(str::to_owned).into_iter().collect::<Vec<_>>());
}

fn line(speaker: Option<&str>, text: &str) -> TranscriptLine {
    TranscriptLine {
        id: MessageId::new(),
        speaker: speaker.map(|name| UserId::console(name).unwrap()),
        name: speaker.unwrap_or("Elena").to_owned(),
        text: text.to_owned(),
        at: Timestamp::from_micros(0),
    }
}

#[test]
fn facts_belong_to_who_said_them_and_never_to_the_character() {
    let sam = line(Some("Sam"), "I live in Porto");
    let found = facts(&sam);
    assert_eq!((found[0].owner.as_str(), found[0].sources.as_slice()), ("console:sam", [sam.id].as_slice()));
    assert!(facts(&line(None, "I live in Galicia and my name is Elena")).is_empty());
    assert!(preferences(&line(None, "please keep it short")).is_empty());
}

#[test]
fn a_session_is_summed_up_in_the_third_person() {
    let lines = [
        line(Some("Robin"), "Hi, my name is Robin and I have a dog named Luna."),
        line(None, "Hello, I love octopuses."),
        line(Some("Robin"), "I was so sad when I moved to Lisbon. Do you know it?"),
        line(Some("Robin"), "I live in Lisbon. I live in Lisbon."),
    ];
    let found = session(&lines);
    let summary = found.summary.unwrap();
    assert!(
        summary.text.contains("Robin said: their name is Robin and they have a dog named Luna."),
        "{}",
        summary.text
    );
    assert!(!summary.text.contains("octopus") && !summary.text.contains('?'));
    assert!(summary.emotions.contains(&"sadness".to_owned()));
    assert!(
        (1..=5).contains(&summary.meaningfulness) && !summary.topics.is_empty() && summary.topics.len() <= 5
    );
    let homes: Vec<_> = found.facts.iter().filter(|fact| fact.predicate == "lives_in").collect();
    assert_eq!(homes.len(), 1);
}

#[rstest]
#[case("no short answers about the sea please", "Robin said: no short answers about the sea please.")]
#[case("No, I have never been to the sea", "Robin said: they have never been to the sea.")]
fn a_summary_says_no_where_it_was_said(#[case] text: &str, #[case] expected: &str) {
    let lines = [line(Some("Robin"), text), line(Some("Robin"), "I live in Lisbon.")];
    let summary = session(&lines).summary.unwrap().text;
    assert!(summary.contains(expected), "{summary}");
}

#[test]
fn a_summary_names_whom_a_pronoun_means() {
    let lines = [
        line(Some("Robin"), "My mum is called Olga. She lives in Kyiv."),
        line(Some("Robin"), "She is a nurse."),
    ];
    let summary = session(&lines).summary.unwrap().text;
    assert!(
        summary.contains("said: Olga lives in Kyiv.") && summary.contains("said: Olga is a nurse."),
        "{summary}"
    );
}

#[rstest]
#[case("")]
#[case("  ")]
fn a_speaker_without_a_name_is_somebody(#[case] name: &str) {
    let unnamed = |text: &str| TranscriptLine { name: name.into(), ..line(Some("robin"), text) };
    let found = session(&[unnamed("I live in Lisbon by the river."), unnamed("I have a dog named Luna.")]);
    let text = found.summary.unwrap().text;
    assert!(text.starts_with("Somebody said: they live in Lisbon"), "{text}");
    assert!(!text.contains("  "), "{text}");
}

#[rstest]
#[case(&["I live in Lisbon, where the sea is wide and the hills are steep."])]
#[case(&["hi", "ok then"])]
#[case(&[])]
fn too_little_is_not_summed_up(#[case] texts: &[&str]) {
    let lines: Vec<TranscriptLine> = texts.iter().map(|text| line(Some("Robin"), text)).collect();
    assert_eq!(session(&lines).summary, None);
}

proptest::proptest! {
    #[test]
    fn extraction_takes_any_text(text in "\\PC{0,80}|(i|my|dog|is|am|called|named|Luna|and|have|two|cats|live|in|favourite|the|[,.?!']| ){0,16}") {
        for fact in facts(&line(Some("Robin"), &text)) {
            proptest::prop_assert!(!fact.predicate.is_empty() && !fact.sources.is_empty());
            proptest::prop_assert!((1..=140).contains(&fact.object.chars().count()), "{:?}", fact);
        }
        let _ = session(&[line(Some("Robin"), &text), line(Some("Sam"), &text)]);
    }
}
