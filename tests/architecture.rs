//! The rooms are layers: a room imports only from those it is allowed to, listed here and drawn in ARCHITECTURE.md.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may import from.
const ALLOWED: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("stats", &["error"]),
    ("data", &["error", "stats"]),
    ("config", &["error"]),
    ("run", &["error"]),
    ("graph", &["error", "data", "stats"]),
    ("nn", &["error", "stats"]),
    ("io", &["error", "data", "stats", "graph", "nn"]),
    ("train", &["error", "nn", "run", "stats"]),
    ("predict", &["error", "data", "graph", "stats", "nn", "train", "run"]),
    ("simulate", &["error", "data", "graph", "stats"]),
    ("score", &["error", "data", "stats"]),
    ("rank", &["error", "data", "graph", "stats", "predict", "train"]),
    ("report", &["error", "data", "graph", "stats", "io", "score", "rank", "run"]),
];

/// Rooms that may name candle.
const CANDLE: &[&str] = &["nn", "train", "predict"];

fn sources() -> Vec<(String, PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![src.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let first = path.strip_prefix(&src).unwrap().components().next().unwrap();
                let room = Path::new(first.as_os_str()).file_stem().unwrap().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push((room, path, text));
            }
        }
    }
    found.sort();
    found
}

/// Rooms named after `crate::` in a line of code: `crate::data::Csr` and `crate::{data, stats}` alike.
fn imported(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let after = code.split("crate::").skip(1);
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    after
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => {
                list.split(['}', ';']).next().unwrap_or_default().split(',').map(|p| word(p.trim())).collect()
            }
            None => vec![word(rest)],
        })
        .filter(|w| !w.is_empty())
        .collect()
}

#[test]
fn rooms_import_only_from_below() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut broken = Vec::new();
    for (room, path, text) in sources() {
        let Some(allowed) = allowed.get(room.as_str()) else { continue };
        for (k, line) in text.lines().enumerate() {
            let rooms = imported(line).into_iter().filter(|r| *r != room && ALLOWED.iter().any(|(name, _)| name == r));
            for other in rooms.filter(|r| !allowed.contains(&r.as_str())) {
                broken.push(format!("{}:{}: `{room}` imports `{other}`", path.display(), k + 1));
            }
            if line.contains("crate::cli") {
                broken.push(format!("{}:{}: nobody imports `cli`", path.display(), k + 1));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn only_the_learning_rooms_name_candle() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(room, _, text)| text.contains("candle_") && !CANDLE.contains(&room.as_str()))
        .map(|(_, path, _)| path.display().to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_room_is_in_the_table() {
    let known = |room: &str| ["lib", "main", "cli"].contains(&room) || ALLOWED.iter().any(|(name, _)| *name == room);
    let unknown: Vec<String> = sources().into_iter().map(|(room, ..)| room).filter(|room| !known(room)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_import_reader_sees_lists_and_ignores_comments() {
    assert_eq!(imported("use crate::{data::Csr, stats};"), ["data", "stats"]);
    assert_eq!(imported("use crate::io::IoError; // crate::cli"), ["io"]);
    assert!(imported("use super::Csr;").is_empty());
}
