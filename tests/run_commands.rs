//! `grn run`: listing, showing, comparing, deleting and exporting runs.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/screen.rs"]
mod screen;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::screen::{Screen, grn, transcript, write_chain};

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = grn(folder, args);
    assert!(output.status.success(), "grn {}\n{}", args.join(" "), transcript(folder, &output));
    String::from_utf8(output.stdout).unwrap()
}

/// Two runs, `runs/a` with seed 1 and `runs/b` with seed 2 and another prior.
fn two_runs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    write_chain(&dir.path().join("shorter.tsv"), 30);
    let fit = |prior: &str, seed: &str, outdir: &str| {
        let args =
            ["fit", "screen.h5ad", "--prior", prior, "--model", "graph-kernel", "--seed", seed, "--outdir", outdir];
        ok(dir.path(), &args);
    };
    fit("prior.tsv", "1", "runs/a");
    fit("shorter.tsv", "2", "runs/b");
    dir
}

#[test]
fn runs_are_listed_newest_first() {
    let dir = two_runs();
    std::fs::create_dir(dir.path().join("runs/notes")).unwrap();
    let list = ok(dir.path(), &["run", "list"]);
    let lines: Vec<Vec<&str>> = list.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["run", "started", "model", "data", "perturbations", "seed", "status", "accuracy"]);
    assert_eq!((lines.len(), lines[1][0], lines[2][0]), (3, "runs/b", "runs/a"));
    assert_eq!(lines[1][3..7], ["graph-kernel", "screen.h5ad", "12", "2"]);
    assert!(lines[1].contains(&"complete") && lines[1].contains(&"held_out.l2_to_mean"), "{list}");
    let json: Value = serde_json::from_str(&ok(dir.path(), &["run", "list", "runs", "--json"])).unwrap();
    assert_eq!((&json["runs"][1]["seed"], &json["runs"][1]["n_perturbations"]), (&Value::from(1), &Value::from(12)));
    // With cross-validation in the run its accuracy is what counts.
    let cv = "model\tmetric\tvalue\nmean\tcentred_r\t0.0\ngraph-kernel\tcentred_r\t0.4321\n";
    std::fs::create_dir(dir.path().join("runs/a/cv")).unwrap();
    std::fs::write(dir.path().join("runs/a/cv/cv.tsv"), cv).unwrap();
    assert!(ok(dir.path(), &["run", "list"]).contains("centred_r 0.432"));
    assert_eq!(ok(dir.path(), &["run", "list", "runs/notes"]).trim(), "");
}

#[test]
fn a_run_is_shown_and_the_newest_is_the_default() {
    let dir = two_runs();
    let shown = ok(dir.path(), &["run", "show"]);
    for wanted in
        ["runs/b", "graph-kernel", "12 perturbations x 40 genes", "`non-targeting`, 40 cells", "screen.h5ad", "blake3 "]
    {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    let json: Value = serde_json::from_str(&ok(dir.path(), &["run", "show", "runs/a", "--json"])).unwrap();
    assert_eq!(json["manifest"]["seed"], 1);
}

#[test]
fn runs_differ_in_settings_inputs_and_numbers() {
    let dir = two_runs();
    let json: Value = serde_json::from_str(&ok(dir.path(), &["run", "diff", "runs/a", "runs/b", "--json"])).unwrap();
    assert_eq!(json["settings"], serde_json::json!({ "seed": { "a": "1", "b": "2" } }));
    let names = |side: &str| -> Vec<&str> {
        json["inputs"].as_object().unwrap().values().filter_map(|v| v[side].as_str()).collect()
    };
    // The screen is the same: it is not listed.
    assert_eq!((names("a"), names("b")), (vec!["prior.tsv"], vec!["shorter.tsv"]));
    assert!(!json["summary"].as_object().unwrap().is_empty());
    // The same content under another name is no difference.
    std::fs::copy(dir.path().join("prior.tsv"), dir.path().join("copy.tsv")).unwrap();
    let again =
        ["fit", "screen.h5ad", "--prior", "copy.tsv", "--model", "graph-kernel", "--seed", "1", "--outdir", "runs/c"];
    ok(dir.path(), &again);
    assert_eq!(ok(dir.path(), &["run", "diff", "runs/a", "runs/c"]).trim(), "no difference");
}

#[test]
fn only_runs_are_deleted() {
    let dir = two_runs();
    std::fs::create_dir(dir.path().join("thesis")).unwrap();
    let refused = grn(dir.path(), &["run", "rm", "runs/a", "thesis"]);
    insta::assert_snapshot!(transcript(dir.path(), &refused));
    assert!(dir.path().join("runs/a").exists() && dir.path().join("thesis").exists());
    assert_eq!(ok(dir.path(), &["run", "rm", "runs/a", "--dry-run"]).trim(), "would delete runs/a");
    assert!(dir.path().join("runs/a").exists());
    assert_eq!(ok(dir.path(), &["run", "rm", "runs/a"]).trim(), "deleted runs/a");
    assert!(!dir.path().join("runs/a").exists() && dir.path().join("runs/b").exists());
}

/// Replaces the metrics of a run by known ones.
fn known_metrics(run: &Path) {
    let rows = [(0.5, 1, "train", "loss", 0.75), (1.0, 2, "train", "loss", 0.5), (1.5, 2, "val", "r", 0.25)];
    let line = |(t, step, split, name, value): &(f64, u64, &str, &str, f64)| {
        format!("{}\n", serde_json::json!({ "t": t, "step": step, "split": split, "name": name, "value": value }))
    };
    std::fs::write(run.join("metrics.jsonl"), rows.iter().map(line).collect::<String>()).unwrap();
}

#[test]
fn metrics_become_csv() {
    let dir = two_runs();
    known_metrics(&dir.path().join("runs/a"));
    ok(dir.path(), &["run", "export", "runs/a", "--to", "csv"]);
    let csv = std::fs::read_to_string(dir.path().join("runs/a/metrics.csv")).unwrap();
    assert_eq!(csv, "t,step,split,name,value\n0.5,1,train,loss,0.75\n1.0,2,train,loss,0.5\n1.5,2,val,r,0.25\n");
}

/// A python that has tensorboard: `GRN_TENSORBOARD_PYTHON`, else `python3`.
fn python_with_tensorboard() -> Option<PathBuf> {
    let python = std::env::var_os("GRN_TENSORBOARD_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let has = Command::new(&python).args(["-c", "import tensorboard"]).output().is_ok_and(|o| o.status.success());
    if !has {
        println!("skipped: {} has no tensorboard", python.display());
    }
    has.then_some(python)
}

#[test]
fn tensorboard_reads_the_event_file() {
    let dir = two_runs();
    known_metrics(&dir.path().join("runs/a"));
    ok(dir.path(), &["run", "export", "runs/a", "--to", "tensorboard", "-o", "events"]);
    let names: Vec<String> = std::fs::read_dir(dir.path().join("events"))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.len() == 1 && names[0].starts_with("events.out.tfevents."), "{names:?}");
    let Some(python) = python_with_tensorboard() else { return };
    let read = "
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator('events'); events.Reload()
for tag in sorted(events.Tags()['scalars']):
    print(tag, [(e.step, e.value) for e in events.Scalars(tag)])";
    let output = Command::new(python).current_dir(dir.path()).args(["-c", read]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "train/loss [(1, 0.75), (2, 0.5)]\nval/r [(2, 0.25)]\n", "{error}");
}
