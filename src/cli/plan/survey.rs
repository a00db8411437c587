//! What is known of a screen and its priors before expression is read.

use std::path::Path;

use super::{Plan, Work};
use crate::cli::args::{PriorArgs, ScreenArgs};
use crate::cli::error::CliError;
use crate::cli::inputs::{self, EMBEDDED};
use crate::cli::session::Session;
use crate::data::{Condition, Perturbation};
use crate::simulate;

/// Labels, sizes and the gene graph of a fit.
pub(in crate::cli) struct Survey {
    pub(in crate::cli) work: Work,
    pub(in crate::cli) conditions: Vec<Condition>,
    pub(in crate::cli) control_label: String,
    pub(in crate::cli) source: String,
    /// Genes and edges of the graph.
    graph: [usize; 2],
}

impl Survey {
    /// Opens the screen and reads the priors, from arguments or settings; without a screen it is the embedded one.
    pub(in crate::cli) fn of(
        session: &Session,
        screen: Option<&Path>,
        options: &ScreenArgs,
        priors: &PriorArgs,
    ) -> Result<Self, CliError> {
        let screen = screen.map(Path::to_owned).or_else(|| session.settings.data.screen.clone());
        let priors = inputs::priors_or_settings(priors, &session.settings);
        let options = inputs::screen_or_settings(options, &session.settings.data)?;
        let graph = match (&screen, priors.priors.is_empty()) {
            (Some(_), true) => return Err(inputs::no_prior()),
            (None, true) => simulate::Wiring::embedded()?.to_graph("embedded"),
            (_, false) => priors.read(session, options.aliases.as_deref())?.graph,
        };
        let graph = [graph.n_genes(), graph.n_edges()];
        let Some(path) = screen else {
            let simulated = simulate::demo(session.seed)?;
            let (conditions, control_label) = (simulated.screen.cells.conditions.clone(), "control".to_owned());
            return Ok(Self { work: Work::embedded(), conditions, control_label, source: EMBEDDED.to_owned(), graph });
        };
        let file = super::open(session, &path, &options)?;
        let control_label = file.control_label.clone().unwrap_or_default();
        let (work, conditions) = (Work::of(&file), file.cells.conditions);
        Ok(Self { work, conditions, control_label, source: format!("`{}`", path.display()), graph })
    }

    /// What was perturbed, once each.
    pub(in crate::cli) fn perturbations(&self) -> Vec<Perturbation> {
        let mut all: Vec<Perturbation> =
            self.conditions.iter().map(|c| c.perturbation.clone()).filter(|p| !p.is_control()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// A plan with the sizes of the screen and of the graph.
    pub(in crate::cli) fn sizes(&self, plan: Plan) -> Plan {
        let [genes, edges] = self.graph;
        self.work.sizes(plan).size("genes of the graph", genes).size("edges", edges)
    }
}
