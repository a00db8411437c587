//! Splits of perturbations as GEARS (Roohani et al., Nature Biotechnology 2024) names them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Perturbation;
use crate::stats::Rng;

/// Kinds of splits.
///
/// The recipes are those of the paper; the draws come from this project's generator, so that a split of the same name and
/// seed holds other perturbations than theirs. Where theirs draws with replacement or draws nothing from small data, this
/// draws distinct genes, one at least; `no_test` draws its validation part from all perturbations, not from pairs alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishedSplit {
    /// 75 % of the perturbed genes are seen: singles of others, pairs with one or two others, and a quarter of the pairs
    /// of seen genes are tested; of the rest the same again, with 90 %, is for validation.
    Simulation,
    /// The same for single perturbations; pairs are left out.
    SimulationSingle,
    /// 10 % of the genes are unseen: their singles and the pairs of two of them are tested, pairs with one are left out;
    /// then again for validation.
    ComboSeen0,
    /// The same, and pairs with one unseen gene are tested too.
    ComboSeen1,
    /// 10 % of the pairs are tested, then 10 % of the rest for validation.
    ComboSeen2,
    /// Singles of 10 % of the genes are tested, pairs with them left out; then again for validation.
    Single,
    /// 10 % of the perturbations for validation, none tested.
    NoTest,
    /// Everything is tested.
    NoSplit,
}

/// Where a perturbation belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Learned from.
    Train,
    /// To choose settings by.
    Val,
    /// To judge by.
    Test,
    /// In none of them.
    Out,
}

impl Part {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::Out => "out",
        }
    }
}

/// Where a perturbation belongs, and what is new in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assigned {
    /// Its part.
    pub part: Part,
    /// `unseen_single`, `combo_seen0`, `combo_seen1` or `combo_seen2`: how many genes of it are seen; `None` in training.
    pub subgroup: Option<&'static str>,
}

/// Shares of the recipes.
const TRAIN_GENES: f64 = 0.75;
const TRAIN_PAIRS: f64 = 0.75;
const NOT_VAL: f64 = 0.9;
const TENTH: f64 = 0.1;

impl PublishedSplit {
    /// All kinds by name.
    pub const ALL: [(&'static str, Self); 8] = [
        ("simulation", Self::Simulation),
        ("simulation_single", Self::SimulationSingle),
        ("combo_seen0", Self::ComboSeen0),
        ("combo_seen1", Self::ComboSeen1),
        ("combo_seen2", Self::ComboSeen2),
        ("single", Self::Single),
        ("no_test", Self::NoTest),
        ("no_split", Self::NoSplit),
    ];

    /// The part of each perturbation (no controls); depends on their set and the seed, not on their order.
    ///
    /// # Complexity
    /// O(n log n).
    pub fn assign(self, perturbations: &[Perturbation], seed: u64) -> Vec<Assigned> {
        let all: BTreeSet<&Perturbation> = perturbations.iter().collect();
        let mut draw = Draw { kind: self, seed };
        let test = draw.held_out(&all, "test", [TRAIN_GENES, TRAIN_PAIRS]);
        let rest: BTreeSet<&Perturbation> =
            all.iter().filter(|p| !test.held.contains(*p) && !test.out.contains(*p)).copied().collect();
        let val = match self {
            Self::NoSplit => Held::default(),
            _ => draw.held_out(&rest, "val", [NOT_VAL, NOT_VAL]),
        };
        let (tested, validated) = if self == Self::NoTest { (Held::default(), test) } else { (test, val) };
        let of = |p: &Perturbation| {
            if tested.held.contains(p) {
                Assigned { part: Part::Test, subgroup: Some(tested.subgroup(p)) }
            } else if validated.held.contains(p) {
                Assigned { part: Part::Val, subgroup: Some(validated.subgroup(p)) }
            } else if tested.out.contains(p) || validated.out.contains(p) {
                Assigned { part: Part::Out, subgroup: None }
            } else {
                Assigned { part: Part::Train, subgroup: None }
            }
        };
        perturbations.iter().map(of).collect()
    }
}

/// What one draw takes out of a set of perturbations.
#[derive(Default)]
struct Held<'a> {
    held: BTreeSet<&'a Perturbation>,
    out: BTreeSet<&'a Perturbation>,
    seen: BTreeSet<Arc<str>>,
}

