//! What is cross-validated: models, with settings that differ from those in force where asked for.

use crate::cli::error::CliError;
use crate::cli::inputs;
use crate::cli::session::Session;
use crate::config::Source;
use crate::predict::{CALIBRATED, CalibrationMode, Spec, calibrated_settings, spec};

use super::{BASELINES, CvArgs};

/// One row of the table to be.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The model, followed by what is special about it in brackets.
    pub(super) name: String,
    pub(super) spec: &'static Spec,
    pub(super) settings: toml::Table,
    /// Asked for, not added as a baseline.
    pub(super) asked: bool,
    /// The row that this is a variant of.
    pub(super) variant_of: Option<&'static str>,
}

impl Entry {
    /// A model with the settings in force.
    pub(super) fn plain(name: &str, session: &Session, asked: bool) -> Result<Self, CliError> {
        let spec = spec(name)?;
        let settings = inputs::model_settings(session, spec.name);
        // Wrong settings are told before a long read, not after it.
        (spec.build)(&settings)?;
        Ok(Self { name: spec.name.to_owned(), spec, settings, asked, variant_of: None })
    }

    /// The same model calibrated inside its folds; baselines are left as they are.
    pub(super) fn calibrated(self, mode: CalibrationMode) -> Self {
        if mode == CalibrationMode::None || BASELINES.contains(&self.spec.name) {
            return self;
        }
        Self { settings: calibrated_settings(self.spec.name, mode, &self.settings), spec: &CALIBRATED, ..self }
    }

    /// A model with some settings replaced.
    fn variant(label: &str, overrides: &[(String, String)], flag: &str, session: &Session) -> Result<Self, CliError> {
        let model = one_model(overrides, flag)?;
        let mut layers = session.layers.clone();
        for (key, value) in overrides {
            layers.set(key, value, Source::Flag(flag.to_owned()))?;
        }
        let spec = spec(&model)?;
        let settings = layers.settings()?.models.get(spec.name).and_then(toml::Value::as_table).cloned();
        let settings = settings.unwrap_or_default();
        (spec.build)(&settings)?;
        Ok(Self { name: format!("{model}[{label}]"), spec, settings, asked: true, variant_of: Some(spec.name) })
    }
}

/// The baselines, the models asked for, then their variants, each once.
pub(super) fn entries(args: &CvArgs, session: &Session) -> Result<Vec<Entry>, CliError> {
    let variants = variants(args, session)?;
    let mut asked: Vec<String> = args.models.iter().map(|m| m.trim().to_owned()).collect();
    if asked.is_empty() && variants.is_empty() {
        asked.push(session.settings.model.clone());
    }
    asked.extend(variants.iter().map(|v| v.spec.name.to_owned()));
    let mut entries: Vec<Entry> = Vec::new();
    for name in BASELINES.iter().copied().chain(asked.iter().map(String::as_str)) {
        if !entries.iter().any(|e| e.name == name) {
            entries.push(Entry::plain(name, session, asked.iter().any(|a| a == name))?);
        }
    }
    for variant in variants {
        if !entries.iter().any(|e| e.name == variant.name) {
            entries.push(variant);
        }
    }
    Ok(entries)
}

/// The rows of `--grid` and `--variant`.
fn variants(args: &CvArgs, session: &Session) -> Result<Vec<Entry>, CliError> {
    let mut out = Vec::new();
    for point in grid(&args.grid)? {
        let label: Vec<String> = point.iter().map(|(k, v)| format!("{}={v}", short(k))).collect();
        out.push(Entry::variant(&label.join(" "), &point, "--grid", session)?);
    }
    for text in &args.variants {
        let bad = || {
            let hint = "for example `--variant no-trees:models.grn.trees=false`".to_owned();
            CliError::usage("--variant", "NAME:models.MODEL.KEY=VALUE", format!("`{text}`"), Some(hint))
        };
        let (label, settings) = text.split_once(':').filter(|(l, _)| !l.trim().is_empty()).ok_or_else(bad)?;
        let overrides = overrides(settings).ok_or_else(bad)?;
        out.push(Entry::variant(label.trim(), &overrides, "--variant", session)?);
    }
    Ok(out)
}

