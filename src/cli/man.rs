//! `grn man`.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use serde_json::json;

use super::error::CliError;
use super::fit::write_text;
use super::session::Session;
use crate::error::ExitStatus;
use crate::io::IoError;

/// Arguments of `grn man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  grn man ~/.local/share/man/man1
  man grn-fit

There is no grn.1: the manual of groff has that name.")]
pub(super) struct ManArgs {
    /// Folder for the pages
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn run(args: &ManArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let pages = pages();
    let names: Vec<String> = pages.iter().map(|(name, _)| name.clone()).collect();
    let dir = args.dir.display();
    if session.dry_run {
        session.plan(&super::plan::Plan::new(format!("write {} pages", names.len())).writes(args.dir.clone()))?;
        return Ok(ExitStatus::Done);
    }
    std::fs::create_dir_all(&args.dir).map_err(|e| IoError::write(&args.dir, e))?;
    for (name, text) in &pages {
        write_text(&args.dir.join(name), text)?;
    }
    session.printer.result(
        || json!({ "output": args.dir, "pages": names }),
        || format!("{dir}: {} pages, such as `man {}`", names.len(), Path::new("grn-fit").display()),
    )?;
    Ok(ExitStatus::Done)
}

/// One page per command that can be typed, subcommands of subcommands too.
fn pages() -> Vec<(String, String)> {
    let mut root = super::definition();
    root.build();
    let mut pages = Vec::new();
    add_pages(&root, "grn", &mut pages);
    pages
}

fn add_pages(command: &Command, path: &str, pages: &mut Vec<(String, String)>) {
    let wanted = |c: &&Command| c.get_name() != "help" && !c.is_hide_set();
    for sub in command.get_subcommands().filter(wanted) {
        let name = format!("{path}-{}", sub.get_name());
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = clap_mangen::Man::new(sub.clone().version(env!("CARGO_PKG_VERSION"))).render(&mut text);
        pages.push((format!("{name}.1"), String::from_utf8_lossy(&text).into_owned()));
        add_pages(sub, &name, pages);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_has_its_page_but_grn_itself() {
        let pages = super::pages();
        let page = |name: &str| pages.iter().find(|(n, _)| n == name).map(|(_, text)| text.as_str());
        assert!(page("grn.1").is_none() && page("grn-help.1").is_none() && page("grn-reference.1").is_none());
        let fit = page("grn-fit.1").unwrap();
        assert!(fit.contains(".TH grn-fit 1") && fit.contains("\\-\\-prior") && fit.contains("Examples"), "{fit}");
        let check = page("grn-data-check.1").unwrap();
        assert!(check.contains("grn data check"), "{check}");
    }
}
