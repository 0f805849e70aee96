//! People type as they please, and their lives change.

use super::{corrections::after, *};

const INTRODUCED: &str = "im 27 n i live in Brno w my bf Marek";

#[rstest]
#[case(&[INTRODUCED], "where do i live", "You live in Brno.")]
#[case(&[INTRODUCED], "how old am i", "You are 27 years old")]
#[case(&[INTRODUCED], "who is marek", "Marek is your boyfriend")]
#[case(&[INTRODUCED], "whats my bf called", "Your boyfriend is called Marek")]
#[case(&["im 27 n i live in brno w my bf marek"], "who is marek", "Marek is your boyfriend")]
#[case(&["we got 2 cats, Pixie n Dot"], "what are my cats called", "Pixie and Dot")]
#[case(&["my mum's name is Olga she lives in Kyiv"], "what's my mum's name?", "Your mum is called Olga")]
#[case(&["my mum's name is Olga she lives in Kyiv"], "where does my mum live?", "Kyiv")]
#[case(&["my mum's name is Olga she lives in Kyiv"], "where does Olga live?", "Kyiv")]
#[case(&["my boss shouted at me, his name is Peter"], "who is Peter?", "Peter is your boss")]
#[case(&["my boss shouted at me, his name is Peter"], "what's my boss called?", "Your boss is called Peter")]
#[case(&["I've been working at the post office for 6 years"], "where do I work?", "You work at the post office")]
#[case(&["i was diagnosed with diabetes last week"], "what do you know about me", "You have diabetes.")]
// Changes of life.
#[case(&["My girlfriend is called Lena.", "Lena and I broke up"], "Who is Lena?", "Lena was your girlfriend.")]
#[case(&["My girlfriend is called Lena.", "we split up"], "What is my girlfriend called?", "Your girlfriend was called Lena.")]
#[case(&["My girlfriend is called Lena.", "we split up"], "Do I have a girlfriend?", "No, not any more: your girlfriend was called Lena.")]
#[case(&["My girlfriend is called Lena.", "my ex Lena called me"], "Who is Lena?", "ex")]
#[case(&["My wife is called Ana.", "I got divorced"], "Who is Ana?", "Ana was your wife.")]
#[case(&["My girlfriend is called Lena.", "we broke up", "My girlfriend is called Ana"], "What is my girlfriend called?", "Your girlfriend is called Ana.")]
#[case(&["I work at Lidl.", "I quit my job"], "Where do I work?", "You worked at Lidl.")]
#[case(&["I work at Lidl.", "I quit my job"], "Do I work at Lidl?", "No, not any more.")]
#[case(&["I work at Lidl.", "I lost my job", "I work at Aldi"], "Where do I work?", "You work at Aldi")]
#[case(&["I have a dog named Luna.", "my dog died"], "What is my dog called?", "Your dog was called Luna.")]
#[case(&["I have a dog named Luna.", "Luna passed away"], "Who is Luna?", "Luna was your dog.")]
#[case(&["I have a dog named Luna.", "my dog died"], "Do I have a dog?", "No, not any more: your dog was called Luna.")]
#[case(&["I have a dog named Luna.", "I have a cat called Miso", "my dog died"], "Do I have any pets?", "Your cat is called Miso")]
// What is not on record.
#[case(&["I live in Oslo"], "where does ff live?", "I have nothing on record about ff.")]
#[case(&["my sister Sara lives in Rome"], "What is Sara's horse called?", "nothing on record about")]
#[case(&[], "What is Sara's horse called?", "I have nothing on record about Sara's horse.")]
fn life_as_it_is_typed(#[case] lines: &[&str], #[case] question: &str, #[case] expected: &str) {
    let told = asked(after(lines), question);
    assert!(told.contains(expected), "{told}");
}