/// `models.a.x=1,models.a.y=[1,2]` as keys and values: a comma separates where a key follows it.
fn overrides(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',') {
        match parts.last_mut().filter(|_| !part.trim_start().starts_with("models.")) {
            Some(last) => *last += &format!(",{part}"),
            None => parts.push(part.to_owned()),
        }
    }
    parts.iter().map(|p| p.split_once('=').map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))).collect()
}

/// Keys with their values.
type Overrides = Vec<(String, String)>;

/// All combinations of the values of each model's keys.
fn grid(axes: &[String]) -> Result<Vec<Overrides>, CliError> {
    let mut by_model: Vec<(String, Vec<Overrides>)> = Vec::new();
    for text in axes {
        let parsed = text.split_once('=').filter(|(_, values)| !values.trim().is_empty());
        let Some((key, values)) = parsed else {
            let hint = "for example `--grid models.graph-kernel.rank=30,60`".to_owned();
            return Err(CliError::usage("--grid", "models.MODEL.KEY=V1,V2", format!("`{text}`"), Some(hint)));
        };
        let key = key.trim().to_owned();
        let model = one_model(&[(key.clone(), String::new())], "--grid")?;
        let at = by_model.iter().position(|(m, _)| *m == model).unwrap_or_else(|| {
            by_model.push((model, vec![Vec::new()]));
            by_model.len() - 1
        });
        let points = &mut by_model[at].1;
        let extended = points.iter().flat_map(|point| {
            let key = &key;
            values.split(',').map(move |v| [point.clone(), vec![(key.clone(), v.trim().to_owned())]].concat())
        });
        *points = extended.collect();
    }
    Ok(by_model.into_iter().flat_map(|(_, points)| points).collect())
}

/// The model whose settings these keys are.
fn one_model(overrides: &[(String, String)], flag: &str) -> Result<String, CliError> {
    let model = |key: &str| key.strip_prefix("models.")?.split_once('.').map(|(model, _)| model.to_owned());
    let found: Vec<Option<String>> = overrides.iter().map(|(k, _)| model(k)).collect();
    match found.first() {
        Some(Some(first)) if found.iter().all(|m| m.as_ref() == Some(first)) => Ok(first.clone()),
        _ => {
            let got: Vec<&str> = overrides.iter().map(|(k, _)| k.as_str()).collect();
            Err(CliError::usage(flag, "keys `models.MODEL.KEY` of one model", format!("`{}`", got.join("`, `")), None))
        }
    }
}

/// The key without `models.<model>.`.
fn short(key: &str) -> &str {
    key.splitn(3, '.').nth(2).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_separates_only_before_a_key() {
        let t = |text: &str, expected: &[(&str, &str)]| {
            let expected: Vec<(String, String)> = expected.iter().map(|&(k, v)| (k.into(), v.into())).collect();
            assert_eq!(overrides(text), Some(expected));
        };
        t("models.a.x=1", &[("models.a.x", "1")]);
        t("models.a.x=[1,2], models.a.y=no", &[("models.a.x", "[1,2]"), ("models.a.y", "no")]);
        assert_eq!(overrides("models.a.x"), None);
    }

    #[test]
    fn a_grid_has_every_combination_of_each_model() {
        let axes = ["models.a.x=1,2", "models.b.z=5", "models.a.y=3,4"].map(String::from);
        let points = grid(&axes).unwrap();
        let text: Vec<String> = points
            .iter()
            .map(|p| p.iter().map(|(k, v)| format!("{}={v}", short(k))).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(text, ["x=1 y=3", "x=1 y=4", "x=2 y=3", "x=2 y=4", "z=5"]);
        assert!(grid(&["seed=1".into()]).is_err());
    }
}
