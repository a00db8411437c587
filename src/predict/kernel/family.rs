//! Gene families by symbol.

use std::collections::HashMap;

use super::channel::Profile;
use crate::data::{GeneId, GeneIndex};

/// The first gene of each gene's family.
#[derive(Debug, Clone)]
pub(super) struct Families(Vec<GeneId>);

impl Families {
    /// Reads families from the symbols. O(genes).
    pub(super) fn new(genes: &GeneIndex) -> Self {
        let mut first: HashMap<&str, GeneId> = HashMap::new();
        let mut of = Vec::with_capacity(genes.len());
        for (i, name) in genes.names().iter().enumerate() {
            of.push(*first.entry(stem(name).unwrap_or(name)).or_insert(GeneId(i as u32)));
        }
        Self(of)
    }

    /// One entry, the family: genes of one family have a cosine of 1.
    pub(super) fn profile(&self, gene: GeneId) -> Profile {
        vec![(self.0[gene.index()], 1.0)]
    }
}

/// A symbol without the number of the member: `PSMA` of `PSMA1`, `RPL` of `RPL10A`, `MRPS` of `MRPS18C`; none where fewer
/// than two characters are left.
fn stem(symbol: &str) -> Option<&str> {
    let digits = |s: &'_ str| s.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let without_letter = symbol.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(symbol);
    let end = match (digits(symbol), digits(without_letter)) {
        (whole, _) if whole < symbol.len() => whole,
        (_, inner) if inner < without_letter.len() => inner,
        _ => return None,
    };
    (end >= 2).then(|| &symbol[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_member_is_cut_off() {
        let t = |symbol, expected: Option<&str>| assert_eq!(stem(symbol), expected, "{symbol}");
        t("PSMA1", Some("PSMA"));
        t("RPL10A", Some("RPL"));
        t("MED12", Some("MED"));
        t("TP53", Some("TP"));
        t("GAPDH", None);
        t("A1", None);
    }

    #[test]
    fn members_of_a_family_share_their_profile() {
        let families = Families::new(&GeneIndex::new(["PSMA1", "GAPDH", "PSMA2"]).unwrap());
        assert_eq!(families.profile(GeneId(0)), families.profile(GeneId(2)));
        assert_ne!(families.profile(GeneId(0)), families.profile(GeneId(1)));
    }
}