#[rstest]
#[case(&["My girlfriend is called Lena.", "Lena and I broke up"], "What do you know about me?", "Lena is")]
#[case(&["My girlfriend is called Lena.", "Lena and I broke up"], "What do you know about me?", "girlfriend is")]
#[case(&["I have a dog named Luna.", "my dog died"], "What do you know about me?", "is called Luna")]
#[case(&["I work at Lidl.", "I quit my job"], "What do you know about me?", "Lidl")]
#[case(&["If I had a dog I would call it Max"], "do i have a dog?", "Max")]
#[case(&["I dreamt that I have a dog called Max"], "do i have a dog?", "Max")]
#[case(&["I have a dog named Luna.", "I went to the aquarium with my aunt."], "Am I ill?", "You told me")]
#[case(&["my sister Sara lives in Rome"], "What is Sara's horse called?", "Rome")]
#[case(&["my sister Sara lives in Rome"], "What is Sara's horse called?", "is called Sara")]
#[case(&["forget what I said about Lena"], "What do you know about me?", "forget")]
fn what_is_not_so_is_not_told(#[case] lines: &[&str], #[case] question: &str, #[case] never: &str) {
    let told = asked(after(lines), question);
    assert!(!told.contains(never), "{told}");
}

#[rstest]
#[case("forget what I said about Lena", "/forget Lena")]
#[case("please forget what i told you about my sister", "/forget sister")]
#[case("please forget that", "/forget WORDS")]
#[case("don't remember this", "/forget WORDS")]
#[case("can you forget that my dog is called Rex?", "/forget dog")]
fn forgetting_is_shown_and_not_noted(#[case] message: &str, #[case] command: &str) {
    for id in names::CAST {
        let mut material = character(id);
        let told = asked(material.clone(), message);
        assert!(told.contains(command) && !told.contains("{{"), "{id}: {told}");
        material.preferences.apply(Preference::Verbosity(Verbosity::Short));
        assert!(asked(material, message).contains(command));
    }
}

#[rstest]
#[case("I will never forget that day")]
#[case("I forgot what I said")]
#[case("forget about the short answers")]
#[case("don't forget that I live in Rome")]
fn not_every_forgetting_is_a_wish(#[case] message: &str) {
    assert_eq!(extract::forgets(message), None);
}

#[test]
fn a_nickname_is_what_one_is_called() {
    let mut material = with_robin("elena");
    material.preferences.apply(Preference::Nickname("Captain".into()));
    for question in ["What am I called?", "what do you call me?"] {
        let told = asked(material.clone(), question);
        assert!(told.contains("You asked me to call you Captain"), "{told}");
    }
}

#[rstest]
fn everything_is_everything(
    #[values(
        "tell me everything you know about me",
        "tell me everything you know",
        "What do you know about me?"
    )]
    question: &str,
) {
    let lines = [
        "My name is Robin and I am 34.",
        "I live in Lisbon and I work as a nurse.",
        "I have two kids, Leo and Mia.",
        "I have a sister called Ana. She lives in Porto.",
        "I have a dog named Luna.",
        "I'm allergic to peanuts.",
        "My birthday is on 3 May.",
        "I like old maps and I hate horses.",
        "I play the guitar.",
    ];
    let told = asked(after(&lines), question);
    for part in [
        "Robin",
        "34",
        "Lisbon",
        "nurse",
        "Leo and Mia",
        "Ana",
        "Porto",
        "Luna",
        "peanuts",
        "3 May",
        "maps",
        "horses",
        "guitar",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(text::sentences(&told).len() <= 6, "{told}");
    println!("{told}");
}

#[test]
fn short_answers_are_short_whatever_the_pool() {
    for id in names::CAST {
        for seed in 0..4 {
            let mut material = Material { seed, ..character(id) };
            material.preferences.apply(Preference::Verbosity(Verbosity::Short));
            for message in
                ["tell me about yourself", "how are you?", "what do you love?", "I'm so sad today", "why?"]
            {
                let told = asked(material.clone(), message);
                assert!(told.split_whitespace().count() <= 25, "{id}: {told}");
            }
            for message in ["tell me a story", "another one"] {
                let told = asked(material.clone(), message);
                assert!(told.split_whitespace().count() <= 40, "{id}: {told}");
                assert!(!told.ends_with(['…', ',']), "{id}: {told}");
                material.history.extend([(true, message.to_owned()), (false, told)]);
            }
        }
    }
}
