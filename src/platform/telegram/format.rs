//! Markdown as the HTML that Telegram takes (Bot API, "HTML style"), and as plain text.

use std::fmt::Write;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Addresses that a link may have.
const SCHEMES: [&str; 4] = ["http://", "https://", "tg://", "mailto:"];

/// What a reader sees of Markdown on Telegram: only tags that Telegram knows, each closed, everything else escaped. Headings
/// become bold lines, list items begin with a bullet or a number, tables keep their cells in a code block.
pub(super) fn html(markdown: &str) -> String {
    Writer::new(Form::Html).write(markdown)
}

/// The same words without any markup.
pub(in crate::platform) fn plain(markdown: &str) -> String {
    Writer::new(Form::Plain).write(markdown)
}

/// The length of HTML as Telegram counts it: UTF-16 units of the visible text.
pub(super) fn visible_length(html: &str) -> usize {
    let (mut length, mut in_tag, mut entity) = (0, false, None::<String>);
    for c in html.chars() {
        match (c, in_tag, &mut entity) {
            ('<', false, None) => in_tag = true,
            ('>', true, _) => in_tag = false,
            (_, true, _) => {}
            ('&', false, None) => entity = Some(String::new()),
            (';', false, Some(_)) => {
                length += 1;
                entity = None;
            }
            (c, false, Some(name)) => name.push(c),
            (c, false, None) => length += c.len_utf16(),
        }
    }
    length + entity.map_or(0, |name| name.encode_utf16().count() + 1)
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Plain,
}

struct Writer {
    form: Form,
    out: String,
    /// What closes each part that is open, the innermost last.
    open: Vec<&'static str>,
    /// The next number of each list that is open; `None`: bullets.
    lists: Vec<Option<u64>>,
    code: usize,
    cells: usize,
}

impl Writer {
    fn new(form: Form) -> Self {
        Self { form, out: String::new(), open: Vec::new(), lists: Vec::new(), code: 0, cells: 0 }
    }

