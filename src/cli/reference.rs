//! `grn reference`: the pages of `docs/reference`, made of the definitions of commands and settings (`make docs`).

use std::path::PathBuf;

use clap::{Arg, Args, Command};
use serde_json::{Value, json};

use super::error::CliError;
use super::fit::write_text;
use super::session::Session;
use crate::config::Settings;
use crate::error::ExitStatus;
use crate::io::IoError;

/// Arguments of `grn reference`.
#[derive(Debug, Args)]
pub(super) struct ReferenceArgs {
    /// Folder for cli.md and config.md
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn run(args: &ReferenceArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let pages = pages();
    if !session.dry_run {
        std::fs::create_dir_all(&args.dir).map_err(|e| IoError::write(&args.dir, e))?;
        for (name, text) in &pages {
            write_text(&args.dir.join(name), text)?;
        }
    }
    let names = pages.map(|(name, _)| name);
    session.printer.result(|| json!({ "output": args.dir, "pages": names }), || names.join("\n"))?;
    Ok(ExitStatus::Done)
}

fn pages() -> [(&'static str, String); 2] {
    [("cli.md", cli_page()), ("config.md", config_page())]
}

fn cli_page() -> String {
    let mut root = super::definition();
    root.build();
    let mut page = "# Commands\n\nGenerated from the program by `make docs`. Results go to stdout, everything else to stderr; with `--json` \
        stdout is one JSON object. Exit codes: 0 done, 1 a check said no, 2 an error of usage, settings or input, 130 \
        interrupted with a checkpoint, 101 a fault of the program.\n\n## Global options\n\n"
        .to_owned();
    root.get_arguments().filter(|a| a.is_global_set()).for_each(|a| page.push_str(&argument(a)));
    let mut commands = Vec::new();
    collect(&root, "grn", &mut commands);
    commands.iter().for_each(|(path, command)| page.push_str(&section(path, command)));
    page
}

/// All commands in the order of the help, those with subcommands before them.
fn collect<'a>(command: &'a Command, path: &str, all: &mut Vec<(String, &'a Command)>) {
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()) {
        let path = format!("{path} {}", sub.get_name());
        all.push((path.clone(), sub));
        collect(sub, &path, all);
    }
}

fn section(path: &str, command: &Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("\n## {path}\n\n{about}.\n");
    let own = |a: &&Arg| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help" && a.get_id() != "version";
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(own).partition(|a| a.is_positional());
    if !positional.is_empty() || !options.is_empty() {
        text.push('\n');
        positional.into_iter().chain(options).for_each(|a| text.push_str(&argument(a)));
    }
    if let Some(after) = command.get_after_help() {
        text.push_str(&format!("\n```text\n{}\n```\n", after.to_string().trim_end()));
    }
    text
}

/// `- ``--model <NAME>``: Model to fit. Default: ``grn``.`
fn argument(arg: &Arg) -> String {
    let names = [arg.get_short().map(|s| format!("-{s}")), arg.get_long().map(|l| format!("--{l}"))];
    let mut name = names.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if arg.get_action().takes_values() {
        let values =
            arg.get_value_names().unwrap_or_default().iter().map(|v| format!("<{v}>")).collect::<Vec<_>>().join(" ");
        format!("{name} {values}").trim().clone_into(&mut name);
    }
    let required = if arg.is_required_set() { " (required)" } else { "" };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut line = format!("- `{name}`{required}: {}", help.replace('\n', " "));
    let quoted =
        |words: &mut dyn Iterator<Item = String>| words.map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
    let defaults = quoted(&mut arg.get_default_values().iter().map(|d| d.to_string_lossy().into_owned()));
    if arg.get_action().takes_values() {
        let choices =
            quoted(&mut arg.get_possible_values().iter().filter(|v| !v.is_hide_set()).map(|v| v.get_name().to_owned()));
        if !choices.is_empty() {
            line.push_str(&format!(". One of {choices}"));
        }
        if !defaults.is_empty() && !arg.is_hide_default_value_set() {
            line.push_str(&format!(". Default: {defaults}"));
        }
    }
    line + "\n"
}

fn config_page() -> String {
    let schema = serde_json::to_value(schemars::schema_for!(Settings)).unwrap_or_default();
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    let mut page = "# Settings\n\nGenerated from the program by `make docs`. Each value comes from the first of these that has it: a flag, \
        an environment variable, `--config FILE`, `grn.toml` of the folder, `$XDG_CONFIG_HOME/grn/grn.toml` (without the \
        variable `~/.config/grn/grn.toml`), the default. `--no-config` leaves out both `grn.toml`. Arrays replace each other, \
        they are not joined. `grn config show` prints every value with its source; `configs/grn.schema.json` lets editors \
        check a file.\n\n| setting | type | default | variable | meaning |\n|---|---|---|---|---|\n"
        .to_owned();
    rows(&schema, &schema, &defaults, "", &mut page);
    page.push_str(
        "\nThe settings of each model are a table of their own, `[models.NAME]`; the files under `configs/models/` \
         list them with their defaults. Any setting can be given as `--set KEY=VALUE` too.\n",
    );
    page
}

fn rows(schema: &Value, all: &Value, defaults: &Value, prefix: &str, page: &mut String) {
    let Some(properties) = schema["properties"].as_object() else { return };
    for (name, property) in properties {
        let key = format!("{prefix}{name}");
        let reference = property["$ref"].as_str().and_then(|r| all.pointer(r.trim_start_matches('#')));
        if let Some(table) = reference {
            rows(table, all, &defaults[name], &format!("{key}."), page);
            continue;
        }
        let default = match &defaults[name] {
            Value::Null => String::new(),
            value => format!("`{value}`"),
        };
        let variable = if key == "models" {
            String::new()
        } else {
            format!("`{}`", super::variables::name_of(&key.replace('.', "_")))
        };
        let meaning = property["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        page.push_str(&format!("| `{key}` | {} | {default} | {variable} | {meaning} |\n", kind(property)));
    }
}

/// `text`, `number`, `list of text`.
fn kind(property: &Value) -> String {
    let word = |name: &str| match name {
        "string" => "text",
        "integer" => "whole number",
        "number" => "number",
        "boolean" => "true or false",
        "object" => "table",
        _ => "",
    };
    let named = match &property["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|n| *n != "null").unwrap_or_default(),
        _ => "",
    };
    if named == "array" { format!("list of {}", kind(&property["items"])) } else { word(named).to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_pages_are_fresh() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
        for (name, text) in pages() {
            let checked_in = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            assert!(checked_in == text, "docs/reference/{name} is stale: run `make docs`");
        }
    }

    #[test]
    fn every_setting_and_option_is_on_its_page() {
        let [(_, cli), (_, config)] = pages();
        for wanted in ["## grn data check\n", "- `--prior <FILE>`", "- `-j, --threads <N>`", "[env: GRN_DRY_RUN]"] {
            assert!(cli.contains(wanted), "{wanted}");
        }
        for wanted in
            ["| `data.pert_col` | text |  | `GRN_DATA_PERT_COL` |", "| `graph.priors` | list of text | `[]` |"]
        {
            assert!(config.contains(wanted), "{wanted}\n{config}");
        }
    }
}
