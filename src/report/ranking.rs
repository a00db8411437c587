//! The upstream genes that explain a change best.

use super::ReportError;
use super::bars::{Bar, draw_bars};
use super::scene::Scene;
use super::theme;

/// A ranked gene.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedGene {
    /// Its name.
    pub gene: String,
    /// Its score; larger is better.
    pub score: f32,
    /// How probable it is that it is the cause, where the ranking is calibrated.
    pub probability: Option<f32>,
    /// Whether it is known to be the cause.
    pub is_cause: bool,
}

/// Bars of the best ranked genes of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct RankingFigure {
    title: String,
    caption: String,
    genes: Vec<RankedGene>,
    n_candidates: usize,
}

impl RankingFigure {
    /// The `n` best of a ranking, and the known cause wherever it ranks.
    ///
    /// # Errors
    /// [`ReportError::Empty`] for a ranking without genes.
    pub fn new(query: &str, ranking: Vec<RankedGene>, n: usize) -> Result<Self, ReportError> {
        if ranking.is_empty() {
            let expected = format!("ranked genes of `{query}`");
            return Err(ReportError::Empty { figure: "ranking plot", expected, got: "none".into() });
        }
        let n_candidates = ranking.len();
        let place = |(k, g): (usize, RankedGene)| {
            let shown = k < n || g.is_cause;
            shown.then(|| RankedGene { gene: format!("{}. {}", k + 1, g.gene), ..g })
        };
        let genes = ranking.into_iter().enumerate().filter_map(place).collect();
        Ok(Self { title: format!("{query}: upstream genes"), caption: String::new(), genes, n_candidates })
    }

    /// Says where the figure comes from.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let note = |g: &RankedGene| match g.probability {
            Some(p) => format!("{:.3} ({:.0} %)", g.score, p * 100.0).replace('-', "−"),
            None => format!("{:.3}", g.score).replace('-', "−"),
        };
        let bar = |g: &RankedGene| Bar {
            name: g.gene.clone(),
            value: g.score,
            interval: None,
            color: if g.is_cause { theme::VERMILLION } else { theme::BLUE },
            bold: g.is_cause,
            note: note(g),
        };
        let bars: Vec<Bar> = self.genes.iter().map(bar).collect();
        let cause = if self.genes.iter().any(|g| g.is_cause) { " Orange: the known cause." } else { "" };
        let caption = format!("Best of {} candidates.{cause} {}", self.n_candidates, self.caption);
        let calibrated = self.genes.iter().any(|g| g.probability.is_some());
        let axis = if calibrated { "Score (in brackets: probability of being the cause)" } else { "Score" };
        draw_bars(&self.title, &caption, axis, &bars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_shown_wherever_it_ranks() {
        let gene = |k: usize| RankedGene {
            gene: format!("G{k}"),
            score: -(k as f32),
            probability: Some(0.5),
            is_cause: k == 30,
        };
        let figure = RankingFigure::new("query", (1..=40).map(gene).collect(), 5).unwrap();
        let svg = figure.scene().to_svg().unwrap();
        assert!(svg.contains("30. G30") && svg.contains("5. G5") && !svg.contains("6. G6"));
        assert!(svg.contains("Best of 40 candidates"));
    }
}
