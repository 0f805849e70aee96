//! Texts become typed values. An error says what is wrong with the value, and never repeats a secret.

use std::{net::SocketAddr, time::Duration};

use reqwest::Url;
use secrecy::SecretString;
use tracing_subscriber::filter::Targets;

use super::{EndpointSettings, LogFormat, SearchProvider};
use crate::model::UserId;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
/// Platforms that people come from.
const PLATFORMS: [&str; 4] = ["telegram", "discord", "console", "api"];
/// The port that Ollama listens on unless it is told otherwise (its documentation, "FAQ").
const OLLAMA_PORT: u16 = 11434;

/// The candidate closest to `text`, when it is close enough to be a slip of the hand: within a third of its letters.
pub(crate) fn did_you_mean<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&text, &candidate.to_ascii_lowercase()), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .map(|(_, candidate)| candidate)
}

fn hint<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(text, candidates).map_or_else(String::new, |found| format!("; did you mean `{found}`?"))
}

/// The address of an OpenAI-compatible endpoint, without a slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    const EXAMPLE: &str = "write it as in `https://api.openai.com/v1`";
    let url = Url::parse(text).map_err(|error| format!("is not an address ({error}); {EXAMPLE}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("is neither http:// nor https://; {EXAMPLE}"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; put the key into the API_KEY beside it".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("has something behind its path (`?` or `#`); {EXAMPLE}"));
    }
    let base = text.trim_end_matches('/');
    match base.strip_suffix("/chat/completions") {
        Some(shorter) => Err(format!("ends in `/chat/completions`, which is added to it; write `{shorter}`")),
        None => Ok(base.to_owned()),
    }
}

/// The size of a model's window in tokens.
pub(super) fn context(text: &str) -> Result<usize, String> {
    let tokens =
        text.replace('_', "").parse().map_err(|_| "is not a whole number; write `8192`".to_owned())?;
    if (2_048..=2_000_000).contains(&tokens) {
        Ok(tokens)
    } else {
        Err("is not between 2048 and 2000000; the documentation of the model gives its window".to_owned())
    }
}

/// An amount of US dollars.
pub(super) fn dollars(text: &str) -> Result<f64, String> {
    const LARGEST: f64 = 1_000_000.0;
    let usd: f64 = text.parse().map_err(|_| "is not an amount; write US dollars like `1.50`".to_owned())?;
    if usd.is_finite() && (0.0..=LARGEST).contains(&usd) {
        Ok(usd)
    } else {
        Err("is not between 0 and 1000000 US dollars; leave it out for no limit".to_owned())
    }
}

/// A time zone by its name.
pub(super) fn zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.parse().map_err(|_| {
        let hint = hint(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
        format!("is no time zone; write one like `Europe/Berlin`{hint}")
    })
}

/// A token of Telegram's: the bot's number, a colon, and the secret (Bot API, "Authorizing your bot").
pub(super) fn telegram_token(text: &str) -> Result<SecretString, String> {
    let fits = text.split_once(':').is_some_and(|(number, secret)| {
        !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
            && !secret.is_empty()
            && secret.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    });
    if fits {
        Ok(SecretString::from(text))
    } else {
        Err("is no token of Telegram's, which looks like 123456:ABC-DEF; copy it from @BotFather".to_owned())
    }
}

/// An address to listen on.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "is not an address and a port; write it like 127.0.0.1:8080".to_owned())
}

/// Keys with commas between them. Short ones can be guessed.
pub(super) fn keys(text: &str) -> Result<Vec<SecretString>, String> {
    let keys: Vec<&str> = text.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.iter().any(|key| key.len() < 12) {
        return Err("holds a key of less than 12 characters, which can be guessed".to_owned());
    }
    keys.into_iter().map(api_key).collect()
}

/// People as `platform:id`, with commas between them.
pub(super) fn people(text: &str) -> Result<Vec<UserId>, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            // The part before the colon says whose id it is; a person's own name there is a slip.
            let known = PLATFORMS.iter().any(|platform| {
                name.strip_prefix(platform).is_some_and(|rest| rest.starts_with(':') && rest.len() > 1)
            });
            let person = UserId::new(name).ok().filter(|_| known);
            person.ok_or_else(|| format!("holds `{name}`, which is nobody; write people like telegram:1234"))
        })
        .collect()
}

