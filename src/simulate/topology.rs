//! Random wirings: directed, scale-free, in groups, with hubs and cycles.
//!
//! The growth rule is that of Aguirre et al. (2025, PLOS Comput Biol 21(9)), with sources limited to a share of the genes.
//! Their generator weighs every gene at every step, O(n) per draw. Here a draw is O(1): a gene is chosen in proportion to
//! degree + d by taking, with probability E / (E + d n), the end of a random link and otherwise any gene.

use serde::Serialize;

use std::collections::HashSet;
use std::sync::Arc;

use super::{Link, SimulateError, Wiring};
use crate::data::{GeneId, GeneIndex};
use crate::stats::Rng;

/// How a wiring is grown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopologyOptions {
    /// Number of genes.
    pub genes: usize,
    /// Links per gene.
    pub links_per_gene: f64,
    /// Number of groups (pathways).
    pub groups: usize,
    /// How much likelier a link stays within a group than goes to any one other group.
    pub kappa: f64,
    /// Share of genes that regulate others.
    pub regulators: f64,
    /// Added to the in-degree when a target is drawn: the larger, the more even the in-degrees.
    pub d_in: f64,
    /// Added to the out-degree when a source is drawn: the smaller, the larger the hubs.
    pub d_out: f64,
    /// Share of links that activate.
    pub activators: f64,
}

impl Default for TopologyOptions {
    fn default() -> Self {
        Self {
            genes: 2000,
            links_per_gene: 3.0,
            groups: 10,
            kappa: 400.0,
            regulators: 0.1,
            d_in: 100.0,
            d_out: 1.0,
            activators: 0.65,
        }
    }
}

/// How a wiring is extended by generated genes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExtendOptions {
    /// Share of a template's regulators that a generated gene keeps.
    pub keep: f64,
    /// Most regulators taken from a template.
    pub at_most: usize,
    /// Probability of one more regulator from anywhere.
    pub stray: f64,
    /// Share of generated genes that regulate others.
    pub regulators: f64,
    /// Mean number of targets of a generated regulator.
    pub targets: f64,
}

impl Default for ExtendOptions {
    fn default() -> Self {
        Self { keep: 0.85, at_most: 6, stray: 0.2, regulators: 0.05, targets: 5.0 }
    }
}

/// Grows a wiring of `options.genes` genes named `GENE0001`, `GENE0002`, ...
///
/// # Errors
/// [`SimulateError::BadOption`].
///
/// # Complexity
/// O(genes x links per gene).
pub fn generate(options: &TopologyOptions, seed: u64) -> Result<Wiring, SimulateError> {
    check(options)?;
    let mut growth = Growth::start(options, seed);
    while growth.group_of.len() < options.genes {
        growth.step();
    }
    let names = (1..=options.genes).map(generated_name);
    Ok(Wiring { genes: Arc::new(GeneIndex::new(names)?), links: growth.links })
}

fn check(options: &TopologyOptions) -> Result<(), SimulateError> {
    let share = |option, x: f64| match x {
        x if (0.0..=1.0).contains(&x) => Ok(()),
        x => Err(SimulateError::option(option, "a share in 0..=1", x)),
    };
    share("regulators", options.regulators)?;
    share("activators", options.activators)?;
    if options.groups == 0 || options.genes < 2 * options.groups {
        return Err(SimulateError::option("genes", format!("at least {}", 2 * options.groups.max(1)), options.genes));
    }
    if options.links_per_gene.is_nan() || options.links_per_gene < 1.0 {
        return Err(SimulateError::option("links_per_gene", "at least 1", options.links_per_gene));
    }
    for (name, value) in [("d_in", options.d_in), ("d_out", options.d_out), ("kappa", options.kappa)] {
        if value.is_nan() || value <= 0.0 {
            return Err(SimulateError::option(name, "a number above 0", value));
        }
    }
    Ok(())
}

fn generated_name(number: usize) -> String {
    format!("GENE{number:04}")
}

/// What has grown so far. Ends of links are kept per group, so that preferential draws take constant time.
struct Growth<'a> {
    options: &'a TopologyOptions,
    rng: Rng,
    group_of: Vec<usize>,
    members: Vec<Vec<u32>>,
    regulators: Vec<Vec<u32>>,
    sources: Vec<Vec<u32>>,
    targets: Vec<Vec<u32>>,
    pairs: HashSet<(u32, u32)>,
    links: Vec<Link>,
}

