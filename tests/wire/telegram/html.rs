//! Telegram's HTML, as strictly as Telegram reads it.

const TAGS: [&str; 9] = ["b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"];

/// The text that people see, or what is wrong with it.
pub fn visible(html: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        let from = &rest[at..];
        if from.starts_with('&') {
            let (entity, sign) = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"), ("&quot;", "\"")]
                .into_iter()
                .find(|(entity, _)| from.starts_with(entity))
                .ok_or_else(|| "unsupported entity".to_owned())?;
            out.push_str(sign);
            rest = &from[entity.len()..];
            continue;
        }
        let end = from.find('>').ok_or("unclosed start tag")?;
        let tag = &from[1..end];
        rest = &from[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("unexpected end tag \"{name}\""));
            }
            continue;
        }
        let name = tag.split(' ').next().unwrap_or_default();
        if !TAGS.contains(&name) {
            return Err(format!("unsupported start tag \"{name}\""));
        }
        open.push(name.to_owned());
    }
    out.push_str(rest);
    match open.pop() {
        Some(name) => Err(format!("can't find end tag corresponding to start tag \"{name}\"")),
        None => Ok(out.trim().to_owned()),
    }
}
