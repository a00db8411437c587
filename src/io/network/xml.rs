//! Text inside XML.

use std::borrow::Cow;

/// Escapes what XML reserves; control characters that XML 1.0 cannot hold are left out.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '"' | '\'') || c.is_control();
    if !text.contains(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_escaped() {
        let t = |input: &str, expected: &str| assert_eq!(escape(input), expected);
        t("KDM1A", "KDM1A");
        t("a<b & \"c\"", "a&lt;b &amp; &quot;c&quot;");
        t("bell\u{7}", "bell");
    }
}
