//! `grn config`.

use clap::Subcommand;
use serde_json::json;

use super::error::CliError;
use super::session::Session;
use crate::config::Settings;
use crate::error::ExitStatus;

/// Commands of `grn config`.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every setting in force and where it comes from
    Show,
    /// Print the JSON schema of settings files
    Schema,
}

pub(super) fn run(command: ConfigCommand, session: &mut Session) -> Result<ExitStatus, CliError> {
    match command {
        ConfigCommand::Show => show(session)?,
        ConfigCommand::Schema => session.printer.data(schema())?,
    }
    Ok(ExitStatus::Done)
}

fn show(session: &Session) -> Result<(), CliError> {
    let rows = session.layers.rows();
    let width = rows.iter().map(|(key, value, _)| key.len() + value.len()).max().unwrap_or(0);
    let line = |(key, value, source): &(String, String, crate::config::Source)| {
        let pad = width - key.len() - value.len();
        format!("{key} = {value}{:pad$}  # {source}", "")
    };
    session.printer.result(
        || {
            let entry = |(k, v, s): &(String, String, crate::config::Source)| {
                (k.clone(), json!({ "value": v, "source": s.to_string() }))
            };
            serde_json::Value::Object(rows.iter().map(entry).collect())
        },
        || files_read(session) + &rows.iter().map(line).collect::<Vec<_>>().join("\n"),
    )
}

/// `# settings files, the strongest last: grn.toml`.
fn files_read(session: &Session) -> String {
    let names: Vec<String> = session.settings_files.iter().map(|f| f.display().to_string()).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("# settings files, the strongest last: {}\n", names.join(", "))
    }
}

/// The schema checked in as `configs/grn.schema.json`.
fn schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Settings)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checked_in_schema_is_fresh() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/grn.schema.json");
        let checked_in = std::fs::read_to_string(path).unwrap();
        assert_eq!(checked_in.trim_end(), super::schema(), "run `grn config schema > configs/grn.schema.json`");
    }
}