impl Held<'_> {
    fn subgroup(&self, p: &Perturbation) -> &'static str {
        match (p.targets().len(), count(&self.seen, p)) {
            (0 | 1, _) => "unseen_single",
            (_, 0) => "combo_seen0",
            (_, 1) => "combo_seen1",
            _ => "combo_seen2",
        }
    }
}

fn count(genes: &BTreeSet<Arc<str>>, p: &Perturbation) -> usize {
    p.targets().iter().filter(|t| genes.contains(*t)).count()
}

struct Draw {
    kind: PublishedSplit,
    seed: u64,
}

impl Draw {
    /// Some of these in random order, drawn by the seed and a name.
    fn shuffled<T: Clone>(&self, of: impl IntoIterator<Item = T>, what: &str) -> Vec<T> {
        let mut order: Vec<T> = of.into_iter().collect();
        Rng::named(self.seed, &format!("gears {what}")).shuffle(&mut order);
        order
    }

    fn held_out<'a>(&mut self, of: &BTreeSet<&'a Perturbation>, what: &str, [genes, pairs]: [f64; 2]) -> Held<'a> {
        match self.kind {
            PublishedSplit::Simulation | PublishedSplit::SimulationSingle => self.simulation(of, what, [genes, pairs]),
            PublishedSplit::ComboSeen0 | PublishedSplit::ComboSeen1 | PublishedSplit::Single => self.by_gene(of, what),
            PublishedSplit::ComboSeen2 => {
                let pairs: Vec<&Perturbation> = of.iter().filter(|p| p.targets().len() > 1).copied().collect();
                self.some(of, &pairs, what)
            }
            PublishedSplit::NoTest if what == "test" => {
                let all: Vec<&Perturbation> = of.iter().copied().collect();
                self.some(of, &all, what)
            }
            PublishedSplit::NoTest => Held::default(),
            PublishedSplit::NoSplit => Held { held: of.clone(), ..Held::default() },
        }
    }

    fn simulation<'a>(&self, of: &BTreeSet<&'a Perturbation>, what: &str, [genes, pairs]: [f64; 2]) -> Held<'a> {
        let singles_only = self.kind == PublishedSplit::SimulationSingle;
        let (of, out): (BTreeSet<_>, BTreeSet<_>) = of.iter().partition(|p| !singles_only || p.targets().len() == 1);
        let all = targets(&of);
        let n_seen = (all.len() as f64 * genes) as usize;
        let seen: BTreeSet<Arc<str>> = self.shuffled(all, what).into_iter().take(n_seen).collect();
        let known: Vec<&Perturbation> = of.iter().filter(|p| count(&seen, p) == p.targets().len()).copied().collect();
        let both: Vec<&Perturbation> = known.iter().filter(|p| p.targets().len() > 1).copied().collect();
        let n_pairs = (both.len() as f64 * pairs) as usize;
        let tested_pairs = self.shuffled(both, &format!("{what} pairs")).into_iter().skip(n_pairs);
        let mut held: BTreeSet<&Perturbation> = tested_pairs.collect();
        held.extend(of.iter().filter(|p| count(&seen, p) < p.targets().len()));
        Held { held, out, seen }
    }

    /// Takes out what was done to a tenth of the genes.
    fn by_gene<'a>(&self, of: &BTreeSet<&'a Perturbation>, what: &str) -> Held<'a> {
        let all = targets(of);
        let singles = of.iter().filter(|p| p.targets().len() == 1).count();
        let n = ((singles as f64 * TENTH) as usize).max(1);
        let order = self.shuffled(all, what);
        let unseen: BTreeSet<Arc<str>> = order.iter().take(n).cloned().collect();
        let seen = order.into_iter().skip(n).collect();
        let (mut held, mut out) = (BTreeSet::new(), BTreeSet::new());
        for p in of.iter().filter(|p| count(&unseen, p) > 0) {
            let (n, new) = (p.targets().len(), count(&unseen, p));
            let tested = match self.kind {
                PublishedSplit::ComboSeen1 => true,
                PublishedSplit::ComboSeen0 => new == n,
                _ => n == 1,
            };
            if tested {
                held.insert(*p)
            } else {
                out.insert(*p)
            };
        }
        Held { held, out, seen }
    }

    /// Takes out a tenth of these, one at least.
    fn some<'a>(&self, of: &BTreeSet<&'a Perturbation>, these: &[&'a Perturbation], what: &str) -> Held<'a> {
        let n = ((these.len() as f64 * TENTH) as usize).max(1);
        let held: BTreeSet<&Perturbation> = self.shuffled(these.to_vec(), what).into_iter().take(n).collect();
        let rest: BTreeSet<&Perturbation> = of.difference(&held).copied().collect();
        Held { seen: targets(&rest), held, out: BTreeSet::new() }
    }
}

