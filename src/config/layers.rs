//! Putting layers of settings on top of each other, and remembering where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{ConfigError, Settings};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Settings under construction: later layers replace earlier ones value by value.
#[derive(Debug, Clone)]
pub struct Layers {
    table: Table,
    sources: BTreeMap<String, Source>,
}

impl Layers {
    /// The defaults alone.
    pub fn defaults() -> Self {
        let table = Table::try_from(Settings::default()).unwrap_or_default();
        let mut layers = Self { table: Table::new(), sources: BTreeMap::new() };
        layers.merge(table, &Source::Default);
        layers
    }

    /// Adds a settings file.
    ///
    /// # Errors
    /// [`ConfigError`] with line and column where the text is wrong.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let invalid = |e: toml::de::Error| ConfigError::Invalid {
            from: format!("`{}`", path.display()),
            reason: e.to_string().trim_end().to_owned(),
        };
        // Decoding the text itself, not the merged table, keeps line and column in the message.
        toml::from_str::<Settings>(&text).map_err(invalid)?;
        self.merge(toml::from_str(&text).map_err(invalid)?, &Source::File(path.to_owned()));
        Ok(())
    }

    /// Adds the variables `GRN_<KEY>` (`GRN_SEED`, `GRN_DATA_PERT_COL`, ...).
    pub fn add_variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) -> Result<(), ConfigError> {
        for (name, text) in variables {
            let Some(key) = KEYS.iter().find(|k| variable(k) == name) else { continue };
            self.set(key, &text, Source::Variable(name))?;
        }
        Ok(())
    }

    /// Sets one value given as text. Text that is not a TOML value is taken as a string, or as a list of one.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] where the key does not exist or the value has the wrong type.
    pub fn set(&mut self, key: &str, text: &str, source: Source) -> Result<(), ConfigError> {
        let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut t| t.remove("value"));
        let text_value = Value::String(text.to_owned());
        // One file is a list of one: `GRN_GRAPH_PRIORS=string.tsv`.
        let list = Value::Array(vec![text_value.clone()]);
        let candidates = parsed.into_iter().chain([text_value, list]);
        let mut problem = None;
        for value in candidates {
            let nested = key.rsplit('.').fold(value, |v, part| Value::Table(Table::from_iter([(part.to_owned(), v)])));
            let Value::Table(nested) = nested else { continue };
            match nested.clone().try_into::<Settings>() {
                Ok(_) => {
                    self.merge(nested, &source);
                    return Ok(());
                }
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        let reason = problem.map_or_else(String::new, |e| e.to_string().trim_end().to_owned());
        Err(ConfigError::Invalid { from: format!("{source}, setting `{key}`"), reason })
    }

    /// The settings in force.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        self.table
            .clone()
            .try_into()
            .map_err(|e| ConfigError::Invalid { from: "settings".into(), reason: e.to_string() })
    }

    /// Every value in force with its source, by key.
    pub fn rows(&self) -> Vec<(String, String, Source)> {
        let value = |key: &str| {
            let mut parts = key.split('.');
            let first = self.table.get(parts.next()?)?;
            parts.try_fold(first, |v, part| v.get(part)).map(ToString::to_string)
        };
        self.sources.iter().filter_map(|(k, s)| Some((k.clone(), value(k)?, s.clone()))).collect()
    }

    fn merge(&mut self, table: Table, source: &Source) {
        merge_into(&mut self.table, table, "", source, &mut self.sources);
    }
}

/// Keys that environment variables can set.
const KEYS: &[&str] = &[
    "seed",
    "threads",
    "device",
    "model",
    "data.screen",
    "data.preset",
    "data.pert_col",
    "data.control_pert",
    "data.celltype_col",
    "data.batch_col",
    "data.scale",
    "data.target_sum",
    "data.aliases",
    "data.gene_metadata",
    "data.features",
    "data.other_effects",
    "graph.priors",
    "graph.min_score",
    "graph.without_channels",
    "cv.nested",
    "cv.inner",
    "cv.criterion",
    "fetch.base_url",
];

fn variable(key: &str) -> String {
    format!("GRN_{}", key.replace('.', "_").to_uppercase())
}

fn merge_into(to: &mut Table, from: Table, prefix: &str, source: &Source, sources: &mut BTreeMap<String, Source>) {
    for (key, value) in from {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => {
                let slot = to.entry(key).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(slot) = slot {
                    merge_into(slot, inner, &path, source, sources);
                }
            }
            value => {
                to.insert(key, value);
                sources.insert(path, source.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_win_and_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grn.toml");
        std::fs::write(&path, "seed = 3\n[data]\npert_col = \"gene\"\n[models.gears]\nsteps = 10\n").unwrap();
        let mut layers = Layers::defaults();
        layers.add_file(&path).unwrap();
        layers.add_variables([("GRN_SEED".into(), "4".into()), ("GRN_OTHER".into(), "x".into())]).unwrap();
        layers.set("data.control_pert", "NT", Source::Flag("--control-pert".into())).unwrap();
        let settings = layers.settings().unwrap();
        assert_eq!((settings.seed, settings.data.pert_col.as_deref()), (4, Some("gene")));
        assert_eq!(settings.data.control_pert.as_deref(), Some("NT"));
        assert_eq!(settings.models["gears"]["steps"].as_integer(), Some(10));
        let source = |key: &str| layers.rows().into_iter().find(|r| r.0 == key).map(|r| r.2.to_string());
        assert_eq!(source("seed").as_deref(), Some("environment variable GRN_SEED"));
        assert_eq!(source("device").as_deref(), Some("default"));
    }

    #[test]
    fn a_wrong_setting_names_file_line_and_choices() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grn.toml");
        std::fs::write(&path, "seed = 3\nsede = 4\n").unwrap();
        let error = Layers::defaults().add_file(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("unknown field `sede`"), "{error}");
    }

    #[test]
    fn every_setting_has_a_variable() {
        let mut layers = Layers::defaults();
        let text = |key: &str| match key {
            "seed" | "threads" | "cv.inner" | "graph.min_score" => "7".to_owned(),
            "cv.nested" => "true".to_owned(),
            _ => "word".to_owned(),
        };
        layers.add_variables(KEYS.iter().map(|key| (variable(key), text(key)))).unwrap();
        let unset: Vec<String> = layers.rows().into_iter().filter(|r| r.2 == Source::Default).map(|r| r.0).collect();
        assert!(unset.is_empty(), "{unset:?}");
        assert_eq!(layers.settings().unwrap().graph.priors, [PathBuf::from("word")]);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_refused() {
        let mut layers = Layers::defaults();
        assert!(layers.set("seed", "many", Source::Flag("--set".into())).is_err());
        assert!(layers.set("data.pert_col", "7", Source::Flag("--set".into())).is_ok());
    }
}
