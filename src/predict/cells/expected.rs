//! Expected log1p expression after molecules were taken away or added.

/// Probability left out of a sum.
const TAIL: f64 = 1e-7;
/// Above this mean a sum over counts is replaced by its second-order expansion.
const LARGE: f64 = 30.0;

/// E ln(1 + scale Y) for Y ~ Binomial(count, share).
pub(super) fn after_thinning(count: f64, share: f64, scale: f64) -> f64 {
    let mean = count * share;
    if share <= 0.0 || count <= 0.0 {
        return 0.0;
    }
    if share >= 1.0 {
        return (scale * count).ln_1p();
    }
    if mean > LARGE {
        return expansion(mean, mean * (1.0 - share), scale);
    }
    let odds = share / (1.0 - share);
    let mut probability = (count * (-share).ln_1p()).exp();
    let (mut sum, mut rest, mut k) = (0.0, 1.0 - probability, 0.0);
    while rest > TAIL && k < count {
        probability *= (count - k) / (k + 1.0) * odds;
        k += 1.0;
        sum += probability * (scale * k).ln_1p();
        rest -= probability;
    }
    sum
}

/// E ln(1 + scale (count + Y)) for Y ~ Poisson(added).
pub(super) fn after_adding(count: f64, added: f64, scale: f64) -> f64 {
    if added <= 0.0 {
        return (scale * count).ln_1p();
    }
    if added > LARGE {
        return expansion(count + added, added, scale);
    }
    let mut probability = (-added).exp();
    let (mut sum, mut rest, mut k) = (probability * (scale * count).ln_1p(), 1.0 - probability, 0.0);
    while rest > TAIL && k < 4.0 * LARGE {
        k += 1.0;
        probability *= added / k;
        sum += probability * (scale * (count + k)).ln_1p();
        rest -= probability;
    }
    sum
}

/// ln(1 + scale m) to second order in the spread around m.
fn expansion(mean: f64, variance: f64, scale: f64) -> f64 {
    let level = 1.0 + scale * mean;
    level.ln() - 0.5 * variance * (scale / level).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Rng;

    #[test]
    fn expectations_agree_with_draws() {
        let mut rng = Rng::named(1, "expected");
        let mean = |draw: &mut dyn FnMut() -> f64| (0..40_000).map(|_| draw()).sum::<f64>() / 40_000.0;
        for (count, share, scale) in [(1.0, 0.3, 0.5), (7.0, 0.8, 2.0), (200.0, 0.5, 0.1), (500.0, 0.02, 1.0)] {
            let drawn = mean(&mut || {
                let kept = (0..count as usize).filter(|_| rng.uniform() < share).count();
                (scale * kept as f64).ln_1p()
            });
            assert!((after_thinning(count, share, scale) - drawn).abs() < 0.015, "{count} {share}");
        }
        let mut rng = Rng::named(2, "expected");
        for (count, added, scale) in [(0.0, 0.1, 1.0), (3.0, 5.0, 0.5), (10.0, 80.0, 0.1)] {
            let drawn = mean(&mut || (scale * (count + rng.poisson(added) as f64)).ln_1p());
            assert!((after_adding(count, added, scale) - drawn).abs() < 0.015, "{count} {added}");
        }
    }
}