impl<'a> Growth<'a> {
    /// One regulator per group.
    fn start(options: &'a TopologyOptions, seed: u64) -> Self {
        let empty = || vec![Vec::new(); options.groups];
        let mut growth = Self {
            options,
            rng: Rng::named(seed, "topology"),
            group_of: Vec::new(),
            members: empty(),
            regulators: empty(),
            sources: empty(),
            targets: empty(),
            pairs: HashSet::new(),
            links: Vec::new(),
        };
        (0..options.groups).for_each(|group| growth.add_gene(group, true));
        growth
    }

    /// With probability 1/r a new gene with one regulator, else a link between genes that exist; a pair that is already
    /// linked is drawn again, a few times.
    fn step(&mut self) {
        const TRIES: usize = 20;
        if self.rng.uniform() * self.options.links_per_gene < 1.0 {
            let group = self.rng.below(self.options.groups);
            let regulates = self.rng.uniform() < self.options.regulators;
            self.add_gene(group, regulates);
            let gene = self.group_of.len() as u32 - 1;
            (0..TRIES).any(|_| self.link_to(gene));
        } else {
            (0..TRIES).any(|_| {
                let group = self.rng.below(self.options.groups);
                let target = preferred(&mut self.rng, &self.targets[group], &self.members[group], self.options.d_in);
                self.link_to(target)
            });
        }
    }

    /// Draws a regulator for a target; false where the two are already linked.
    fn link_to(&mut self, target: u32) -> bool {
        let group = self.nearby(self.group_of[target as usize]);
        let source = preferred(&mut self.rng, &self.sources[group], &self.regulators[group], self.options.d_out);
        self.add_link(source, target)
    }

    fn add_gene(&mut self, group: usize, regulates: bool) {
        let gene = self.group_of.len() as u32;
        self.group_of.push(group);
        self.members[group].push(gene);
        if regulates {
            self.regulators[group].push(gene);
        }
    }

    /// The same group, or another one that is drawn kappa times more rarely.
    fn nearby(&mut self, group: usize) -> usize {
        let others = self.options.groups - 1;
        let stay = self.options.kappa / (self.options.kappa + others as f64);
        if others == 0 || self.rng.uniform() < stay {
            return group;
        }
        (group + 1 + self.rng.below(others)) % self.options.groups
    }

    fn add_link(&mut self, source: u32, target: u32) -> bool {
        if source == target || !self.pairs.insert((source, target)) {
            return false;
        }
        self.sources[self.group_of[source as usize]].push(source);
        self.targets[self.group_of[target as usize]].push(target);
        let activates = self.rng.uniform() < self.options.activators;
        self.links.push(Link { source: GeneId(source), target: GeneId(target), activates, weight: 1.0 });
        true
    }
}

/// A gene in proportion to its degree + d, where `ends` has one entry per link end: constant time.
fn preferred(rng: &mut Rng, ends: &[u32], genes: &[u32], d: f64) -> u32 {
    let linked = ends.len() as f64;
    if rng.uniform() * (linked + d * genes.len() as f64) < linked {
        ends[rng.below(ends.len())]
    } else {
        genes[rng.below(genes.len())]
    }
}

/// Adds generated genes until there are `genes` of them; the links that exist stay as they are.
///
/// A generated gene copies regulators (with their signs) of a random target of the given wiring, as gene duplication does
/// (Chung et al. 2003, J Comput Biol 10:677), so that regulators which share targets there share generated targets too.
/// Some generated genes regulate others; a few of their links go back into the given wiring and close cycles.
///
/// # Errors
/// [`SimulateError::BadOption`] where `genes` is below the number of genes that exist or there is no link to copy.
///
/// # Complexity
/// O(links + generated links).
pub fn extend(wiring: &Wiring, genes: usize, options: &ExtendOptions, seed: u64) -> Result<Wiring, SimulateError> {
    let given = wiring.genes.len();
    if genes < given || wiring.links.is_empty() {
        return Err(SimulateError::option("genes", format!("at least the {given} genes of the network"), genes));
    }
    let mut rng = Rng::named(seed, "extend");
    let templates = Templates::of(wiring);
    let mut links = Links::of(wiring);
    for gene in given as u32..genes as u32 {
        for link in templates.draw(&mut rng, options) {
            links.add(Link { target: GeneId(gene), weight: 1.0, ..link });
        }
        if rng.uniform() < options.stray {
            let link = links.all[rng.below(links.all.len())];
            links.add(Link { target: GeneId(gene), weight: 1.0, ..link });
        }
    }
    for gene in (given as u32..genes as u32).filter(|_| genes > given) {
        if rng.uniform() < options.regulators {
            regulate(gene, &mut links, genes, given, options, &mut rng);
        }
    }
    let names = wiring.genes.names().iter().map(ToString::to_string);
    let generated = (1..=genes - given).map(generated_name);
    Ok(Wiring { genes: Arc::new(GeneIndex::new(names.chain(generated))?), links: links.all })
}

