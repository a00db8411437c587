//! Who gains and who does not: perturbations in thirds by what is known of them.

/// Perturbations alike in one respect.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// `low`, `middle`, `high`, or `unknown` where the value is not known.
    pub name: &'static str,
    /// Smallest and largest value; `None` where unknown.
    pub range: Option<(f64, f64)>,
    /// Its perturbations, ascending.
    pub rows: Vec<usize>,
}

impl Stratum {
    /// The values of its perturbations; all others undefined.
    pub fn of(&self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut out = vec![None; values.len()];
        self.rows.iter().for_each(|&row| out[row] = values[row]);
        out
    }
}

/// Thirds by value. Equal values are never torn apart, so thirds of few distinct values differ in size and one may be
/// missing.
pub fn terciles(values: &[Option<f64>]) -> Vec<Stratum> {
    let mut known: Vec<f64> = values.iter().flatten().copied().collect();
    known.sort_unstable_by(f64::total_cmp);
    let cut = |k: usize| known.get((k * known.len()).div_ceil(3).saturating_sub(1)).copied().unwrap_or(f64::NAN);
    let (first, second) = (cut(1), cut(2));
    let third = |v: f64| match v {
        v if v <= first => 0,
        v if v <= second => 1,
        _ => 2,
    };
    let of = |k: usize, name| stratum(values, name, |v| v.is_some_and(|v| third(v) == k));
    let strata = [of(0, "low"), of(1, "middle"), of(2, "high"), stratum(values, "unknown", |v| v.is_none())];
    strata.into_iter().filter(|s| !s.rows.is_empty()).collect()
}

fn stratum(values: &[Option<f64>], name: &'static str, belongs: impl Fn(Option<f64>) -> bool) -> Stratum {
    let rows: Vec<usize> = (0..values.len()).filter(|&i| belongs(values[i])).collect();
    let known = rows.iter().filter_map(|&i| values[i]);
    let range = known
        .fold(None, |range: Option<(f64, f64)>, v| Some(range.map_or((v, v), |(low, high)| (low.min(v), high.max(v)))));
    Stratum { name, range, rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_keep_equal_values_together() {
        let t = |values: &[f64], expected: &[(&str, usize)]| {
            let strata = terciles(&values.iter().copied().map(Some).collect::<Vec<_>>());
            let got: Vec<(&str, usize)> = strata.iter().map(|s| (s.name, s.rows.len())).collect();
            assert_eq!(got, expected, "{values:?}");
        };
        t(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], &[("low", 2), ("middle", 2), ("high", 2)]);
        t(&[1.0, 1.0, 1.0, 1.0, 2.0, 3.0], &[("low", 4), ("high", 2)]);
        t(&[1.0, 1.0], &[("low", 2)]);
        t(&[], &[]);
    }

    #[test]
    fn unknown_values_are_their_own_stratum() {
        let strata = terciles(&[Some(1.0), None, Some(3.0)]);
        let unknown = strata.last().unwrap();
        assert_eq!((unknown.name, unknown.range, unknown.rows.as_slice()), ("unknown", None, &[1][..]));
        assert_eq!(strata[0].range, Some((1.0, 1.0)));
        assert_eq!(unknown.of(&[Some(5.0), Some(6.0), Some(7.0)]), [None, Some(6.0), None]);
    }
}
