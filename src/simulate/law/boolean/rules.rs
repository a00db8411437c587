//! One Boolean rule per gene: reading, edges, the synchronous map and its fixed points.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::rule::Rule;
use crate::data::GeneIndex;
use crate::graph::Sign;
use crate::simulate::SimulateError;

/// Most regulators that a rule may name: its thermodynamic form has two to the power of this many terms.
pub(super) const MOST_REGULATORS: usize = 12;
/// Most genes of which all Boolean states are searched.
const MOST_GENES: usize = 20;

/// Curated models: name on the command line and table.
const CURATED: [(&str, &str); 4] = [
    ("mcad", include_str!("../../../../networks/boolean/mcad.tsv")),
    ("vsc", include_str!("../../../../networks/boolean/vsc.tsv")),
    ("hsc", include_str!("../../../../networks/boolean/hsc.tsv")),
    ("gsd", include_str!("../../../../networks/boolean/gsd.tsv")),
];

/// A Boolean model: one rule per gene.
#[derive(Debug, Clone)]
pub struct Rules {
    genes: Arc<GeneIndex>,
    rules: Vec<Rule>,
}

impl Rules {
    /// Names of the embedded models (`networks/boolean`).
    pub const CURATED: [&'static str; 4] = [CURATED[0].0, CURATED[1].0, CURATED[2].0, CURATED[3].0];

    /// The embedded model of this name, case ignored; `None` where there is none.
    ///
    /// # Errors
    /// [`SimulateError::Network`], which the tests of this room rule out for the embedded tables.
    pub fn curated(name: &str) -> Option<Result<Self, SimulateError>> {
        let (name, text) = CURATED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(Self::parse(text, &format!("networks/boolean/{name}.tsv")))
    }

    /// Reads a table with a header line and the columns gene and rule, separated by a tab. Every gene that a rule names
    /// has a line of its own; an input has itself as rule. `table` is used in messages.
    ///
    /// # Errors
    /// [`SimulateError::Network`] with the line.
    pub fn parse(text: &str, table: &str) -> Result<Self, SimulateError> {
        let wrong = |line: usize, expected, got: &str| SimulateError::Network {
            table: table.to_owned(),
            line,
            expected,
            got: format!("`{got}`"),
        };
        let (mut lines, mut names) = (Vec::new(), Vec::<&str>::new());
        for (at, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let Some((gene, rule)) = line.split_once('\t') else {
                return Err(wrong(at + 1, "a gene and its rule separated by a tab", line));
            };
            if gene.trim().is_empty() || names.contains(&gene.trim()) {
                return Err(wrong(at + 1, "a gene that has no rule yet", gene));
            }
            names.push(gene.trim());
            lines.push((at + 1, rule));
        }
        let genes = GeneIndex::new(&names)?;
        let mut rules = Vec::with_capacity(lines.len());
        for (line, text) in lines {
            let rule = Rule::parse(text, &genes).map_err(|(expected, got)| wrong(line, expected, &got))?;
            if regulators(&rule).len() > MOST_REGULATORS {
                return Err(wrong(line, "a rule of at most 12 genes", &regulators(&rule).len().to_string()));
            }
            rules.push(rule);
        }
        Ok(Self { genes: Arc::new(genes), rules })
    }

    /// The genes, in the order of the table.
    pub fn genes(&self) -> &Arc<GeneIndex> {
        &self.genes
    }

    /// The rule of a gene.
    pub fn rule(&self, gene: usize) -> &Rule {
        &self.rules[gene]
    }

    /// The genes that the rule of a gene names, ascending.
    pub fn regulators_of(&self, gene: usize) -> Vec<u32> {
        regulators(&self.rules[gene]).into_keys().collect()
    }

    /// Source, target and sign of every regulator that a rule names, by target and source. A gene named under an odd
    /// number of `not`s represses; named both ways its sign is unknown.
    pub fn edges(&self) -> Vec<(u32, u32, Sign)> {
        let of = |(target, rule): (usize, &Rule)| {
            regulators(rule).into_iter().map(move |(source, sign)| (source, target as u32, sign)).collect::<Vec<_>>()
        };
        self.rules.iter().enumerate().flat_map(of).collect()
    }

    /// The state that follows when all genes obey their rules at once; one value per gene.
    pub fn next(&self, state: &[bool]) -> Vec<bool> {
        let on: Vec<u64> = state.iter().map(|&on| u64::from(on)).collect();
        self.rules.iter().map(|rule| rule.eval(&on) & 1 == 1).collect()
    }

    /// All states that their own rules leave as they are, ascending as binary numbers whose lowest digit is the first
    /// gene. All states are tried, 64 at a time.
    ///
    /// # Errors
    /// [`SimulateError::BadOption`] for more than 20 genes.
    ///
    /// # Complexity
    /// O(2^genes / 64 x length of the rules).
    pub fn fixed_points(&self) -> Result<Vec<Vec<bool>>, SimulateError> {
        let n = self.rules.len();
        if n > MOST_GENES {
            return Err(SimulateError::option("rules", "at most 20 genes to search all states of", n));
        }
        let mut found = Vec::new();
        for block in 0..(1u64 << n).div_ceil(64) {
            let on: Vec<u64> = (0..n).map(|gene| pattern(gene, block)).collect();
            let inside = if n < 6 { (1 << (1u64 << n)) - 1 } else { u64::MAX };
            let mut steady =
                self.rules.iter().zip(&on).fold(inside, |steady, (rule, x)| steady & !(rule.eval(&on) ^ x));
            while steady != 0 {
                let state = block * 64 + u64::from(steady.trailing_zeros());
                found.push((0..n).map(|gene| state >> gene & 1 == 1).collect());
                steady &= steady - 1;
            }
        }
        Ok(found)
    }

    /// Whether the rule of a gene holds for every subset of its regulators: bit k of the position says that the k-th is
    /// on. Length 2^regulators.
    pub(super) fn truth_table(&self, gene: usize) -> Vec<bool> {
        let regulators = self.regulators_of(gene);
        let mut on = vec![0; self.rules.len()];
        let mut table = Vec::with_capacity(1 << regulators.len());
        for block in 0..(1u64 << regulators.len()).div_ceil(64) {
            regulators.iter().enumerate().for_each(|(k, &j)| on[j as usize] = pattern(k, block));
            let holds = self.rules[gene].eval(&on);
            table.extend((0..64).map(|bit| holds >> bit & 1 == 1));
        }
        table.truncate(1 << regulators.len());
        table
    }
}

/// Bits of digit `k` of the 64 numbers from 64 `block` on.
fn pattern(k: usize, block: u64) -> u64 {
    const LOW: [u64; 6] = [
        0xAAAA_AAAA_AAAA_AAAA,
        0xCCCC_CCCC_CCCC_CCCC,
        0xF0F0_F0F0_F0F0_F0F0,
        0xFF00_FF00_FF00_FF00,
        0xFFFF_0000_FFFF_0000,
        0xFFFF_FFFF_0000_0000,
    ];
    LOW.get(k).copied().unwrap_or_else(|| (block >> (k - 6) & 1).wrapping_neg())
}

fn regulators(rule: &Rule) -> BTreeMap<u32, Sign> {
    let mut signs: BTreeMap<u32, Option<Sign>> = BTreeMap::new();
    rule.visit(&mut |gene, sign| {
        signs.entry(gene).and_modify(|known| *known = known.filter(|k| *k == sign)).or_insert(Some(sign));
    });
    signs.into_iter().map(|(gene, sign)| (gene, sign.unwrap_or(Sign::Unknown))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_what_trying_one_by_one_finds() {
        for name in Rules::CURATED {
            let rules = Rules::curated(name).unwrap().unwrap();
            let n = rules.genes().len();
            let state = |number: u64| (0..n).map(|gene| number >> gene & 1 == 1).collect::<Vec<bool>>();
            let expected: Vec<Vec<bool>> = (0..1 << n).map(state).filter(|s| rules.next(s) == *s).collect();
            assert_eq!(rules.fixed_points().unwrap(), expected, "{name}");
            assert!(!expected.is_empty());
        }
    }

    #[test]
    fn truth_tables_of_many_regulators_are_whole() {
        let genes: Vec<String> =
            (0..8).map(|k| format!("G{k}\t{}", if k == 7 { "G0 or not G7" } else { "G0" })).collect();
        let text =
            format!("Gene\tRule\n{}\nX\tG0 and not (G1 or G2 or G3) and (G4 or G5 or G6) and G7\n", genes.join("\n"));
        let rules = Rules::parse(&text, "t").unwrap();
        let table = rules.truth_table(8);
        let expected = |s: usize| s & 1 == 1 && s & 0b1110 == 0 && s & 0b111_0000 != 0 && s & 0b1000_0000 != 0;
        assert_eq!(table.len(), 256);
        assert!((0..256).all(|s| table[s] == expected(s)));
        assert_eq!(rules.truth_table(7), [true, true, false, true]);
    }

    #[test]
    fn signs_are_counted_by_nots() {
        let rules = Rules::parse("Gene\tRule\nA\tnot (B or not A)\nB\tA and not (A and B)\n", "t").unwrap();
        let (plus, minus) = (Sign::Activation, Sign::Repression);
        assert_eq!(rules.edges(), [(0, 0, plus), (1, 0, minus), (0, 1, Sign::Unknown), (1, 1, minus)]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let t = |text: &str, expected: &str| {
            assert_eq!(Rules::parse(&format!("Gene\tRule\n{text}"), "t").unwrap_err().to_string(), expected);
        };
        t("A and B\n", "network `t`, line 2: expected a gene and its rule separated by a tab, got `A and B`");
        t("A\tA\n\nA\tA\n", "network `t`, line 4: expected a gene that has no rule yet, got `A`");
        t(
            "A\tA or\n",
            "network `t`, line 2: expected a gene that has a rule, `not` or an opening parenthesis, got `the end of the rule`",
        );
        let names: Vec<String> = (0..13).map(|k| format!("G{k}")).collect();
        let lines: String = names.iter().map(|g| format!("{g}\t{}\n", names.join(" or "))).collect();
        t(&lines, "network `t`, line 2: expected a rule of at most 12 genes, got `13`");
    }
}
