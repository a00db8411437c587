//! How much of the network is added to the base, decided on held-out perturbations.

use crate::train::Evaluation;

/// The gates tried: 0, 0.1, ..., 1.
const GATES: [f64; 11] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// Numbers kept per held-out perturbation.
pub(super) const N_PRODUCTS: usize = 9;

/// Inner products over genes of the base prediction b, the truth t and the network's output g of one perturbation:
/// enough to know correlation and squared error at any gate.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Products {
    /// Centred (minus the training mean, then minus the mean over genes): b b, t t, b t, g b, g t, g g.
    pub(super) bb: f64,
    pub(super) tt: f64,
    pub(super) bt: f64,
    pub(super) gb: f64,
    pub(super) gt: f64,
    pub(super) gg: f64,
    /// As they are, with the residual r = t - b: r r, r g, g g.
    pub(super) rr: f64,
    pub(super) rg: f64,
    pub(super) gg_raw: f64,
}

impl Products {
    pub(super) fn to_array(self) -> [f64; N_PRODUCTS] {
        [self.bb, self.tt, self.bt, self.gb, self.gt, self.gg, self.rr, self.rg, self.gg_raw]
    }

    fn from_slice(x: &[f64]) -> Self {
        let at = |i: usize| x.get(i).copied().unwrap_or_default();
        Self { bb: at(0), tt: at(1), bt: at(2), gb: at(3), gt: at(4), gg: at(5), rr: at(6), rg: at(7), gg_raw: at(8) }
    }

    /// The mean of 1 - correlation of b + gate g with t (1 where either is constant) and of the squared error relative
    /// to t t: direction and size count alike.
    fn loss(&self, gate: f64) -> f64 {
        let error = if self.tt > 0.0 { self.error(gate) / self.tt } else { 1.0 };
        0.5 * (1.0 - self.correlation(gate) + error)
    }

    fn correlation(&self, gate: f64) -> f64 {
        let length = self.bb + gate * (2.0 * self.gb + gate * self.gg);
        let scale = length.max(0.0).sqrt() * self.tt.sqrt();
        if scale > 0.0 { (self.bt + gate * self.gt) / scale } else { 0.0 }
    }

    /// Squared error of b + gate g.
    fn error(&self, gate: f64) -> f64 {
        self.rr - gate * (2.0 * self.rg - gate * self.gg_raw)
    }
}

/// The lowest mean loss over the gates: what early stopping watches.
pub(super) fn best_loss(rows: &[Products]) -> f64 {
    GATES.iter().map(|&gate| mean(rows.iter().map(|p| p.loss(gate)))).fold(f64::INFINITY, f64::min)
}

/// A gate and the number of steps it is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    /// 0 leaves the base as it is.
    pub(super) gate: f64,
    /// Training steps.
    pub(super) steps: u64,
    /// Mean held-out loss of the base.
    pub(super) base_loss: f64,
    /// The lowest mean held-out loss of base and network, whether or not the gate opened for it.
    pub(super) best_loss: f64,
    /// Standard error of the mean paired difference of the two.
    pub(super) standard_error: f64,
}

/// Chooses gate and steps from the evaluations of all inner folds (one history per fold).
///
/// Over all gates and numbers of steps that every fold reached, the lowest mean loss over all held-out perturbations
/// counts. The gate opens only where that beats the base by more than one standard error of the paired difference AND
/// neither the mean correlation falls nor the squared error grows: in doubt the base stands.
pub(super) fn choose(histories: &[Vec<Evaluation>]) -> Choice {
    let reached = histories.iter().map(Vec::len).min().unwrap_or(0);
    let mut best = Choice { gate: 0.0, steps: 0, base_loss: 1.0, best_loss: f64::INFINITY, standard_error: 0.0 };
    let mut rows_of_best = Vec::new();
    for at in 0..reached {
        let kept = histories.iter().flat_map(|h| h[at].kept.chunks_exact(N_PRODUCTS));
        let rows: Vec<Products> = kept.map(Products::from_slice).collect();
        for &gate in &GATES[1..] {
            let loss = mean(rows.iter().map(|p| p.loss(gate)));
            if loss < best.best_loss {
                best = Choice { gate, steps: histories[0][at].step, best_loss: loss, ..best };
                rows_of_best.clone_from(&rows);
            }
        }
    }
    close_in_doubt(best, &rows_of_best)
}