/// The address of a platform's server.
pub(super) fn server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .map_err(|error| format!("is not an address ({error}); write it like http://127.0.0.1:8081"))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("is neither http:// nor https://; write it like http://127.0.0.1:8081".to_owned())
    }
}

/// The public address of a webhook. Telegram calls only https; a server of one's own may be on this machine.
pub(super) fn webhook(text: &str) -> Result<Url, String> {
    const EXAMPLE: &str = "write it like https://bot.example.org/telegram";
    let url = Url::parse(text).map_err(|error| format!("is not an address ({error}); {EXAMPLE}"))?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match url.scheme() {
        "https" if url.has_host() => Ok(url),
        "http" if local => Ok(url),
        _ => Err(format!("is not https://; {EXAMPLE}")),
    }
}

/// A search service; none for `off`.
pub(super) fn search(text: &str) -> Result<Option<SearchProvider>, String> {
    match text.to_ascii_lowercase().as_str() {
        "off" => Ok(None),
        "searxng" => Ok(Some(SearchProvider::Searxng)),
        "brave" => Ok(Some(SearchProvider::Brave)),
        other => Err(format!(
            "is none of `searxng`, `brave` and `off`{}",
            hint(other, ["searxng", "brave", "off"])
        )),
    }
}

/// On or off.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Ok(true),
        "off" | "false" | "no" | "0" => Ok(false),
        _ => Err("is neither `on` nor `off`".to_owned()),
    }
}

/// A time limit in seconds.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| "is not a whole number of seconds; write `30`".to_owned())?;
    if (1..=600).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err("is not between 1 and 600 seconds".to_owned())
    }
}

/// How long the first word may take before a second request goes out.
pub(super) fn hedge(text: &str) -> Result<Duration, String> {
    let millis =
        text.parse().map_err(|_| "is not a whole number of milliseconds; write `3000`".to_owned())?;
    if (100..=60_000).contains(&millis) {
        Ok(Duration::from_millis(millis))
    } else {
        Err("is not between 100 and 60000 milliseconds".to_owned())
    }
}

/// Endpoints with commas between them, each `ADDRESS MODEL` or `ADDRESS MODEL KEY`. What is wrong is told by its number: it may
/// be a key.
pub(super) fn endpoints(text: &str) -> Result<Vec<EndpointSettings>, String> {
    const FORM: &str = "write each as `ADDRESS MODEL` or `ADDRESS MODEL KEY`, with commas between them";
    let given = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    let read = |(at, one): (usize, &str)| {
        let number = at + 1;
        let wrong = |what: String| format!("number {number} {what}");
        let parts: Vec<&str> = one.split_whitespace().collect();
        let (address, model, key) = match parts.as_slice() {
            [address, model] => (address, model, None),
            [address, model, key] => (address, model, Some(key)),
            _ => return Err(wrong(format!("is no endpoint; {FORM}"))),
        };
        Ok(EndpointSettings {
            base_url: base_url(address).map_err(wrong)?,
            api_key: key.map(|key| api_key(key)).transpose().map_err(wrong)?,
            model: (*model).to_owned(),
        })
    };
    given.enumerate().map(read).collect()
}

/// A key that can stand in an HTTP header.
pub(super) fn api_key(text: &str) -> Result<SecretString, String> {
    if text.chars().all(|c| c.is_ascii_graphic()) {
        Ok(SecretString::from(text))
    } else {
        Err("holds a blank or a character that no key has; copy it again".to_owned())
    }
}

/// What Ollama itself takes as `OLLAMA_HOST`: a host, a port, both, or an address; `off` is `None`. The answer is an
/// address such as `http://127.0.0.1:11434`. An address to listen on everywhere (`0.0.0.0`) is reached at home.
pub(super) fn ollama(text: &str) -> Result<Option<String>, String> {
    if matches!(text.to_ascii_lowercase().as_str(), "off" | "none") {
        return Ok(None);
    }
    let wrong = || "is not a host; write `127.0.0.1:11434`, or `off`".to_owned();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => (scheme, rest),
        Some(_) => return Err(wrong()),
        None => ("http", text),
    };
    let rest = rest.trim_end_matches('/');
    let rest = if rest.starts_with(':') { format!("127.0.0.1{rest}") } else { rest.to_owned() };
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() || url.path() != "/" || url.query().is_some() {
        return Err(wrong());
    }
    // `Url` drops the port that is the default of the scheme, and Ollama takes it as its own default then, too.
    if url.port().is_none() && !text.contains("://") {
        url.set_port(Some(OLLAMA_PORT)).map_err(|()| wrong())?;
    }
    if matches!(url.host_str(), Some("0.0.0.0" | "[::]")) {
        url.set_host(Some("127.0.0.1")).map_err(|_| wrong())?;
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}

