//! The genes of a table, in order.

use std::collections::HashMap;
use std::sync::Arc;

use super::DataError;
use crate::error::Notice;

/// Position of a gene in its [`GeneIndex`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GeneId(pub u32);

impl GeneId {
    /// The position as an array index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Ordered unique gene names, with aliases and a fingerprint.
///
/// A vector over genes never travels without its index: two vectors are compared only where the fingerprints agree.
#[derive(Debug, Clone)]
pub struct GeneIndex {
    names: Vec<Arc<str>>,
    by_name: HashMap<Arc<str>, GeneId>,
    aliases: HashMap<String, GeneId>,
    fingerprint: u64,
}

impl GeneIndex {
    /// Builds an index from names that must be unique.
    ///
    /// # Errors
    /// [`DataError::DuplicateGene`] with both positions.
    ///
    /// # Example
    /// ```
    /// use grn::data::GeneIndex;
    /// let genes = GeneIndex::new(["SOX2", "NANOG"])?;
    /// assert_eq!(genes.id("NANOG").map(|g| g.index()), Some(1));
    /// # Ok::<(), grn::data::DataError>(())
    /// ```
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, DataError> {
        let mut index = Self { names: Vec::new(), by_name: HashMap::new(), aliases: HashMap::new(), fingerprint: 0 };
        for (position, name) in names.into_iter().enumerate() {
            if let Some(first) = index.push(name.as_ref()) {
                let name = name.as_ref().to_owned();
                return Err(DataError::DuplicateGene { name, first: first.index(), second: position });
            }
        }
        index.fingerprint = fingerprint(&index.names);
        Ok(index)
    }

    /// Builds an index and makes repeated names unique by a suffix (`-1`, `-2`, ...), as anndata does.
    pub fn new_unique<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> (Self, Vec<Notice>) {
        let mut index = Self { names: Vec::new(), by_name: HashMap::new(), aliases: HashMap::new(), fingerprint: 0 };
        let mut renamed = Vec::new();
        for name in names {
            let name = name.as_ref();
            if index.push(name).is_some() {
                let fresh = (1..).map(|k| format!("{name}-{k}")).find(|n| index.id(n).is_none());
                index.push(&fresh.unwrap_or_default());
                renamed.push(name.to_owned());
            }
        }
        index.fingerprint = fingerprint(&index.names);
        let notices = match renamed.len() {
            0 => Vec::new(),
            n => vec![Notice::new(format!(
                "{n} repeated gene names were made unique by a suffix: {}",
                crate::error::some_of(&renamed, 3)
            ))],
        };
        (index, notices)
    }

    /// Adds names by which genes may also be called. An alias that is itself a gene name, or that names an unknown
    /// gene, is left out. Returns how many aliases were added.
    pub fn add_aliases<A: AsRef<str>, G: AsRef<str>>(&mut self, pairs: impl IntoIterator<Item = (A, G)>) -> usize {
        let before = self.aliases.len();
        for (alias, gene) in pairs {
            let (alias, Some(id)) = (alias.as_ref(), self.by_name.get(gene.as_ref()).copied()) else { continue };
            if !self.by_name.contains_key(alias) {
                self.aliases.entry(alias.to_owned()).or_insert(id);
            }
        }
        self.aliases.len() - before
    }

    /// The gene of this exact name.
    pub fn id(&self, name: &str) -> Option<GeneId> {
        self.by_name.get(name).copied()
    }

    /// The gene of this name or alias.
    pub fn resolve(&self, name: &str) -> Option<GeneId> {
        self.id(name).or_else(|| self.aliases.get(name).copied())
    }

    /// The gene of this name or alias, or an error that suggests close spellings.
    pub fn expect(&self, name: &str) -> Result<GeneId, DataError> {
        self.resolve(name).ok_or_else(|| DataError::UnknownGene {
            name: name.to_owned(),
            n_genes: self.len(),
            suggestions: self.suggest(name),
        })
    }

    /// The name of a gene of this index.
    pub fn name(&self, gene: GeneId) -> &str {
        &self.names[gene.index()]
    }

    /// All names in order.
    pub fn names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// Number of genes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no gene.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// A hash of the ordered names: equal exactly when (but for a chance of 2^-64) two indices hold the same genes.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Up to three names of this index that are spelt like `name`, best first.
    ///
    /// # Complexity
    /// One string comparison per gene: meant for error messages.
    pub fn suggest(&self, name: &str) -> Vec<String> {
        suggest(name, self.names.iter().map(AsRef::as_ref))
    }

    /// Appends `name`; returns the earlier position where it is already there.
    fn push(&mut self, name: &str) -> Option<GeneId> {
        if let Some(&first) = self.by_name.get(name) {
            return Some(first);
        }
        let name: Arc<str> = Arc::from(name);
        self.by_name.insert(Arc::clone(&name), GeneId(self.names.len() as u32));
        self.names.push(name);
        None
    }
}

impl PartialEq for GeneIndex {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.names.len() == other.names.len()
    }
}

/// Up to three of `names` that are spelt like `name` (Jaro-Winkler, case ignored), best first.
pub(crate) fn suggest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = name.to_uppercase();
    let mut close: Vec<(f64, &str)> = names
        .into_iter()
        .map(|n| (strsim::jaro_winkler(&wanted, &n.to_uppercase()), n))
        .filter(|(similarity, _)| *similarity > 0.85)
        .collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    close.into_iter().take(3).map(|(_, n)| n.to_owned()).collect()
}

/// FNV-1a over the names and their separators: stable across platforms and versions.
fn fingerprint(names: &[Arc<str>]) -> u64 {
    let bytes = names.iter().flat_map(|n| n.bytes().chain(std::iter::once(0xff)));
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_name_is_an_error_with_both_positions() {
        let error = GeneIndex::new(["A", "B", "A"]).unwrap_err();
        assert_eq!(error, DataError::DuplicateGene { name: "A".into(), first: 0, second: 2 });
    }

    #[test]
    fn repeated_names_can_be_made_unique() {
        let (genes, notices) = GeneIndex::new_unique(["A", "A-1", "A", "A"]);
        let names: Vec<&str> = genes.names().iter().map(AsRef::as_ref).collect();
        assert_eq!(names, ["A", "A-1", "A-2", "A-3"]);
        assert_eq!(notices.len(), 1);
    }

    #[test]
    fn an_alias_never_hides_a_gene() {
        let mut genes = GeneIndex::new(["FLT4", "KDR"]).unwrap();
        assert_eq!(genes.add_aliases([("VEGFR3", "FLT4"), ("KDR", "FLT4"), ("X", "NONE")]), 1);
        assert_eq!(genes.resolve("VEGFR3"), genes.id("FLT4"));
        assert_eq!(genes.resolve("KDR").map(GeneId::index), Some(1));
    }

    #[test]
    fn the_fingerprint_sees_order_and_boundaries() {
        let t = |names: &[&str]| GeneIndex::new(names).unwrap().fingerprint();
        assert_ne!(t(&["A", "B"]), t(&["B", "A"]));
        assert_ne!(t(&["AB", "C"]), t(&["A", "BC"]));
        assert_eq!(t(&["A", "B"]), t(&["A", "B"]));
    }

    #[test]
    fn close_spellings_are_suggested() {
        let genes = GeneIndex::new(["KDM1A", "KDM1B", "STAT1"]).unwrap();
        assert_eq!(genes.suggest("KDM1a").first().map(String::as_str), Some("KDM1A"));
        assert!(genes.suggest("XYZ").is_empty());
    }
}