fn close_in_doubt(best: Choice, rows: &[Products]) -> Choice {
    let n = rows.len() as f64;
    let gains: Vec<f64> = rows.iter().map(|p| p.loss(0.0) - p.loss(best.gate)).collect();
    let gain = mean(gains.iter().copied());
    let spread = gains.iter().map(|g| (g - gain).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let standard_error = (spread / n.max(1.0)).sqrt();
    let error = |gate: f64| rows.iter().map(|p| p.error(gate)).sum::<f64>();
    let correlation = |gate: f64| mean(rows.iter().map(|p| p.correlation(gate)));
    let no_worse = error(best.gate) <= error(0.0) && correlation(best.gate) >= correlation(0.0);
    let opens = gain > standard_error && no_worse;
    let base_loss = mean(rows.iter().map(|p| p.loss(0.0)));
    let gate = if opens { best.gate } else { 0.0 };
    Choice { gate, base_loss, standard_error, ..best }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of plain vectors over genes.
    fn products(b: &[f64], t: &[f64], g: &[f64]) -> Products {
        let centre = |x: &[f64]| -> Vec<f64> {
            let m = x.iter().sum::<f64>() / x.len() as f64;
            x.iter().map(|v| v - m).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let r: Vec<f64> = t.iter().zip(b).map(|(t, b)| t - b).collect();
        let (cb, ct, cg) = (centre(b), centre(t), centre(g));
        Products {
            bb: dot(&cb, &cb),
            tt: dot(&ct, &ct),
            bt: dot(&cb, &ct),
            gb: dot(&cg, &cb),
            gt: dot(&cg, &ct),
            gg: dot(&cg, &cg),
            rr: dot(&r, &r),
            rg: dot(&r, g),
            gg_raw: dot(g, g),
        }
    }

    fn history(rows: &[Products]) -> Vec<Evaluation> {
        let kept = rows.iter().flat_map(|p| p.to_array()).collect();
        vec![Evaluation { step: 7, loss: best_loss(rows), kept }]
    }

    #[test]
    fn products_give_correlation_and_error_at_any_gate() {
        let (b, t, g) = ([1.0, 2.0, 0.0, -1.0], [2.0, 1.5, 0.5, -3.0], [0.5, -0.5, 1.0, -1.0]);
        let p = products(&b, &t, &g);
        let sum: Vec<f32> = b.iter().zip(&g).map(|(b, g)| (b + 0.3 * g) as f32).collect();
        let r = crate::stats::pearson(&sum, &t.map(|v| v as f32)).unwrap();
        assert!((p.correlation(0.3) - r).abs() < 1e-6);
        let error: f64 = sum.iter().zip(&t).map(|(&s, t)| (t - f64::from(s)).powi(2)).sum();
        assert!((p.error(0.3) - error).abs() < 1e-5);
        assert!((p.loss(0.3) - 0.5 * (1.0 - r + error / p.tt)).abs() < 1e-5);
        assert_eq!(Products::from_slice(&p.to_array()), p);
    }

    #[test]
    fn a_network_that_knows_the_residual_opens_the_gate() {
        let row = |k: f64| {
            let (b, r) = ([1.0, 0.0, -k, 0.3], [0.2 * k, -0.5, 0.1, 0.4]);
            let t: Vec<f64> = b.iter().zip(&r).map(|(b, r)| b + r).collect();
            products(&b, &t, &r)
        };
        let choice = choose(&[history(&[row(1.0), row(2.0)]), history(&[row(3.0), row(0.5)])]);
        assert_eq!((choice.gate, choice.steps), (1.0, 7));
        assert!(choice.best_loss < 1e-9 && choice.base_loss > 0.01);
    }

    #[test]
    fn noise_and_no_folds_leave_the_gate_closed() {
        let mut rng = crate::stats::Rng::named(1, "noise");
        let mut draw = || -> Vec<f64> { (0..200).map(|_| rng.normal()).collect() };
        let rows: Vec<Products> = (0..30)
            .map(|_| {
                let (b, noise, g) = (draw(), draw(), draw());
                let t: Vec<f64> = b.iter().zip(&noise).map(|(b, e)| b + e).collect();
                products(&b, &t, &g)
            })
            .collect();
        assert_eq!(choose(&[history(&rows)]).gate, 0.0);
        assert_eq!(choose(&[]).gate, 0.0);
    }
}
