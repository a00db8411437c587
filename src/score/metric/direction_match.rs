//! Share of the real significant genes whose predicted fold change has the same sign; no change is a sign of its own.

use super::{Comparison, Values, per_label};

pub(super) fn evaluate(c: &Comparison) -> Values {
    per_label(c, |label| {
        let genes = &c.real.significant[label];
        let sign = |x: f32| if x == 0.0 { 0.0 } else { x.signum() };
        let same = |&&g: &&u32| sign(c.real.lfc(label, g)) == sign(c.pred.lfc(label, g));
        (!genes.is_empty()).then(|| genes.iter().filter(same).count() as f64 / genes.len() as f64)
    })
}
