//! `grn completions`.

use clap::Args;
use clap_complete::Shell;

use super::error::CliError;
use super::session::Session;
use crate::error::ExitStatus;

/// Arguments of `grn completions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  grn completions bash > ~/.local/share/bash-completion/completions/grn
  grn completions zsh > ~/.zfunc/_grn
  grn completions fish > ~/.config/fish/completions/grn.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs, session: &Session) -> Result<ExitStatus, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::definition(), "grn", &mut script);
    session.printer.data(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitStatus::Done)
}
