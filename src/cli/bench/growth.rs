//! How cost grows with the size of the data.

use serde_json::{Value, json};

use super::clock::Taken;
use super::paths::HotPath;
use super::world::{Axis, Size};
use crate::cli::plan::bytes;

/// One path at one size.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) path: &'static str,
    /// What is larger than at the base, and how many times.
    pub(super) axis: Option<Axis>,
    pub(super) factor: usize,
    pub(super) size: Size,
    pub(super) taken: Taken,
}

/// Everything measured of one path.
pub(super) struct Curve<'a> {
    path: &'static HotPath,
    base: Option<&'a Measured>,
    /// By what it grows with: the base and the larger sizes.
    axes: Vec<(Axis, Vec<&'a Measured>)>,
}

impl<'a> Curve<'a> {
    pub(super) fn new(path: &'static HotPath, measured: &'a [Measured]) -> Self {
        let of: Vec<&Measured> = measured.iter().filter(|m| m.path == path.name).collect();
        let base = of.iter().copied().find(|m| m.axis.is_none());
        let axis = |axis: Axis| {
            let larger = of.iter().copied().filter(|m| m.axis == Some(axis));
            (axis, base.into_iter().chain(larger).collect())
        };
        let axes = path.axes.iter().map(|&a| axis(a)).collect();
        Self { path, base, axes }
    }

    pub(super) fn as_json(&self) -> Value {
        let axis = |(axis, sizes): &(Axis, Vec<&Measured>)| {
            let sizes: Vec<Value> = sizes.iter().map(|m| size_json(m)).collect();
            json!({ "axis": axis.name(), "exponent": self.exponent(*axis), "sizes": sizes })
        };
        json!({
            "name": self.path.name, "what": self.path.what, "unit": self.path.unit,
            "base": self.base.map(size_json), "growth": self.axes.iter().map(axis).collect::<Vec<_>>(),
        })
    }

    /// The slope of log time over log size.
    fn exponent(&self, axis: Axis) -> Option<f64> {
        let (_, sizes) = self.axes.iter().find(|(a, _)| *a == axis)?;
        slope(&sizes.iter().map(|m| (m.factor as f64, m.taken.median())).collect::<Vec<_>>())
    }
}

fn size_json(measured: &Measured) -> Value {
    let (taken, secs) = (&measured.taken, measured.taken.median());
    let per_sec = |n: u64| if secs > 0.0 { Some(n as f64 / secs) } else { None };
    json!({
        "factor": measured.factor, "size": measured.size,
        "seconds": { "median": secs, "least": taken.secs.first(), "most": taken.secs.last(), "repeats": taken.secs.len() },
        "units": taken.units, "bytes": taken.bytes, "units_per_second": per_sec(taken.units),
        "bytes_per_second": per_sec(taken.bytes),
        "floor": taken.floor.map(|what| json!({ "what": what, "seconds": taken.floor_secs, "ratio": taken.over_floor() })),
    })
}

/// Least squares through the logarithms; `None` for fewer than two sizes or a time of zero.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 || points.iter().any(|&(x, y)| x <= 0.0 || y <= 0.0) {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|&(x, y)| (x.ln(), y.ln())).collect();
    let n = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let xx: f64 = logs.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let xy: f64 = logs.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    (xx > 0.0).then_some(xy / xx)
}

/// The table on the screen, ready for Markdown.
pub(super) fn table(curves: &[Curve<'_>]) -> String {
    let mut lines = vec![
        "| path | base | spread | per second | over its floor | cells x1 x2 x4 | genes x1 x2 x4 | perturbations x1 x2 x4 |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(curves.iter().filter_map(row));
    lines.join("\n")
}

fn row(curve: &Curve<'_>) -> Option<String> {
    let taken = &curve.base?.taken;
    let secs = taken.median();
    let spread =
        taken.secs.first().zip(taken.secs.last()).map_or(0.0, |(least, most)| (most - least) / secs.max(1e-12));
    let rate = format!("{} {}, {}", short(taken.units as f64 / secs.max(1e-12)), curve.path.unit, bytes_rate(taken));
    let floor = match (taken.over_floor(), taken.floor) {
        (Some(ratio), Some(what)) => format!("{ratio:.2} x {what}"),
        _ => "-".to_owned(),
    };
    let cells: Vec<String> = Axis::ALL.into_iter().map(|axis| growth_cell(curve, axis)).collect();
    let (name, time) = (curve.path.name, duration(secs));
    Some(format!("| `{name}` | {time} | {:.0} % | {rate} | {floor} | {} |", 100.0 * spread, cells.join(" | ")))
}

fn bytes_rate(taken: &Taken) -> String {
    format!("{}/s", bytes(taken.bytes as f64 / taken.median().max(1e-12)))
}

/// `1 1.9 3.8 (0.96)`: times relative to the base, and the exponent.
fn growth_cell(curve: &Curve<'_>, axis: Axis) -> String {
    let Some((_, sizes)) = curve.axes.iter().find(|(a, _)| *a == axis) else { return "-".to_owned() };
    let base = curve.base.map_or(1.0, |m| m.taken.median()).max(1e-12);
    let ratios: Vec<String> = sizes.iter().map(|m| format!("{:.2}", m.taken.median() / base)).collect();
    let exponent = curve.exponent(axis).map_or(String::new(), |e| format!(" ({e:.2})"));
    format!("{}{exponent}", ratios.join(" "))
}

/// `12.3 M`, `4.5 k`.
fn short(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.1} G", n / 1e9),
        n if n >= 1e6 => format!("{:.1} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.1}"),
    }
}

/// `1.23 s`, `45.6 ms`.
fn duration(secs: f64) -> String {
    if secs >= 1.0 { format!("{secs:.2} s") } else { format!("{:.1} ms", 1e3 * secs) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_of_power_laws() {
        let law = |e: f64| [1.0f64, 2.0, 4.0].map(|x| (x, 0.3 * x.powf(e)));
        for e in [0.0, 1.0, 2.5] {
            assert!((slope(&law(e)).unwrap() - e).abs() < 1e-12, "{e}");
        }
        assert_eq!(slope(&[(1.0, 2.0)]), None);
        assert_eq!(slope(&[(1.0, 0.0), (2.0, 1.0)]), None);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!((short(1234.0), short(5.6e7), short(7.0)), ("1.2 k".into(), "56.0 M".into(), "7.0".into()));
        assert_eq!((duration(0.0123), duration(2.0)), ("12.3 ms".into(), "2.00 s".into()));
    }
}