fn targets(of: &BTreeSet<&Perturbation>) -> BTreeSet<Arc<str>> {
    of.iter().flat_map(|p| p.targets().iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 single genes and 45 pairs of the first ten.
    fn screen() -> Vec<Perturbation> {
        let gene = |k: usize| format!("G{k}");
        let pairs = (0..10).flat_map(|a| (0..a).map(move |b| Perturbation::of([format!("G{a}"), format!("G{b}")])));
        (0..40).map(|k| Perturbation::of([gene(k)])).chain(pairs).collect()
    }

    fn assigned(kind: PublishedSplit) -> Vec<(Perturbation, Assigned)> {
        let screen = screen();
        let assigned = kind.assign(&screen, 1);
        assert_eq!(assigned, kind.assign(&screen, 1));
        screen.into_iter().zip(assigned).collect()
    }

    fn trained(rows: &[(Perturbation, Assigned)]) -> BTreeSet<Arc<str>> {
        let train = rows.iter().filter(|(_, a)| a.part == Part::Train);
        train.flat_map(|(p, _)| p.targets().iter().cloned()).collect()
    }

    #[test]
    fn every_kind_holds_out_what_its_name_says() {
        for (name, kind) in PublishedSplit::ALL {
            let rows = assigned(kind);
            let n = |part: Part| rows.iter().filter(|(_, a)| a.part == part).count();
            assert_eq!(n(Part::Train) > 0, kind != PublishedSplit::NoSplit, "{name}");
            assert_eq!(n(Part::Test) > 0, kind != PublishedSplit::NoTest, "{name}");
            assert_eq!(n(Part::Val) > 0, kind != PublishedSplit::NoSplit, "{name}");
            let seen = trained(&rows);
            for (p, a) in rows.iter().filter(|(_, a)| a.part == Part::Test && kind != PublishedSplit::NoSplit) {
                let new = p.targets().len() - count(&seen, p);
                let bound = match a.subgroup.unwrap() {
                    "unseen_single" => 1..=1,
                    "combo_seen0" => 2..=2,
                    // A seen gene may be one whose only perturbations went to validation.
                    "combo_seen1" => 1..=2,
                    _ => 0..=2,
                };
                assert!(bound.contains(&new), "{name}: {p} {a:?}");
            }
            let subgroups: BTreeSet<&str> =
                rows.iter().filter(|(_, a)| a.part == Part::Test).filter_map(|(_, a)| a.subgroup).collect();
            let expected: &[&str] = match kind {
                PublishedSplit::SimulationSingle | PublishedSplit::Single => &["unseen_single"],
                PublishedSplit::ComboSeen2 => &["combo_seen2"],
                _ => continue,
            };
            assert_eq!(subgroups.into_iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn a_simulation_split_has_the_published_shares() {
        let rows = assigned(PublishedSplit::Simulation);
        let unseen = rows.iter().filter(|(_, a)| a.part == Part::Test && a.subgroup == Some("unseen_single")).count();
        assert_eq!(unseen, 10, "a quarter of 40 genes");
        let other = PublishedSplit::Simulation.assign(&screen(), 2);
        assert_ne!(other, rows.iter().map(|r| r.1).collect::<Vec<_>>());
        let mut backwards = screen();
        backwards.reverse();
        let mut same = PublishedSplit::Simulation.assign(&backwards, 1);
        same.reverse();
        assert_eq!(same, rows.iter().map(|r| r.1).collect::<Vec<_>>());
    }

    #[test]
    fn pairs_are_left_out_where_only_singles_count() {
        let rows = assigned(PublishedSplit::SimulationSingle);
        assert!(rows.iter().all(|(p, a)| (a.part == Part::Out) == (p.targets().len() == 2)));
    }
}
