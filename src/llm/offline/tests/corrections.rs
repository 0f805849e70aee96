//! What was corrected is not told again, and counts, lists and times come from what is on record.

use super::*;

pub(super) fn after(lines: &[&str]) -> Material {
    let recalled = (0..).zip(lines).map(|(day, line)| said(line, day - 20)).collect();
    Material { recalled, ..character("elena") }
}

#[rstest]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Do I live in Lisbon?", "No, not any more: you live in Porto.")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Do I still live in Lisbon?", "No, not any more: you live in Porto.")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Where do I live?", "You live in Porto")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Do I live in Porto?", "Yes, you live in Porto.")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Where did I live before?", "You lived in Lisbon before. Now you live in Porto.")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Where did I use to live?", "You lived in Lisbon before.")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Did I live in Lisbon?", "Yes, once. Now you live in Porto.")]
#[case(&["I moved from Lisbon to Porto"], "Where did I live before?", "You lived in Lisbon before.")]
#[case(&["I moved from Lisbon to Porto"], "where do i live", "You live in Porto")]
#[case(&["I live in Porto, not Lisbon"], "Where do I live?", "You live in Porto")]
#[case(&["I live in Lisbon", "I live in Porto, not Lisbon"], "Do I live in Lisbon?", "No, not any more: you live in Porto.")]
#[case(&["I live in Lisbon", "now I live in Porto"], "is it true that I live in Lisbon? Where do I live?", "You live in Porto")]
#[case(&["I live in Lisbon", "I live in Porto", "I moved back to Lisbon"], "Where do I live?", "You live in Lisbon")]
#[case(&["I live in Lisbon", "I live in Porto", "I live in Lisbon"], "Where do I live?", "You live in Lisbon")]
#[case(&["I live in Lisbon", "I no longer live in Lisbon"], "Do I live in Lisbon?", "No, not any more.")]
#[case(&["I have a dog named Luna.", "actually my dog is called Nala, not Luna"], "What is my dog called?", "Your dog is called Nala.")]
#[case(&["I have a dog named Luna.", "actually my dog is called Nala, not Luna"], "Is my dog called Luna?", "your dog is called Nala.")]
#[case(&["I have a dog named Luna.", "My dog's name isn't Luna, it's Nala"], "Is my dog called Nala?", "Yes, your dog is called Nala.")]
#[case(&["My sister is called Ana.", "My sister is called Bea, not Ana"], "What is my sister called?", "Your sister is called Bea.")]
#[case(&["My name is Sam", "My name is not Sam, it's Robin"], "Is my name Sam?", "your name is Robin.")]
#[case(&["I like mushrooms", "I don't like mushrooms"], "Do I like mushrooms?", "No, you do not like mushrooms.")]
#[case(&["I don't like mushrooms", "I love mushrooms"], "Do I like mushrooms?", "Yes, you like mushrooms.")]
#[case(&["I work as a nurse", "I work as a teacher"], "What do I do?", "You work as a teacher")]
#[case(&["I work as a nurse", "I work as a teacher"], "Do I work as a nurse?", "No, not any more: you work as a teacher.")]
#[case(&["I work at a bakery in Bristol", "I quit my job at the bakery"], "Do I work at a bakery?", "No, not any more.")]
#[case(&["I moved to Porto last week. Before that I lived in Lisbon."], "Where did I live before?", "You lived in Lisbon before. Now you live in Porto.")]
#[case(&["I play chess", "I stopped playing chess"], "Do I play chess?", "No, not any more.")]
#[case(&["I'm vegan", "I'm not vegan anymore"], "Am I vegan?", "No, not any more.")]
#[case(&["My name is Robin"], "I told you my name, what is it?", "Your name is Robin")]
#[case(&["My name is Robin", "I stopped playing chess"], "When did I tell you my name?", "\"My name is Robin.\"")]
#[case(&["I'm married", "I'm divorced"], "Am I married?", "No, not any more")]
#[case(&["My favourite colour is green", "My favourite colour is red"], "What is my favourite colour?", "Your favourite colour is red")]
#[case(&["I have two cats", "I have three cats"], "How many cats do I have?", "You have three cats.")]
#[case(&["I have a dog", "I don't have a dog"], "How many dogs do I have?", "You have no dogs.")]
#[case(&["I live in Lisbon, Portugal"], "Do I live in Lisbon?", "Yes, you live in Lisbon, Portugal.")]
#[case(&["I live in Lisbon"], "Do I live in Portugal?", "As far as I know, you live in Lisbon.")]
#[case(&["I am 30 years old", "I am 31 years old"], "Am I 30?", "you are 31 years old.")]
fn the_newest_holds(#[case] lines: &[&str], #[case] question: &str, #[case] expected: &str) {
    let told = asked(after(lines), question);
    assert!(told.contains(expected), "{told}");
}

