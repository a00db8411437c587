//! Gene symbols in a field of targets.

/// Longest symbol there is, with room.
const LONGEST: usize = 24;

/// Texts that stand for no target.
const MISSING: [&str; 9] = ["", "nan", "na", "n/a", "none", "null", "-", "unknown", "unclear"];

/// The labels of a field. `,` `;` and `|` separate; blanks do where every word looks like a symbol of its own, so that the
/// name of a protein stays whole.
pub(super) fn split(field: &str) -> Vec<&str> {
    let parts = field.split([',', ';', '|']).map(clean).filter(|p| !is_missing(p));
    parts
        .flat_map(|part| {
            let words: Vec<&str> = part.split_whitespace().collect();
            if words.iter().all(|w| is_symbol(w) && !w.bytes().all(|b| b.is_ascii_lowercase())) {
                words
            } else {
                vec![part]
            }
        })
        .collect()
}

/// Blanks, quotes and brackets of lists taken off.
fn clean(text: &str) -> &str {
    text.trim().trim_matches(['"', '\'', '[', ']', '{', '}']).trim()
}

/// Whether this text stands for nothing.
pub(super) fn is_missing(text: &str) -> bool {
    MISSING.iter().any(|m| text.trim().eq_ignore_ascii_case(m))
}

/// Whether this could be the symbol of a gene of any species: letters and digits, joined by `-`, `.`, `_` or `@`, with a
/// letter among them. Which symbols there are, the genes of a run say.
pub(super) fn is_symbol(label: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '@');
    let first = label.starts_with(|c: char| c.is_ascii_alphanumeric());
    first && label.len() <= LONGEST && label.chars().all(fits) && label.contains(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_at_any_separator() {
        let t = |field: &str, expected: &[&str]| assert_eq!(split(field), expected, "{field}");
        t("EGFR, ERBB2;KDR|FLT1", &["EGFR", "ERBB2", "KDR", "FLT1"]);
        t("EGFR ERBB2", &["EGFR", "ERBB2"]);
        t("['EGFR', 'C1orf112']", &["EGFR", "C1orf112"]);
        t("Influenza A virus neuraminidase, NOS2", &["Influenza A virus neuraminidase", "NOS2"]);
        t("NS2B-NS3, WNV", &["NS2B-NS3", "WNV"]);
        t("nan", &[]);
        t(" ; None", &[]);
    }

    #[test]
    fn symbols_are_told_from_names() {
        let t = |label: &str, expected: bool| assert_eq!(is_symbol(label), expected, "{label}");
        t("HLA-DRB1", true);
        t("C1orf112", true);
        t("Egfr", true);
        t("30S ribosome", false);
        t("DNA (cytosine-5)", false);
        t("123", false);
        t("", false);
    }
}
