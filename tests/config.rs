//! The settings as a whole: precedence, all problems at once, secrets that never show, and the sample file.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::{env, fs, path::Path};

use dramatis::config::{ConfigErrors, LogFormat, Settings, Source};
use proptest::prelude::*;
use rstest::rstest;
use secrecy::ExposeSecret;

fn load(file: &str, env: &[(&str, &str)]) -> Result<(Settings, Vec<String>), ConfigErrors> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".env"), file).unwrap();
    Settings::load(dir.path(), env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())))
}

fn settings(file: &str, env: &[(&str, &str)]) -> Settings {
    load(file, env).unwrap_or_else(|errors| panic!("{errors}")).0
}

fn problems(file: &str, env: &[(&str, &str)]) -> Vec<String> {
    load(file, env).unwrap_err().problems.iter().map(ToString::to_string).collect()
}

fn shown<'a>(settings: &'a Settings, key: &str) -> (&'a str, Source) {
    let shown = settings.describe().iter().find(|shown| shown.key == key).unwrap();
    (&shown.value, shown.source)
}

#[test]
fn with_nothing_set_everything_has_its_default() {
    let dir = tempfile::tempdir().unwrap();
    let (settings, warnings) = Settings::load(dir.path(), std::iter::empty()).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(settings.data_dir, Path::new("data"));
    assert_eq!(settings.database.describe(), "SQLite in data/dramatis.db");
    assert_eq!(settings.characters_dir, Path::new("characters"));
    assert_eq!(settings.character.as_str(), "elena");
    assert!(settings.llm.is_none() && settings.router.is_none() && settings.reflective.is_none());
    assert_eq!(settings.ollama.as_deref(), Some("http://127.0.0.1:11434"));
    assert_eq!(settings.embedding_model, "sentence-transformers/all-MiniLM-L6-v2");
    assert_eq!((settings.log_format, settings.log_level.is_none()), (LogFormat::Text, true));
    assert!(settings.describe().iter().all(|shown| shown.source == Source::Default));
}

#[test]
fn the_environment_wins_and_an_empty_value_is_the_default() {
    let file = "DATA_DIR=from-file\nCHARACTER=marcus\nLOG_FORMAT=json\n";
    let settings = settings(file, &[("CHARACTER", "aria"), ("LOG_FORMAT", "")]);
    assert_eq!(settings.data_dir, Path::new("from-file"));
    assert_eq!(settings.database.describe(), "SQLite in from-file/dramatis.db");
    assert_eq!(settings.character.as_str(), "aria");
    assert_eq!(settings.log_format, LogFormat::Text);
    assert_eq!(shown(&settings, "DATA_DIR"), ("from-file", Source::File { line: 1 }));
    assert_eq!(shown(&settings, "CHARACTER"), ("aria", Source::Environment));
    assert_eq!(shown(&settings, "LOG_FORMAT"), ("text", Source::Default));
}

#[test]
fn all_problems_are_told_at_once_with_line_key_and_hint() {
    let file = "DATA_DIRR=x\nnonsense\nCHARACTER=Elena\nCHARACTER=marcus\nSMTP_HOST=x\nLOG_LEVEL=inof\n";
    let problems = problems(file, &[("LOG_FORMAT", "jsn"), ("DATABASE_URL", "mysql://x")]);
    let expected: [(&str, &str); 8] = [
        (".env:1: DATA_DIRR: ", "did you mean DATA_DIR?"),
        (".env:2: ", "not KEY=VALUE"),
        (".env:3: CHARACTER: ", "not a character id"),
        (".env:4: CHARACTER: ", "set twice (first in line 3)"),
        (".env:5: SMTP_HOST: ", ".env.sample lists them all"),
        (".env:6: LOG_LEVEL: ", "did you mean `info`?"),
        ("environment: DATABASE_URL: ", "postgres://"),
        ("environment: LOG_FORMAT: ", "did you mean `json`?"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (start, part)) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start) && problem.contains(part), "{problem}");
    }
}

#[rstest]
#[case(&[("LLM_MODEL", "m")], "environment: LLM_MODEL: ", "LLM_BASE_URL (there is no default")]
#[case(&[("LLM_BASE_URL", "http://x/v1")], "environment: LLM_BASE_URL: ", "LLM_MODEL")]
#[case(&[("LLM_API_KEY", "hunter2")], "environment: LLM_API_KEY: ", "LLM_BASE_URL (there is no default")]
#[case(&[("ROUTER_LLM_MODEL", "m")], "environment: ROUTER_LLM_MODEL: ", "ROUTER_LLM_BASE_URL")]
#[case(&[("LLM_BASE_URL", "x/v1"), ("LLM_MODEL", "m")], "environment: LLM_BASE_URL: ", "not an address")]
fn half_an_endpoint_is_one_clear_problem(
    #[case] env: &[(&str, &str)],
    #[case] start: &str,
    #[case] part: &str,
) {
    let problems = problems("", env);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with(start) && problems[0].contains(part), "{problems:#?}");
    assert!(!problems[0].contains("hunter2"));
}

#[test]
fn tiers_fall_back_to_the_main_one_but_no_key_goes_to_another_host() {
    let settings = settings(
        "LLM_BASE_URL=https://main/v1/\nLLM_API_KEY=main-key\nLLM_MODEL=big\n\
         ROUTER_LLM_BASE_URL=http://127.0.0.1:8080/v1\nREFLECTIVE_LLM_MODEL=bigger\n",
        &[],
    );
    let router = settings.router.unwrap();
    assert_eq!((router.base_url.as_str(), router.model.as_str()), ("http://127.0.0.1:8080/v1", "big"));
    assert!(router.api_key.is_none());
    let reflective = settings.reflective.unwrap();
    assert_eq!((reflective.base_url.as_str(), reflective.model.as_str()), ("https://main/v1", "bigger"));
    assert_eq!(reflective.api_key.unwrap().expose_secret(), "main-key");
    assert!(settings.cloud.is_none());
}

