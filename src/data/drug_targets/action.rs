//! What a drug does to its target.

/// Whether a drug lowers or raises the activity of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Action {
    /// Lowers it (-1).
    Inhibits,
    /// Not said, or not decided (0).
    #[default]
    Unknown,
    /// Raises it (+1).
    Activates,
}

/// Words of target tables and what they stand for, read in this order: a longer phrase comes before the words in it.
///
/// | sign | words |
/// |---|---|
/// | -1 | inhibitor, antagonist, blocker, inverse agonist, negative modulator, suppressor, degrader, antisense, ... |
/// | +1 | agonist, activator, positive modulator, potentiator, opener, inducer, stimulator |
/// | 0 | anything else: binder, ligand, modulator, substrate, releasing agent, ... |
///
/// `-1`, `0` and `+1` are read as numbers. Text with words of both signs is 0.
pub const ACTIONS: &[(&str, Action)] = &[
    ("inverse agonist", Action::Inhibits),
    ("negative allosteric modulator", Action::Inhibits),
    ("negative modulator", Action::Inhibits),
    ("positive allosteric modulator", Action::Activates),
    ("positive modulator", Action::Activates),
    ("antagonist", Action::Inhibits),
    ("inhibitor", Action::Inhibits),
    ("inhibitory", Action::Inhibits),
    ("inhibition", Action::Inhibits),
    ("inhibits", Action::Inhibits),
    ("blocker", Action::Inhibits),
    ("suppressor", Action::Inhibits),
    ("degrader", Action::Inhibits),
    ("disrupting agent", Action::Inhibits),
    ("antisense", Action::Inhibits),
    ("antisense oligonucleotide", Action::Inhibits),
    ("rnai inhibitor", Action::Inhibits),
    ("agonist", Action::Activates),
    ("activator", Action::Activates),
    ("activation", Action::Activates),
    ("activates", Action::Activates),
    ("potentiator", Action::Activates),
    ("opener", Action::Activates),
    ("inducer", Action::Activates),
    ("stimulator", Action::Activates),
    ("stimulant", Action::Activates),
];

impl Action {
    /// -1, 0 or 1.
    pub fn sign(self) -> i8 {
        match self {
            Self::Inhibits => -1,
            Self::Unknown => 0,
            Self::Activates => 1,
        }
    }

    /// Reads a number or the words of [`ACTIONS`].
    ///
    /// ```
    /// use grn::data::Action;
    /// assert_eq!(Action::read("NEGATIVE ALLOSTERIC MODULATOR"), Action::Inhibits);
    /// assert_eq!(Action::read("beta adrenergic receptor agonist"), Action::Activates);
    /// assert_eq!(Action::read("antagonist|agonist"), Action::Unknown);
    /// ```
    pub fn read(text: &str) -> Self {
        match text.trim() {
            "-1" | "-1.0" | "-" => return Self::Inhibits,
            "1" | "+1" | "1.0" | "+" => return Self::Activates,
            _ => {}
        }
        let words = text.to_lowercase();
        let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let mut text = format!(" {} ", words.join(" "));
        let mut signs = [false; 2];
        for (phrase, action) in ACTIONS {
            let (phrase, plural) = (format!(" {phrase} "), format!(" {phrase}s "));
            if text.contains(&phrase) || text.contains(&plural) {
                signs[usize::from(*action == Self::Activates)] = true;
                text = text.replace(&plural, " | ").replace(&phrase, " | ");
            }
        }
        match signs {
            [true, false] => Self::Inhibits,
            [false, true] => Self::Activates,
            _ => Self::Unknown,
        }
    }

    /// What two rows about the same target say together.
    pub(super) fn merged(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, one) | (one, Self::Unknown) => one,
            (a, b) if a == b => a,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_target_tables_are_read() {
        let t = |text: &str, sign: i8| assert_eq!(Action::read(text).sign(), sign, "{text}");
        t("inhibitor", -1);
        t("EGFR inhibitor|VEGFR inhibitor", -1);
        t("inhibitor/antagonist", -1);
        t("calcium channel blocker", -1);
        t("Inverse agonist", -1);
        t("inverse agonist, agonist", 0);
        t("Beta-3 adrenergic agonists", 1);
        t("POSITIVE ALLOSTERIC MODULATOR", 1);
        t("potassium channel opener", 1);
        t("modulator", 0);
        t("unclear", 0);
        t("binder", 0);
        t("", 0);
        t("-1", -1);
        t("+1", 1);
        t("0", 0);
    }
}
