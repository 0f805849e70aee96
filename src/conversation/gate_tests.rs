//! Access rules: which one decides.

use rstest::rstest;

use super::*;

fn rules(texts: &[&str]) -> AccessRules {
    let rule = |text: &&str| {
        let (verb, target) = text.split_once(' ').unwrap();
        (target.parse().unwrap(), verb == "allow")
    };
    AccessRules::new(texts.iter().map(rule).collect())
}

fn member() -> Subject {
    Subject {
        user: UserId::new("discord:7").unwrap(),
        roles: vec!["mods".to_owned(), "muted".to_owned()],
        channel: Some("general".to_owned()),
        guild: Some("discord:1".to_owned()),
        dm: false,
    }
}

fn in_private() -> Subject {
    Subject { roles: Vec::new(), channel: None, guild: None, dm: true, ..member() }
}

#[rstest]
#[case(&[], true, "default")]
#[case(&["deny all"], false, "deny all")]
#[case(&["deny all", "allow guild:discord:1"], true, "allow guild:discord:1")]
#[case(&["allow guild:discord:1", "deny discord:1/general"], false, "deny channel:discord:1/general")]
#[case(&["deny discord:1/general", "allow role:mods"], true, "allow role:mods")]
#[case(&["allow role:mods", "deny role:muted"], false, "deny role:muted")]
#[case(&["deny role:muted", "allow discord:7"], true, "allow discord:7")]
#[case(&["deny discord:8", "deny role:others", "deny guild:discord:2", "deny discord:1/staff", "deny dm"], true, "default")]
fn the_most_exact_rule_decides(#[case] held: &[&str], #[case] allowed: bool, #[case] rule: &str) {
    assert_eq!(rules(held).decide(&member()), Decision { allowed, rule: rule.to_owned() });
}

#[rstest]
#[case(&["deny dm"], false)]
#[case(&["deny dm", "allow discord:7"], true)]
#[case(&["deny all", "allow dm"], true)]
#[case(&["deny guild:discord:1"], true)]
fn private_talk_has_a_rule_of_its_own(#[case] held: &[&str], #[case] allowed: bool) {
    assert_eq!(rules(held).decide(&in_private()).allowed, allowed);
}

#[rstest]
#[case("nobody")]
#[case("role:")]
#[case("channel:general")]
#[case("/general")]
#[case("")]
fn what_names_nobody_is_refused(#[case] text: &str) {
    assert!(text.parse::<Target>().is_err());
}

#[rstest]
#[case("telegram:7", "telegram:7")]
#[case("user:telegram:7", "telegram:7")]
#[case("telegram:-100/55", "channel:telegram:-100/55")]
#[case("role:12", "role:12")]
#[case("all", "all")]
fn targets_are_shown_as_they_can_be_written(#[case] text: &str, #[case] shown: &str) {
    let target: Target = text.parse().unwrap();
    assert_eq!(target.to_string(), shown);
    assert_eq!(shown.parse(), Ok(target));
}
