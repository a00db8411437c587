//! Commands shown in text: finding them, and asking the program whether they exist.
#![allow(dead_code)]

use std::collections::HashMap;
use std::process::Command;

/// The lines of a page, each with the kind of code block it is in (`console`, `python`, ...); none outside of blocks.
pub(crate) fn lines(text: &str) -> Vec<(Option<&str>, &str)> {
    let mut block = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("```"), block) {
            (Some(kind), None) => block = Some(kind),
            (Some(_), Some(_)) => block = None,
            (None, _) => lines.push((block, line)),
        }
    }
    lines
}

/// The words of a shell line up to a pipe, a second command or a comment; quotes hold a word together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            '|' | '#' | '&' | ';' if !quoted => break,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// What `--help` of commands says, asked once each.
#[derive(Default)]
pub(crate) struct Helps(HashMap<Vec<String>, String>);

impl Helps {
    fn of(&mut self, commands: &[String]) -> &str {
        self.0.entry(commands.to_vec()).or_insert_with(|| {
            let output = Command::new(env!("CARGO_BIN_EXE_grn")).args(commands).arg("--help").output().unwrap();
            assert!(output.status.success(), "grn {} --help", commands.join(" "));
            String::from_utf8(output.stdout).unwrap()
        })
    }

    /// The subcommands that the help lists.
    fn commands(&mut self, of: &[String]) -> Vec<String> {
        let listed = self.of(of).lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
        listed
            .filter(|l| !l.starts_with("   "))
            .filter_map(|l| l.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// Whether the help names this option.
    fn lists(&mut self, commands: &[String], option: &str) -> bool {
        let part_of_option = |c: char| c.is_ascii_alphanumeric() || c == '-';
        self.of(commands).split(|c| !part_of_option(c)).any(|word| word == option)
    }

    /// What is wrong with the arguments of `grn`.
    pub(crate) fn complaints(&mut self, arguments: &[String]) -> Vec<String> {
        let mut commands = Vec::new();
        for word in arguments {
            let known = self.commands(&commands);
            if !known.contains(word) {
                if !known.is_empty() && commands.is_empty() && !word.starts_with('-') {
                    return vec![format!("no command `{word}`")];
                }
                break;
            }
            commands.push(word.clone());
        }
        let options = arguments.iter().filter(|w| w.starts_with('-') && w.len() > 1);
        let names = options.map(|w| w.split('=').next().unwrap_or(w));
        let is_number = |w: &str| w.parse::<f64>().is_ok();
        let unknown = names.filter(|w| !is_number(w) && !self.lists(&commands, w));
        unknown.map(|w| format!("`grn {}` has no option `{w}`", commands.join(" "))).collect()
    }
}
