//! The genes that respond most to a perturbation.

use super::ReportError;
use super::bars::{Bar, draw_bars};
use super::scene::Scene;
use super::theme;
use crate::data::Delta;

/// A responding gene.
#[derive(Debug, Clone, PartialEq)]
pub struct Responder {
    /// Its name.
    pub gene: String,
    /// Predicted change, log1p scale.
    pub delta: f32,
    /// Standard deviation of the prediction.
    pub sd: Option<f32>,
}

/// Bars of the largest predicted changes.
#[derive(Debug, Clone, PartialEq)]
pub struct RespondersFigure {
    title: String,
    caption: String,
    responders: Vec<Responder>,
}

impl RespondersFigure {
    /// The `n` genes with the largest predicted changes, the targets themselves left out (the caption names them).
    ///
    /// # Errors
    /// [`ReportError::Empty`] where no other gene has a finite change.
    pub fn new<S: AsRef<str>>(perturbation: &str, targets: &[S], delta: &Delta, n: usize) -> Result<Self, ReportError> {
        let is_target = |gene: &str| targets.iter().any(|t| t.as_ref() == gene);
        let all = delta.genes.names().iter().enumerate().filter(|(k, _)| delta.mean[*k].is_finite());
        let view = |(k, gene): (usize, &std::sync::Arc<str>)| Responder {
            gene: gene.to_string(),
            delta: delta.mean[k],
            sd: delta.sd.as_ref().map(|sd| sd[k]),
        };
        let (own, mut responders): (Vec<_>, Vec<_>) = all.map(view).partition(|r| is_target(&r.gene));
        responders.sort_by(|a, b| b.delta.abs().total_cmp(&a.delta.abs()).then(a.gene.cmp(&b.gene)));
        responders.truncate(n);
        if responders.is_empty() {
            let got = "none".into();
            return Err(ReportError::Empty { figure: "responders plot", expected: "predicted genes".into(), got });
        }
        let own: Vec<String> = own.iter().map(|r| format!("{} itself {}", r.gene, signed(r.delta))).collect();
        let title = format!("{perturbation}: largest predicted changes");
        Ok(Self { title, caption: own.join(", "), responders })
    }

    /// Says where the figure comes from, before what it says itself.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        let parts = [caption.into(), self.caption];
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        Self { caption: parts.join(" "), ..self }
    }

    /// The genes shown.
    pub fn responders(&self) -> &[Responder] {
        &self.responders
    }

    /// Draws it.
    pub fn scene(&self) -> Scene {
        let bar = |r: &Responder| Bar {
            name: r.gene.clone(),
            value: r.delta,
            sd: r.sd,
            color: theme::direction(r.delta),
            bold: false,
            note: signed(r.delta),
        };
        let bars: Vec<Bar> = self.responders.iter().map(bar).collect();
        draw_bars(&self.title, &self.caption, "Predicted change (log1p perturbed − log1p control)", &bars)
    }
}

/// A change with its sign.
pub(super) fn signed(value: f32) -> String {
    format!("{value:+.3}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::GeneIndex;

    #[test]
    fn the_target_is_told_apart() {
        let genes = Arc::new(GeneIndex::new(["T", "A", "B", "C"]).unwrap());
        let delta = Delta::new(genes, vec![-2.0, 0.1, -0.5, f32::NAN], None).unwrap();
        let figure = RespondersFigure::new("T", &["T"], &delta, 2).unwrap().caption("run demo");
        let names: Vec<&str> = figure.responders().iter().map(|r| r.gene.as_str()).collect();
        assert_eq!(names, ["B", "A"]);
        assert!(figure.scene().to_svg().unwrap().contains("T itself −2.000"));
    }
}
