//! What the documentation shows exists: commands, their options, linked files.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// README.md and every page under docs/.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// The lines of a page, each with the kind of code block it is in (`console`, `python`, ...); none outside of blocks.
fn lines(text: &str) -> Vec<(Option<&str>, &str)> {
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
fn words(line: &str) -> Vec<String> {
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
struct Helps(HashMap<Vec<String>, String>);

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
    fn complaints(&mut self, arguments: &[String]) -> Vec<String> {
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

#[test]
fn words_of_a_line_end_where_the_command_ends() {
    let t = |line: &str, expected: &[&str]| assert_eq!(words(line), expected, "{line}");
    t(
        "grn simulate --lineage 'stem>early>a, b' -o x.h5ad  # slow",
        &["grn", "simulate", "--lineage", "stem>early>a, b", "-o", "x.h5ad"],
    );
    t("grn de s.h5ad -o de.csv && grn plot volcano", &["grn", "de", "s.h5ad", "-o", "de.csv"]);
    t("grn predict --json | jq .", &["grn", "predict", "--json"]);
}

#[test]
fn commands_that_do_not_exist_are_found() {
    let mut helps = Helps::default();
    let mut t = |line: &str, right: bool| assert_eq!(helps.complaints(&words(line)[1..]).is_empty(), right, "{line}");
    t("grn fit screen.h5ad --prior string.tsv", true);
    t("grn graph path graph.tsv A B -k 3", true);
    t("grn --version", true);
    t("grn fitt screen.h5ad", false);
    t("grn fit screen.h5ad --priors string.tsv", false);
    t("grn score prep predicted.h5ad --pred x", false);
}

#[test]
fn every_command_shown_exists_with_its_options() {
    let mut helps = Helps::default();
    let (mut wrong, mut n) = (Vec::new(), 0);
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        let console = lines(&text).into_iter().filter(|(block, _)| *block == Some("console"));
        for line in console.filter_map(|(_, line)| line.strip_prefix("$ grn ")) {
            n += 1;
            let complaints = helps.complaints(&words(line));
            wrong.extend(complaints.into_iter().map(|c| format!("{}: {c}: grn {line}", page.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n > 50, "only {n} commands were found");
}

#[test]
fn every_linked_file_exists() {
    let (mut wrong, mut n) = (Vec::new(), 0);
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for line in lines(&text).into_iter().filter(|(block, _)| block.is_none()).map(|(_, line)| line) {
            assert!(!line.contains("![]("), "{}: a figure without alternative text: {line}", page.display());
            for target in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next()) {
                if target.is_empty() || target.contains("://") {
                    continue;
                }
                n += 1;
                if !page.parent().unwrap().join(target).exists() {
                    wrong.push(format!("{}: {target}", page.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these links lead nowhere:\n{}", wrong.join("\n"));
    assert!(n > 50, "only {n} links were found");
}