#[test]
fn a_cloud_elsewhere_gets_no_key_but_its_own() {
    let main = "LLM_BASE_URL=http://127.0.0.1:8080/v1\nLLM_API_KEY=main-key\nLLM_MODEL=small\n";
    let cloud = "CLOUD_LLM_BASE_URL=https://cloud/v1\nCLOUD_LLM_MODEL=big\n\
                 CLOUD_LLM_FALLBACKS=https://other/v1 bigger other-key\n";
    let all = settings(&format!("{main}{cloud}"), &[]);
    let first = all.cloud.unwrap();
    assert_eq!((first.base_url.as_str(), first.model.as_str()), ("https://cloud/v1", "big"));
    assert!(first.api_key.is_none());
    assert_eq!(all.fallbacks.cloud[0].api_key.as_ref().unwrap().expose_secret(), "other-key");
    let alone = problems(&format!("{main}CLOUD_LLM_FALLBACKS=https://other/v1 bigger\n"), &[]);
    assert!(alone.len() == 1 && alone[0].contains("set CLOUD_LLM_MODEL, too"), "{alone:?}");
}

#[test]
fn secrets_never_show() {
    let settings = settings(
        "LLM_BASE_URL=https://x/v1\nLLM_MODEL=m\nLLM_API_KEY=hunter2\nDATABASE_URL=postgres://bob:hunter2@db/d\n",
        &[("ROUTER_LLM_API_KEY", "hunter2")],
    );
    let seen = format!("{settings:?} {:?}", settings.describe());
    assert!(!seen.contains("hunter2"), "{seen}");
    assert_eq!(shown(&settings, "LLM_API_KEY"), ("set", Source::File { line: 3 }));
    assert_eq!(shown(&settings, "REFLECTIVE_LLM_API_KEY"), ("unset", Source::Default));
    assert_eq!(shown(&settings, "DATABASE_URL").0, "Postgres at db/d");
    let errors = load("LLM_API_KEY='hunter2 hunter2'\nLLM_BASE_URL=http://a:hunter2@x/v1\nhunter2\n", &[]);
    assert!(!errors.unwrap_err().to_string().contains("hunter2"));
}

#[test]
fn only_near_misses_in_the_environment_are_warned_about() {
    let (_, warnings) =
        load("", &[("LLM_MODLE", "m"), ("PATH", "/bin"), ("HOME", "/root"), ("data_dir", "x")]).unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.contains("LLM_MODLE") && warning.contains("LLM_MODEL?")));
    assert!(warnings.iter().any(|warning| warning.contains("data_dir") && warning.contains("DATA_DIR?")));
}

#[test]
fn a_file_that_cannot_be_read_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(".env")).unwrap();
    let errors = Settings::load(dir.path(), std::iter::empty()).unwrap_err();
    assert!(errors.problems[0].to_string().starts_with(".env: cannot be read"), "{errors}");

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".env"), b"DATA_DIR=x\nCHARACTER=el\xe9na\n").unwrap();
    let errors = Settings::load(dir.path(), std::iter::empty()).unwrap_err();
    assert!(errors.problems[0].to_string().starts_with(".env:2: is not UTF-8"), "{errors}");
}

#[test]
fn the_sample_file_is_the_one_that_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.sample");
    if env::var_os("UPDATE_SAMPLE").is_some() {
        fs::write(&path, Settings::sample()).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(file, Settings::sample(), "run `UPDATE_SAMPLE=1 cargo test --test config`");
}

#[test]
fn the_sample_works_as_it_is_and_with_every_line_switched_on() {
    let sample = Settings::sample();
    assert!(settings(&sample, &[]).describe().iter().all(|shown| shown.source == Source::Default));
    let on: String = sample
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
                .unwrap_or(line)
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let settings = settings(&on, &[]);
    assert!(settings.describe().iter().all(|shown| matches!(shown.source, Source::File { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_file_makes_the_start_panic(file in "((export )?(DATA_DIR|LLM_MODEL|OLLAMA_HOST|LOG_LEVEL|LLM_BASE_URL|[A-Z]{1,4})=.{0,20}\n){0,6}") {
        let _ = load(&file, &[]);
    }

    #[test]
    fn no_value_makes_the_start_panic(value in any::<String>()) {
        for key in ["DATABASE_URL", "CHARACTER", "LLM_BASE_URL", "LLM_API_KEY", "OLLAMA_HOST", "LOG_LEVEL"] {
            let _ = load("", &[(key, &value)]);
        }
    }
}

#[test]
fn the_people_in_charge_are_named_by_platform() {
    let held = settings("ADMINS=telegram:7, discord:8,\n", &[]);
    let names: Vec<&str> = held.admins.iter().map(dramatis::model::UserId::as_str).collect();
    assert_eq!(names, ["telegram:7", "discord:8"]);
    assert!(settings("", &[]).admins.is_empty());
    for wrong in ["robin", "telegram:", "telegran:7", "7"] {
        let told = problems(&format!("ADMINS=telegram:1,{wrong}\n"), &[]);
        assert!(told[0].contains(&format!("`{wrong}`")) && told[0].contains("telegram:1234"), "{told:?}");
    }
}