/// `text` or `json`.
pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(format!("`{text}` is neither `text` nor `json`{}", hint(text, ["text", "json"]))),
    }
}

/// A level, or `target=level` pairs. A bare word must be a level: the tracing crates would take a misspelt level for a
/// target, and say nothing.
pub(super) fn log_level(text: &str) -> Result<Targets, String> {
    for part in text.split(',').map(str::trim) {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level.trim());
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "`{level}` is not a level{}; use one of {}, or pairs such as `warn,dramatis=debug`",
                hint(level, LEVELS),
                LEVELS.join(", "),
            ));
        }
    }
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    compact
        .parse()
        .map_err(|error| format!("cannot be read ({error}); write `info` or `warn,dramatis=debug`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://api.openai.com/v1/", "https://api.openai.com/v1")]
    #[case("http://127.0.0.1:8080", "http://127.0.0.1:8080")]
    fn an_endpoint_loses_its_last_slash(#[case] text: &str, #[case] base: &str) {
        assert_eq!(base_url(text).as_deref(), Ok(base));
    }

    #[rstest]
    #[case("api.openai.com/v1", "is not an address")]
    #[case("localhost:8080/v1", "neither http:// nor https://")]
    #[case("ftp://x/v1", "neither http:// nor https://")]
    #[case("https://bob:hunter2@x/v1", "API_KEY")]
    #[case("https://x/v1?key=hunter2", "behind its path")]
    #[case("https://x/v1/chat/completions", "write `https://x/v1`")]
    fn other_endpoints_are_refused_without_repeating_secrets(#[case] text: &str, #[case] part: &str) {
        let what = base_url(text).unwrap_err();
        assert!(what.contains(part), "{what}");
        assert!(!what.contains("hunter2"));
    }

    #[rstest]
    #[case("off", None)]
    #[case("127.0.0.1:11434", Some("http://127.0.0.1:11434"))]
    #[case("0.0.0.0", Some("http://127.0.0.1:11434"))]
    #[case("gpu", Some("http://gpu:11434"))]
    #[case(":9000", Some("http://127.0.0.1:9000"))]
    #[case("[::1]:9000", Some("http://[::1]:9000"))]
    #[case("https://gpu.lan/", Some("https://gpu.lan"))]
    fn ollama_hosts_read_as_ollama_reads_them(#[case] text: &str, #[case] url: Option<&str>) {
        assert_eq!(ollama(text).unwrap().as_deref(), url);
    }

    #[rstest]
    #[case("ftp://x")]
    #[case("a b")]
    #[case("http://u:p@x")]
    #[case("x:99999")]
    #[case("http://x/api")]
    fn other_ollama_hosts_are_refused(#[case] text: &str) {
        assert!(ollama(text).is_err());
    }

    #[test]
    fn a_misspelt_level_is_not_taken_for_a_target() {
        let what = log_level("dramatis=debug,inof").unwrap_err();
        assert!(what.contains("did you mean `info`?"), "{what}");
        assert!(log_level("warn, dramatis::llm=TRACE").is_ok());
        assert!(log_level("dramatis=loud").is_err());
    }

    #[test]
    fn a_key_has_no_blanks() {
        assert!(api_key("sk-abc").is_ok());
        let what = api_key("sk-abc def").unwrap_err();
        assert!(!what.contains("abc"));
    }

    #[test]
    fn far_words_are_not_suggested() {
        assert_eq!(did_you_mean("PATH", ["DATA_DIR", "LOG_LEVEL"]), None);
        assert_eq!(did_you_mean("log_levle", ["DATA_DIR", "LOG_LEVEL"]), Some("LOG_LEVEL"));
    }
}
