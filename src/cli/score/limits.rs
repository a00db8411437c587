//! `--fail-under`: scores that must be reached.

use std::str::FromStr;

use crate::cli::error::CliError;
use crate::score::{Best, Scorecard};

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

/// The limits that the means of a scorecard miss, in words. NaN misses every limit; where lower is better, a limit is missed
/// by what is larger.
///
/// # Errors
/// [`CliError::Usage`] for a metric that is not on the card, or has no better and worse.
pub(super) fn missed(card: &Scorecard, limits: &[Limit]) -> Result<Vec<String>, CliError> {
    let mut missed = Vec::new();
    for Limit { metric, value } in limits {
        let row = card.rows.iter().find(|r| r.metric.name == metric && r.metric.best != Best::None);
        let Some(row) = row else {
            let known: Vec<&str> =
                card.rows.iter().filter(|r| r.metric.best != Best::None).map(|r| r.metric.name).collect();
            return Err(CliError::usage("--fail-under", known.join(", "), format!("`{metric}`"), None));
        };
        let mean = row.summary.mean;
        let (reached, side) = match row.metric.best {
            Best::Zero => (mean <= *value, "above"),
            _ => (mean >= *value, "below"),
        };
        if !reached {
            missed.push(format!("{metric} is {mean:.4}, {side} {value}"));
        }
    }
    Ok(missed)
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
