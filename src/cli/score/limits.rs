//! `--fail-under`: scores that must be reached.

use std::str::FromStr;

use crate::cli::error::CliError;
use crate::score::{Best, Metric, Scorecard};

/// `METRIC=X`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit {
    metric: String,
    value: f64,
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected METRIC=NUMBER such as `mae=0.03`, got `{text}`");
        let (metric, value) = text.split_once('=').ok_or_else(wrong)?;
        let value = value.trim().parse::<f64>().ok().filter(|v| v.is_finite()).ok_or_else(wrong)?;
        Ok(Self { metric: metric.trim().to_owned(), value })
    }
}

/// Refuses limits on what is not scored, or has no better and worse.
///
/// # Errors
/// [`CliError::Usage`].
pub(super) fn check(metrics: &[&Metric], limits: &[Limit]) -> Result<(), CliError> {
    let mut known = metrics.iter().filter(|m| m.best != Best::None).map(|m| m.name);
    match limits.iter().find(|l| !known.clone().any(|name| name == l.metric)) {
        None => Ok(()),
        Some(limit) => {
            let expected = known.by_ref().collect::<Vec<_>>().join(", ");
            Err(CliError::usage("--fail-under", expected, format!("`{}`", limit.metric), None))
        }
    }
}

/// The limits that the means of a scorecard miss, in words. NaN misses every limit; where lower is better, a limit is missed
/// by what is larger.
pub(super) fn missed(card: &Scorecard, limits: &[Limit]) -> Vec<String> {
    let of = |limit: &Limit| {
        let row = card.rows.iter().find(|r| r.metric.name == limit.metric)?;
        let mean = row.summary.mean;
        let (reached, side) = match row.metric.best {
            Best::Zero => (mean <= limit.value, "above"),
            _ => (mean >= limit.value, "below"),
        };
        (!reached).then(|| format!("{} is {mean:.4}, {side} {}", limit.metric, limit.value))
    };
    limits.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        assert_eq!("mae = 0.03".parse(), Ok(Limit { metric: "mae".into(), value: 0.03 }));
        for wrong in ["mae", "mae=", "mae=x", "mae=nan"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
