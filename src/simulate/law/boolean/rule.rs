//! A Boolean rule: genes joined by `and`, `or`, `not` and parentheses.

use crate::data::{GeneId, GeneIndex};
use crate::graph::Sign;

/// When a gene is on, given which genes are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// This gene is on.
    Gene(u32),
    /// The rule does not hold.
    Not(Box<Rule>),
    /// Both hold.
    And(Box<Rule>, Box<Rule>),
    /// One of them holds, or both.
    Or(Box<Rule>, Box<Rule>),
}

/// What a rule should have had, and what was found in its place.
pub(super) type Misfit = (&'static str, String);

/// Parentheses and `not`s that may be open at once.
const DEPTH: usize = 200;

impl Rule {
    /// Reads a rule. `not` binds before `and`, `and` before `or`; the three words in any case.
    pub(super) fn parse(text: &str, genes: &GeneIndex) -> Result<Self, Misfit> {
        let mut reader = Reader { words: words(text), at: 0, genes };
        let rule = reader.either(0)?;
        match reader.word() {
            None => Ok(rule),
            Some(word) => Err(("`and`, `or` or the end of the rule", word)),
        }
    }

    /// Evaluates 64 states at once: bit k of `on[gene]` says whether the gene is on in state k.
    pub fn eval(&self, on: &[u64]) -> u64 {
        match self {
            Self::Gene(gene) => on[*gene as usize],
            Self::Not(rule) => !rule.eval(on),
            Self::And(a, b) => a.eval(on) & b.eval(on),
            Self::Or(a, b) => a.eval(on) | b.eval(on),
        }
    }

    /// Calls `seen` with every gene of the rule, as often as it is named, and what it does there: it represses under an
    /// odd number of `not`s.
    pub fn visit(&self, seen: &mut dyn FnMut(u32, Sign)) {
        self.signed(Sign::Activation, seen);
    }

    fn signed(&self, sign: Sign, seen: &mut dyn FnMut(u32, Sign)) {
        match self {
            Self::Gene(gene) => seen(*gene, sign),
            Self::Not(rule) => rule.signed(Sign::of(-sign.value()), seen),
            Self::And(a, b) | Self::Or(a, b) => {
                a.signed(sign, seen);
                b.signed(sign, seen);
            }
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for part in text.split_whitespace() {
        let mut rest = part;
        while let Some(at) = rest.find(['(', ')']) {
            words.extend([&rest[..at], &rest[at..=at]].iter().filter(|word| !word.is_empty()));
            rest = &rest[at + 1..];
        }
        words.extend(Some(rest).filter(|word| !word.is_empty()));
    }
    words
}

/// Recursive descent, one function per level of precedence.
struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    genes: &'a GeneIndex,
}

impl Reader<'_> {
    fn word(&self) -> Option<String> {
        self.words.get(self.at).map(ToString::to_string)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|w| w.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Rule, Misfit> {
        let mut rule = self.both(depth)?;
        while self.take("or") {
            rule = Rule::Or(Box::new(rule), Box::new(self.both(depth)?));
        }
        Ok(rule)
    }

    fn both(&mut self, depth: usize) -> Result<Rule, Misfit> {
        let mut rule = self.one(depth)?;
        while self.take("and") {
            rule = Rule::And(Box::new(rule), Box::new(self.one(depth)?));
        }
        Ok(rule)
    }

    fn one(&mut self, depth: usize) -> Result<Rule, Misfit> {
        let found = self.word().unwrap_or_else(|| "the end of the rule".to_owned());
        if depth > DEPTH {
            return Err(("at most 200 open parentheses and `not`s", found));
        }
        if self.take("not") {
            return Ok(Rule::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let rule = self.either(depth + 1)?;
            let next = self.word().unwrap_or_else(|| "the end of the rule".to_owned());
            return if self.take(")") { Ok(rule) } else { Err(("a closing parenthesis", next)) };
        }
        match self.genes.id(&found) {
            Some(GeneId(gene)) => {
                self.at += 1;
                Ok(Rule::Gene(gene))
            }
            None => Err(("a gene that has a rule, `not` or an opening parenthesis", found)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a rule over A, B, C in the eight states 000, A, B, AB, C, ...
    fn table(text: &str) -> u64 {
        let genes = GeneIndex::new(["A", "B", "C"]).unwrap();
        Rule::parse(text, &genes).unwrap().eval(&[0b1010_1010, 0b1100_1100, 0b1111_0000]) & 0xFF
    }

    #[test]
    fn not_binds_before_and_before_or() {
        assert_eq!(table("A or B and C"), table("A or (B and C)"));
        assert_eq!(table("A or B and C"), 0b1110_1010);
        assert_eq!(table("not A and B"), table("(not A) and B"));
        assert_eq!(table("not A and B"), 0b0100_0100);
        assert_eq!(table("NOT(A OR B)And not(C)"), 0b0000_0001);
        assert_eq!(table("not not A"), 0b1010_1010);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        let genes = GeneIndex::new(["A", "B"]).unwrap();
        let t = |text: &str, expected: &str, got: &str| {
            assert_eq!(
                Rule::parse(text, &genes),
                Err((expected, got.to_owned())).map_err(|(e, g)| (leak(e), g)),
                "{text}"
            );
        };
        let gene = "a gene that has a rule, `not` or an opening parenthesis";
        t("", gene, "the end of the rule");
        t("A and", gene, "the end of the rule");
        t("A and X", gene, "X");
        t("A B", "`and`, `or` or the end of the rule", "B");
        t("A)", "`and`, `or` or the end of the rule", ")");
        t("(A or B", "a closing parenthesis", "the end of the rule");
        t(&"(".repeat(500_000), "at most 200 open parentheses and `not`s", "(");
    }

    fn leak(text: &str) -> &'static str {
        text.to_owned().leak()
    }
}
