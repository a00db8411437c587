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
    /// Ends of the interval of the change, where there is one.
    pub interval: Option<(f32, f32)>,
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
    /// `intervals` are the lower and upper ends over the genes of `delta`.
    ///
    /// # Errors
    /// [`ReportError::Empty`] where no other gene has a finite change.
    pub fn new<S: AsRef<str>>(
        perturbation: &str,
        targets: &[S],
        delta: &Delta,
        intervals: Option<(&[f32], &[f32])>,
        n: usize,
    ) -> Result<Self, ReportError> {
        let is_target = |gene: &str| targets.iter().any(|t| t.as_ref() == gene);
        let all = delta.genes.names().iter().enumerate().filter(|(k, _)| delta.mean[*k].is_finite());
        let view = |(k, gene): (usize, &std::sync::Arc<str>)| Responder {
            gene: gene.to_string(),
            delta: delta.mean[k],
            interval: intervals.map(|(low, high)| (low[k], high[k])),
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
        let caption = if own.is_empty() { String::new() } else { format!("{}.", own.join(", ")) };
        Ok(Self { title, caption, responders })
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
            interval: r.interval,
            color: theme::direction(r.delta),
            bold: false,
            note: signed(r.delta),
        };
        let bars: Vec<Bar> = self.responders.iter().map(bar).collect();
        let mut scene = draw_bars(&self.title, &self.caption, "Change (log1p perturbed − log1p control)", &bars);
        let of = |r: &Responder| match r.interval {
            Some((low, high)) => format!("{} {} [{}, {}]", r.gene, signed(r.delta), signed(low), signed(high)),
            None => format!("{} {}", r.gene, signed(r.delta)),
        };
        let first: Vec<String> = self.responders.iter().take(8).map(of).collect();
        scene.alt = format!("{}: {}.", self.title, first.join(", "));
        scene
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
    fn the_target_is_told_apart_and_intervals_are_those_of_the_gene() {
        let genes = Arc::new(GeneIndex::new(["T", "A", "B", "C"]).unwrap());
        let delta = Delta::new(genes, vec![-2.0, 0.1, -0.5, f32::NAN], None).unwrap();
        let ends: (&[f32], &[f32]) = (&[-3.0, -0.4, -0.9, 0.0], &[-1.0, 0.6, -0.1, 0.0]);
        let figure = RespondersFigure::new("T", &["T"], &delta, Some(ends), 2).unwrap().caption("run demo");
        let shown: Vec<(&str, _)> = figure.responders().iter().map(|r| (r.gene.as_str(), r.interval)).collect();
        assert_eq!(shown, [("B", Some((-0.9, -0.1))), ("A", Some((-0.4, 0.6)))]);
        let scene = figure.scene();
        assert!(scene.to_svg().unwrap().contains("T itself −2.000"));
        assert!(scene.alt.contains("B −0.500 [−0.900, −0.100]"), "{}", scene.alt);
    }
}