/// Gives a generated gene targets: generated genes, and one in ten of the given wiring.
fn regulate(gene: u32, links: &mut Links, genes: usize, given: usize, options: &ExtendOptions, rng: &mut Rng) {
    let activator = rng.uniform() < 0.6;
    for _ in 0..=rng.poisson(options.targets - 1.0) {
        let back = rng.uniform() < 0.1;
        let target = if back { rng.below(given) } else { given + rng.below(genes - given) };
        let activates = (rng.uniform() < 0.9) == activator;
        links.add(Link { source: GeneId(gene), target: GeneId(target as u32), activates, weight: 1.0 });
    }
}

/// Links so far, at most one per pair and none from a gene to itself.
struct Links {
    pairs: HashSet<(GeneId, GeneId)>,
    all: Vec<Link>,
}

impl Links {
    fn of(wiring: &Wiring) -> Self {
        let pairs = wiring.links.iter().map(|l| (l.source, l.target)).collect();
        Self { pairs, all: wiring.links.clone() }
    }

    fn add(&mut self, link: Link) {
        if link.source != link.target && self.pairs.insert((link.source, link.target)) {
            self.all.push(link);
        }
    }
}

/// The links into each target of a wiring.
struct Templates(Vec<Vec<Link>>);

impl Templates {
    fn of(wiring: &Wiring) -> Self {
        let mut into = vec![Vec::new(); wiring.genes.len()];
        wiring.links.iter().for_each(|l| into[l.target.index()].push(*l));
        into.retain(|links| !links.is_empty());
        Self(into)
    }

    /// A random part of the links into a random target; at least one.
    fn draw(&self, rng: &mut Rng, options: &ExtendOptions) -> Vec<Link> {
        let mut links = self.0[rng.below(self.0.len())].clone();
        rng.shuffle(&mut links);
        let kept = links.iter().filter(|_| rng.uniform() < options.keep).count();
        links.truncate(kept.clamp(1, options.at_most.max(1)));
        links
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grown_wiring_has_hubs_groups_and_the_asked_size() {
        let options = TopologyOptions { genes: 3000, ..TopologyOptions::default() };
        let wiring = generate(&options, 1).unwrap();
        let per_gene = wiring.links.len() as f64 / 3000.0;
        assert!((2.5..=3.1).contains(&per_gene), "{per_gene}");
        let mut degrees = wiring.out_degrees();
        degrees.sort_unstable();
        // Under a uniform draw the largest of 300 regulators would have about 60 of 9,000 links.
        assert!(degrees[2999] > 150, "{}", degrees[2999]);
        assert!(degrees.iter().filter(|&&d| d > 0).count() < 450);
        let active = wiring.links.iter().filter(|l| l.activates).count() as f64 / wiring.links.len() as f64;
        assert!((active - 0.65).abs() < 0.03);
        assert_eq!(wiring.links, generate(&options, 1).unwrap().links);
        assert_ne!(wiring.links, generate(&options, 2).unwrap().links);
    }

    #[test]
    fn cycles_occur() {
        let options = TopologyOptions { genes: 500, ..TopologyOptions::default() };
        let graph = generate(&options, 3).unwrap().to_graph("x").to_petgraph();
        assert!(petgraph::algo::tarjan_scc(&graph).iter().any(|c| c.len() > 3));
    }

    #[test]
    fn extending_keeps_the_given_links() {
        let given = Wiring::embedded().unwrap();
        let wiring = extend(&given, 1000, &ExtendOptions::default(), 5).unwrap();
        assert_eq!(wiring.genes.len(), 1000);
        assert_eq!(&wiring.genes.names()[..given.genes.len()], given.genes.names());
        assert_eq!(&wiring.genes.names()[given.genes.len()][..], "GENE0001");
        assert_eq!(&wiring.links[..given.links.len()], &given.links[..]);
        let mut regulated = vec![false; 1000];
        wiring.links.iter().for_each(|l| regulated[l.target.index()] = true);
        assert!(regulated[given.genes.len()..].iter().all(|&r| r));
        assert!(extend(&given, 10, &ExtendOptions::default(), 5).is_err());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        let t =
            |options: TopologyOptions| assert!(matches!(generate(&options, 1), Err(SimulateError::BadOption { .. })));
        t(TopologyOptions { genes: 5, ..TopologyOptions::default() });
        t(TopologyOptions { regulators: 1.5, ..TopologyOptions::default() });
        t(TopologyOptions { links_per_gene: f64::NAN, ..TopologyOptions::default() });
        t(TopologyOptions { d_out: 0.0, ..TopologyOptions::default() });
    }
}