    fn write(mut self, markdown: &str) -> String {
        let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
        for event in Parser::new_ext(markdown, options) {
            self.event(event);
        }
        while let Some(tag) = self.open.pop() {
            self.out.push_str(tag);
        }
        self.out.trim().to_owned()
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text),
            Event::Code(text) => {
                self.open_tag("<code>", "</code>");
                self.text(&text);
                self.close_tag();
            }
            Event::SoftBreak | Event::HardBreak => self.out.push('\n'),
            Event::Rule => {
                self.block();
                self.out.push_str("———");
            }
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
        }
    }

    /// Every start puts one closing text on the stack, if only an empty one, so that every end takes its own off.
    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph => {
                self.block();
                self.nothing();
            }
            Tag::Heading { .. } => {
                self.block();
                self.open_tag("<b>", "</b>");
            }
            Tag::BlockQuote(_) => {
                self.block();
                self.open_tag("<blockquote>", "</blockquote>");
            }
            Tag::CodeBlock(kind) => {
                self.block();
                self.open_code(kind);
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.block();
                }
                self.lists.push(*first);
                self.nothing();
            }
            Tag::Item => {
                self.item();
                self.nothing();
            }
            Tag::Table(_) => {
                self.block();
                self.open_tag("<pre>", "</pre>");
                self.code += 1;
            }
            Tag::TableHead | Tag::TableRow => {
                self.line();
                self.cells = 0;
                self.nothing();
            }
            Tag::TableCell => {
                self.out.push_str(if self.cells == 0 { "" } else { " | " });
                self.cells += 1;
                self.nothing();
            }
            Tag::Emphasis => self.open_tag("<i>", "</i>"),
            Tag::Strong => self.open_tag("<b>", "</b>"),
            Tag::Strikethrough => self.open_tag("<s>", "</s>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                if SCHEMES.iter().any(|scheme| dest_url.starts_with(scheme)) {
                    self.open_tag(&format!("<a href=\"{}\">", escaped(dest_url)), "</a>");
                } else {
                    self.nothing();
                }
            }
            _ => self.nothing(),
        }
    }

    fn open_code(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        let known = !language.is_empty()
            && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-#_.".contains(c));
        if known {
            self.open_tag(&format!("<pre><code class=\"language-{language}\">"), "</code></pre>");
        } else {
            self.open_tag("<pre>", "</pre>");
        }
        self.code += 1;
    }

    fn item(&mut self) {
        self.line();
        let depth = self.lists.len().saturating_sub(1);
        self.out.push_str(&"  ".repeat(depth));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                // Writing to a String cannot fail.
                let _ = write!(self.out, "{number}. ");
                *number += 1;
            }
            _ => self.out.push_str("• "),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock | TagEnd::Table => {
                self.code = self.code.saturating_sub(1);
                let end = self.out.trim_end_matches('\n').len();
                self.out.truncate(end);
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            _ => {}
        }
        self.close_tag();
    }

    fn text(&mut self, text: &str) {
        match self.form {
            Form::Html => self.out.push_str(&escaped(text)),
            Form::Plain => self.out.push_str(text),
        }
    }

    fn nothing(&mut self) {
        self.open.push("");
    }

    /// Telegram refuses tags inside code, and a tag inside itself says nothing.
    fn open_tag(&mut self, tag: &str, closing: &'static str) {
        let refused = self.form == Form::Plain
            || self.code > 0
            || self.open.contains(&"</code>")
            || self.open.contains(&closing);
        if refused {
            return self.nothing();
        }
        self.out.push_str(tag);
        self.open.push(closing);
    }

    fn close_tag(&mut self) {
        if let Some(closing) = self.open.pop() {
            self.out.push_str(closing);
        }
    }

    /// An empty line between blocks; a new line inside a list.
    fn block(&mut self) {
        if self.out.is_empty() || self.out.ends_with("• ") || self.out.ends_with(". ") {
            return;
        }
        let tag_opened = self.out.ends_with("<blockquote>");
        if tag_opened {
            return;
        }
        let wanted = if self.lists.is_empty() { 2 } else { 1 };
        let there = self.out.chars().rev().take_while(|c| *c == '\n').count();
        for _ in there..wanted {
            self.out.push('\n');
        }
    }

    fn line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') && !self.out.ends_with('>') {
            self.out.push('\n');
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "Hello *you* and **them**, ~~not~~ `x < 1`",
        "Hello <i>you</i> and <b>them</b>, <s>not</s> <code>x &lt; 1</code>"
    )]
    #[case("# Title\n\ntext", "<b>Title</b>\n\ntext")]
    #[case("one\ntwo", "one\ntwo")]
    #[case("- a\n- b\n  - c", "• a\n• b\n  • c")]
    #[case("1. a\n2. b", "1. a\n2. b")]
    #[case("> said\n> so", "<blockquote>said\nso</blockquote>")]
    #[case(
        "```rust\nlet x = \"<\";\n```",
        "<pre><code class=\"language-rust\">let x = &quot;&lt;&quot;;</code></pre>"
    )]
    #[case("```\nplain\n```\nafter", "<pre>plain</pre>\n\nafter")]
    #[case("[here](https://x.example/?a=1&b=2)", "<a href=\"https://x.example/?a=1&amp;b=2\">here</a>")]
    #[case("[bad](javascript:alert)", "bad")]
    #[case("<script>1</script>", "&lt;script&gt;1&lt;/script&gt;")]
    #[case("**bold and `code`**", "<b>bold and <code>code</code></b>")]
    #[case("| a | b |\n|---|---|\n| 1 | 2 |", "<pre>a | b\n1 | 2</pre>")]
    fn markdown_as_html(#[case] markdown: &str, #[case] expected: &str) {
        assert_eq!(html(markdown), expected);
    }

    #[test]
    fn plain_text_has_the_words_and_no_marks() {
        assert_eq!(plain("Hello **you** & `x<1`"), "Hello you & x<1");
    }

    #[test]
    fn length_is_that_of_what_is_seen() {
        assert_eq!(visible_length("<b>a&amp;b</b> 👍"), 6);
    }

    /// Telegram's rules: known tags only, properly nested, nothing inside code, only four entities.
    fn check(html: &str) {
        let mut open: Vec<String> = Vec::new();
        let mut rest = html;
        while let Some(at) = rest.find(['<', '&']) {
            let (_, from) = rest.split_at(at);
            if let Some(entity) = from.strip_prefix('&') {
                let known = ["lt;", "gt;", "amp;", "quot;"].iter().find(|name| entity.starts_with(**name));
                rest = &entity[known.unwrap_or_else(|| panic!("an entity in {html:?}")).len()..];
                continue;
            }
            let end = from.find('>').unwrap_or_else(|| panic!("an open tag in {html:?}"));
            let tag = &from[1..end];
            rest = &from[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "{html:?}");
            } else {
                let name = tag.split(' ').next().unwrap();
                assert!(
                    ["b", "i", "s", "code", "pre", "a", "blockquote"].contains(&name),
                    "<{tag}> in {html:?}"
                );
                assert!(!open.iter().any(|it| it == "code"), "inside code: {html:?}");
                assert!(name == "code" || !open.iter().any(|it| it == "pre"), "inside pre: {html:?}");
                open.push(name.to_owned());
            }
        }
        assert!(open.is_empty(), "{open:?} in {html:?}");
    }

    proptest! {
        #[test]
        fn telegram_always_understands_it(
            parts in proptest::collection::vec(prop_oneof![
                "[a-z ]{0,12}", Just("**".to_owned()), Just("*".to_owned()), Just("`".to_owned()),
                Just("\n```x\n".to_owned()), Just("\n> ".to_owned()), Just("\n- ".to_owned()), Just("\n\n".to_owned()),
                Just("[a](https://x)".to_owned()), Just("[".to_owned()), Just("](https://y)".to_owned()),
                Just("~~".to_owned()), Just("<b>".to_owned()), Just("&".to_owned()), Just("\n# ".to_owned()),
                Just("\n| a | b |\n|---|---|\n| `c` | **d** |\n".to_owned()), Just("![i](https://z)".to_owned()), any::<String>(),
            ], 0..24)
        ) {
            check(&html(&parts.concat()));
        }

        #[test]
        fn no_word_of_prose_is_lost(words in proptest::collection::vec("[a-zA-Z]{1,10}", 1..20)) {
            let text = words.join(" ");
            prop_assert_eq!(html(&text), text.clone());
            prop_assert_eq!(plain(&text), text);
        }
    }
}