#[rstest]
#[case(&["I live in Lisbon.", "I moved to Porto."], "Do I live in Lisbon?", "live in Lisbon")]
#[case(&["I live in Lisbon.", "I moved to Porto."], "What do you know about me?", "Lisbon")]
#[case(&["I have a dog named Luna.", "actually my dog is called Nala, not Luna"], "What do you know about me?", "Luna")]
#[case(&["I have a dog named Luna.", "actually my dog is called Nala, not Luna"], "Do I have any pets?", "Luna")]
#[case(&["My sister is called Ana.", "My sister is called Bea, not Ana"], "What is my sister called?", "Ana")]
#[case(&["I live in Lisbon"], "Do I live in Porto?", "Yes")]
#[case(&["I like hiking"], "Do I like cheese?", "hiking")]
#[case(&["my daughter Lena is 7"], "where does my daughter live?", "Lena")]
fn what_is_over_is_not_told(#[case] lines: &[&str], #[case] question: &str, #[case] never: &str) {
    let told = asked(after(lines), question);
    assert!(!told.contains(never), "{told}");
}

#[test]
fn a_stored_fact_is_not_undone_by_an_older_message() {
    let stored = |predicate: &str, object: &str, day| KnownFact {
        subject: "user".into(),
        predicate: predicate.into(),
        object: object.into(),
        when: at(day),
    };
    let mut material = after(&["I live in Lisbon.", "I hate jazz."]);
    material.facts = vec![stored("lives_in", "Porto", -2), stored("likes", "jazz", -2)];
    assert!(asked(material.clone(), "Where do I live?").contains("You live in Porto"));
    assert!(asked(material.clone(), "Do I live in Lisbon?").contains("No, not any more: you live in Porto."));
    assert!(asked(material, "Do I like jazz?").contains("Yes, you like jazz."));
}

#[rstest]
#[case(&["I have two kids"], "How many kids do I have?", "You have two kids.")]
#[case(&["I have two kids, Leo and Mia"], "How many kids do I have?", "I know of two kids: Leo and Mia.")]
#[case(&["I have two kids, Leo and Mia"], "how many children do i have", "I know of two children: Leo and Mia.")]
#[case(&["I have two kids, Leo and Mia"], "Who are my kids?", "Your kids are called Leo and Mia.")]
#[case(&["I have two kids, Leo and Mia"], "Who is Leo?", "Leo is one of your kids.")]
#[case(&["my children are called Leo and Mia"], "What are my children called?", "Your children are called Leo and Mia.")]
#[case(&["I have a son called Leo.", "My daughter is called Mia"], "How many kids do I have?", "I know of two kids: Leo and Mia.")]
#[case(&["I have a dog named Luna."], "how many dogs do I have?", "You have one dog: Luna.")]
#[case(&["I have two cats, Tom and Jerry"], "How many cats do I have?", "two cats: Tom and Jerry.")]
#[case(&["I have a dog named Luna.", "I have a cat called Miso"], "How many pets do I have?", "You have two pets: Luna and Miso.")]
#[case(&["my sister lives in Oslo"], "where does my sister live?", "Your sister lives in Oslo")]
#[case(&["my sister lives in Oslo", "my sister moved to Bergen"], "where does my sister live?", "Your sister lives in Bergen")]
#[case(&["my daughter Lena is 7"], "how old is my daughter?", "Your daughter is 7 years old")]
#[case(&["my daughter Lena is 7"], "how old is Lena?", "Your daughter is 7 years old")]
#[case(&["my sister Ana lives in Porto"], "Where does Ana live?", "Your sister lives in Porto")]
#[case(&["My dad is a carpenter"], "what does my dad do?", "Your dad works as a carpenter")]
#[case(&["My exam is on Friday."], "When is my exam?", "My exam is on Friday.")]
#[case(&["I have an exam on 12 June."], "when is my exam", "I have an exam on 12 June.")]
#[case(&["My dentist appointment is at three."], "When is my dentist appointment?", "My dentist appointment is at three.")]
#[case(&["I went to the aquarium with my aunt."], "When did I tell you about the aquarium?", "You told me on 14 September")]
#[case(&["I have a dog named Luna."], "when did I tell you about Luna?", "You told me on")]
fn counts_lists_and_times(#[case] lines: &[&str], #[case] question: &str, #[case] expected: &str) {
    let told = asked(Material { now: at(1), ..after(lines) }, question);
    assert!(told.contains(expected), "{told}");
}

#[rstest]
fn nothing_is_made_up(
    #[values(
        "How many kids do I have?",
        "Do I live in Lisbon?",
        "Where did I live before?",
        "when is my exam?",
        "Is my dog called Luna?",
        "When did I tell you about my trip?"
    )]
    question: &str,
) {
    let told = asked(after(&["I like hiking"]), question);
    assert!(!told.contains("hiking") && !told.contains("Yes") && !told.contains("You "), "{told}");
}

/// Whatever was asked for, the answer must fit: it names no sister, birthday or trip.
#[test]
fn the_words_for_nothing_on_record_fit_any_question() {
    const TOPICS: &[&str] = &[
        "sister",
        "brother",
        "mother",
        "birthday",
        "birthdays",
        "month",
        "date",
        "name",
        "dog",
        "trip",
        "joke",
        "story",
        "adventure",
        "she",
        "her",
        "him",
        "when",
    ];
    for id in names::CAST {
        for exchange in
            character(id).exchanges.iter().filter(|exchange| exchange.topic == "nothing-on-record")
        {
            let answer = &exchange.turns[1].1;
            let named = text::words(answer).into_iter().find(|word| TOPICS.contains(&word.low.as_str()));
            assert_eq!(named, None, "{id}: {answer}");
        }
    }
}
