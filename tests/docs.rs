//! What the documentation shows exists: commands, their options, linked files.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use commands::{Helps, lines, words};

#[path = "support/commands.rs"]
mod commands;

/// README.md and every page under docs/ and packaging/.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs"), root.join("packaging")];
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
