//! Request bodies: JSON, or JSON with files; percent signs in paths.

use serde_json::{Value, json};

/// `%F0%9F%91%8D` as what it stands for.
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|it| std::str::from_utf8(it).ok());
        let escaped = digits.filter(|_| bytes[at] == b'%').and_then(|it| u8::from_str_radix(it, 16).ok());
        out.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The JSON of a body, and the files beside it.
pub fn body(content_type: &str, bytes: &[u8]) -> (Value, Vec<(String, usize)>) {
    let Some((_, boundary)) = content_type.split_once("boundary=") else {
        return (serde_json::from_slice(bytes).unwrap_or_else(|_| json!({})), Vec::new());
    };
    let text = String::from_utf8_lossy(bytes);
    let (mut json, mut files) = (json!({}), Vec::new());
    for part in text.split(&format!("--{}", boundary.trim_matches('"'))) {
        let Some((head, content)) = part.split_once("\r\n\r\n") else { continue };
        let content = content.strip_suffix("\r\n").unwrap_or(content);
        if head.contains("name=\"payload_json\"") {
            json = serde_json::from_str(content).unwrap_or_else(|_| json!({}));
        } else if let Some((_, name)) = head.split_once("filename=\"") {
            files.push((name.split('"').next().unwrap_or_default().to_owned(), content.len()));
        }
    }
    (json, files)
}
