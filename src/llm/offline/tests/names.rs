//! Names: the character's own, and the user's where it is known.

use super::*;

pub(super) const CAST: &[&str] =
    &["acey", "aria", "elena", "iris", "lodestar", "marcus", "nadia", "oswin", "tobias", "wren"];

#[rstest]
fn every_character_says_its_name(
    #[values(
        "What's your name?",
        "whats your name",
        "Who are you?",
        "what are you called",
        "what is your name again?"
    )]
    question: &str,
    #[values(-30.0, 0.0, 90.0)] trust: f64,
) {
    for id in CAST {
        for seed in 0..2 {
            let mut material = Material { trust, seed, ..character(id) };
            for _ in 0..3 {
                let told = asked(material.clone(), question);
                assert!(told.contains(&material.name), "{id}: {told}");
                material.history.extend([(true, question.to_owned()), (false, told)]);
            }
        }
    }
}

#[rstest]
fn every_character_says_what_it_does(
    #[values("What do you do?", "what do you do for a living")] question: &str,
) {
    let roles: &[(&str, &str)] = &[
        ("acey", "stream|party|room"),
        ("aria", "sing|stage|dress|opera|voice|perform"),
        ("elena", "octopus|biologist"),
        ("iris", "gouache|pictures"),
        ("lodestar", "why things|repository"),
        ("marcus", "typewriter"),
        ("nadia", "bake|pastry"),
        ("oswin", "clock"),
        ("tobias", "adventure|game|cataloguer|wills"),
        ("wren", "plants|seeds"),
    ];
    for (id, words) in roles {
        let told = asked(character(id), question).to_lowercase();
        assert!(words.split('|').any(|word| told.contains(word)), "{id}: {told}");
    }
}

#[rstest]
fn the_users_name_is_told_where_it_is_known(
    #[values("What's my name?", "whats my name", "do you know my name?", "Who am I?")] question: &str,
) {
    let known = asked(with_robin("elena"), question);
    assert!(known.contains("Your name is Robin"), "{known}");
    let account = asked(Material { user_name: Some("sam".into()), ..character("elena") }, question);
    assert!(account.contains("You go by Sam here, and you have told me no other name."), "{account}");
    let mut wished = Material { user_name: Some("Captain".into()), ..character("elena") };
    wished.preferences.apply(Preference::Nickname("Captain".into()));
    let wished = asked(wished, question);
    assert!(wished.contains("You asked me to call you Captain"), "{wished}");
    let unknown = asked(character("elena"), question);
    assert!(!unknown.contains("Your name is") && !unknown.contains("You go by"), "{unknown}");
}

#[test]
fn what_the_character_is_called_is_not_the_users_name() {
    let recalled = vec![said("You are sam to me", 0)];
    let told = asked(Material { recalled, ..character("elena") }, "What's my name?");
    assert!(!told.to_lowercase().contains("name is sam"), "{told}");
}
