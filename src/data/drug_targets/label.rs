//! Names of drugs in the labels of cells and queries.

/// Characters that end the name of a drug in a longer label.
const SEPARATORS: &[char] = &['_', '|', ',', ';', ':', '@', '(', '['];

/// A drug at a dose, as Tahoe-100M labels its cells: `[('Infigratinib', 0.05, 'uM')]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Treatment {
    /// Name of the drug.
    pub drug: String,
    /// How much.
    pub dose: f64,
    /// In which unit.
    pub unit: String,
}

impl Treatment {
    /// Reads the label; `None` for text of any other form. Of several drugs in one label the first is taken.
    ///
    /// ```
    /// let control = grn::data::Treatment::parse("[('DMSO_TF', 0.0, 'uM')]").unwrap();
    /// assert_eq!((control.drug.as_str(), control.dose, control.unit.as_str()), ("DMSO_TF", 0.0, "uM"));
    /// assert!(grn::data::Treatment::parse("smp_1783").is_none());
    /// ```
    pub fn parse(label: &str) -> Option<Self> {
        let inside = label.trim().strip_prefix('[')?.strip_suffix(']')?.trim().strip_prefix('(')?;
        let quote = inside.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        // A name may hold brackets, commas and the other quote.
        let (drug, rest) = inside[1..].split_once(&format!("{quote},"))?;
        let (dose, rest) = rest.split_once(',')?;
        let unit = rest.split_once(')')?.0.trim().trim_matches(['\'', '"']);
        let dose = dose.trim().parse().ok().filter(|d: &f64| d.is_finite())?;
        Some(Self { drug: drug.trim().to_owned(), dose, unit: unit.to_owned() })
    }

    /// The label as Tahoe-100M writes it, without blanks around the name.
    pub fn label(&self) -> String {
        format!("[('{}', {:?}, '{}')]", self.drug, self.dose, self.unit)
    }

    /// `0.05 uM`.
    pub fn dose(&self) -> String {
        format!("{} {}", self.dose, self.unit)
    }
}

/// The parts of a label before each of its separators, the longest first.
pub(super) fn beginnings(label: &str) -> impl Iterator<Item = &str> {
    let ends = label.char_indices().filter(|(_, c)| c.is_whitespace() || SEPARATORS.contains(c));
    let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
    ends.into_iter().rev().map(|at| &label[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_and_quotes_are_read() {
        let t = |label: &str| Treatment::parse(label).map(|t| (t.drug.clone(), t.dose()));
        let is = |drug: &str, dose: &str| Some((drug.to_owned(), dose.to_owned()));
        assert_eq!(t("[('(R)-Verapamil (hydrochloride)', 5.0, 'uM')]"), is("(R)-Verapamil (hydrochloride)", "5 uM"));
        assert_eq!(t("[(\"5'-Fluoro\", 0.05, 'uM')]"), is("5'-Fluoro", "0.05 uM"));
        assert_eq!(t(" [('Infigratinib ', 0.05, 'uM')] "), is("Infigratinib", "0.05 uM"));
        assert_eq!(t("[('X', much, 'uM')]"), None);
        assert_eq!(t("Infigratinib"), None);
    }
}
