//! Which drug a query is, and where its targets are among the candidates.

use super::DrugOptions;
use crate::data::{Action, Drug, DrugTargets, Unresolved};
use crate::error::{Notice, some_of};
use crate::rank::{Mode, Queries, RankError, Ranker};

/// A query that is a drug.
#[derive(Debug, Clone)]
pub(super) struct DrugQuery {
    pub(super) name: String,
    /// Empty where none is known.
    pub(super) class: String,
    /// Genes and their positions among the members, where they are candidates.
    pub(super) targets: Vec<(String, Option<usize>)>,
}

/// The drug and the mode of every query.
pub(super) struct Matched {
    pub(super) drugs: Vec<Option<DrugQuery>>,
    pub(super) modes: Vec<Mode>,
    pub(super) notices: Vec<Notice>,
}

impl Matched {
    pub(super) fn new(
        ranker: &Ranker,
        queries: &Queries,
        members: &[usize],
        options: &DrugOptions<'_>,
    ) -> Result<Self, RankError> {
        let (known, lost) = options.targets.resolve(|gene| gene_of_run(ranker, options, gene));
        if known.is_empty() {
            let expected = some_of(options.graph.genes().names(), 3);
            return Err(RankError::NoDrugTarget { expected, got: some_of(&lost.genes, 3) });
        }
        let found: Vec<Option<&Drug>> =
            queries.names.iter().map(|q| known.get(&options.targets.find(q)?.name)).collect();
        if found.iter().all(Option::is_none) {
            let expected = some_of(known.drugs().iter().map(|d| &d.name), 3);
            return Err(RankError::NoDrug { expected, got: some_of(&queries.names, 3) });
        }
        let names = &ranker.atlas.candidates.names;
        let member = |gene: &str| members.binary_search_by(|&m| names[m].as_ref().cmp(gene)).ok();
        let query = |drug: &Drug| DrugQuery {
            name: drug.name.clone(),
            class: drug.class.clone().unwrap_or_default(),
            targets: drug.targets.iter().map(|t| (t.gene.clone(), member(&t.gene))).collect(),
        };
        let notices = notices(queries, &found, options.targets, &lost);
        let modes = found.iter().map(|d| options.mode.unwrap_or_else(|| d.map_or(Mode::Any, mode))).collect();
        Ok(Self { drugs: found.into_iter().map(|d| d.map(query)).collect(), modes, notices })
    }

    /// The queries of each mode that occurs.
    pub(super) fn by_mode(&self) -> Vec<(Mode, Vec<usize>)> {
        let of = |mode: Mode| (0..self.modes.len()).filter(|&q| self.modes[q] == mode).collect::<Vec<_>>();
        let all = [Mode::Knockdown, Mode::Inhibition, Mode::Activation, Mode::Any];
        all.into_iter().map(|mode| (mode, of(mode))).filter(|(_, queries)| !queries.is_empty()).collect()
    }
}

fn mode(drug: &Drug) -> Mode {
    match drug.action() {
        Action::Inhibits => Mode::Inhibition,
        Action::Activates => Mode::Activation,
        Action::Unknown => Mode::Any,
    }
}

/// The gene as candidates are called: by its name or an alias, else in capitals.
fn gene_of_run(ranker: &Ranker, options: &DrugOptions<'_>, gene: &str) -> Option<String> {
    let of = |name: &str| {
        let candidates = &ranker.atlas.candidates;
        let candidate = candidates.position(name).map(|at| candidates.names[at].to_string());
        let named = |genes: &crate::data::GeneIndex| genes.resolve(name).map(|g| genes.name(g).to_owned());
        candidate.or_else(|| named(options.graph.genes())).or_else(|| named(&ranker.genes))
    };
    of(gene).or_else(|| of(&gene.to_uppercase()))
}

fn notices(queries: &Queries, found: &[Option<&Drug>], all: &DrugTargets, lost: &Unresolved) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut say = |names: Vec<String>, what: &str| {
        if !names.is_empty() {
            notices.push(Notice::new(format!("{} {what}: {}", names.len(), some_of(&names, 3))));
        }
    };
    say(lost.genes.iter().cloned().collect(), "targets of drugs are no genes of the run and left out");
    say(lost.drugs.clone(), "drugs have no target among the genes of the run and are left out");
    let pairs = || queries.names.iter().zip(found.iter().copied());
    let by_beginning = |(query, drug): (&String, Option<&Drug>)| {
        let drug = drug.filter(|d| !d.name.eq_ignore_ascii_case(query.trim()))?;
        Some(format!("{query} -> {}", drug.name))
    };
    say(pairs().filter_map(by_beginning).collect(), "queries are named for a drug and more");
    let without: Vec<&String> = pairs().filter(|(_, drug)| drug.is_none()).map(|(q, _)| q).collect();
    let (lost, strange): (Vec<&String>, Vec<&String>) = without.into_iter().partition(|q| all.find(q).is_some());
    let owned = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    say(owned(lost), "queries are drugs without a target among the genes of the run: ranked, without metrics");
    say(owned(strange), "queries are no drugs of the table: ranked, without metrics");
    notices
}
