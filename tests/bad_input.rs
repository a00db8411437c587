//! Bad input: one clear error that says what was expected and what was found, exit code 2, nothing half-written.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use std::path::Path;

use self::screen::{Screen, grn, transcript, write_chain};

/// A folder with a screen and a prior; fits the `mean` model there and returns what was said.
fn fit(prepare: impl FnOnce(&Path), args: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    prepare(dir.path());
    let before = listing(dir.path());
    let model: &[&str] = if args.contains(&"--model") { &[] } else { &["--model", "mean"] };
    let fixed = ["fit", "screen.h5ad", "--prior", "prior.tsv", "--outdir", "run"];
    let output = grn(dir.path(), &[&fixed, model, args].concat());
    let said = transcript(dir.path(), &output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(listing(dir.path()), before, "something was left behind");
    // Notices come before the error and are tested elsewhere.
    said.lines().skip_while(|l| !l.starts_with("error:")).collect::<Vec<_>>().join("\n")
}

fn listing(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn with_screen(screen: Screen) -> impl FnOnce(&Path) {
    move |dir| screen.write(&dir.join("screen.h5ad"))
}

#[test]
fn a_missing_column_names_the_columns_there_are() {
    insta::assert_snapshot!(fit(with_screen(Screen { column: "guide_id", ..Screen::usual() }), &[]));
    insta::assert_snapshot!(fit(|_| {}, &["--pert-col", "perturbation"]));
}

#[test]
fn no_control() {
    let mut screen = Screen::usual();
    screen.labels.remove(0);
    insta::assert_snapshot!(fit(with_screen(screen), &[]));
    insta::assert_snapshot!(fit(|_| {}, &["--control-pert", "NT"]));
}

#[test]
fn one_control_cell() {
    let mut screen = Screen::usual();
    screen.labels[0].1 = 1;
    insta::assert_snapshot!(fit(with_screen(screen), &[]));
}

#[test]
fn a_truncated_file() {
    let truncate = |dir: &Path| {
        let path = dir.join("screen.h5ad");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let said = fit(truncate, &[]);
    assert!(said.contains("cannot read `screen.h5ad`") && said.contains("truncated"), "{said}");
}

#[test]
fn a_file_that_is_not_hdf5() {
    insta::assert_snapshot!(fit(|dir| std::fs::write(dir.join("screen.h5ad"), "gene,value\n").unwrap(), &[]));
}

#[test]
fn a_missing_file() {
    insta::assert_snapshot!(fit(|dir| std::fs::remove_file(dir.join("screen.h5ad")).unwrap(), &[]));
}

#[test]
fn values_that_no_screen_can_hold() {
    let spoilt = |value| with_screen(Screen { spoil: Some((3, 7, value)), ..Screen::usual() });
    insta::assert_snapshot!(fit(spoilt(f32::NAN), &[]));
    insta::assert_snapshot!(fit(spoilt(-2.0), &[]));
    insta::assert_snapshot!(fit(spoilt(f32::INFINITY), &[]));
}

#[test]
fn an_empty_graph() {
    insta::assert_snapshot!(fit(|dir| std::fs::write(dir.join("prior.tsv"), "source\ttarget\tweight\n").unwrap(), &[]));
}

#[test]
fn a_prior_without_any_known_gene() {
    let other = |dir: &Path| std::fs::write(dir.join("prior.tsv"), "source\ttarget\nENSMUSG01\tENSMUSG02\n").unwrap();
    insta::assert_snapshot!(fit(other, &[]));
}

#[test]
fn a_broken_line_of_a_prior() {
    let broken = |dir: &Path| {
        std::fs::write(dir.join("prior.tsv"), "source\ttarget\tweight\nG0\tG1\t0.5\nG1\tG2\thigh\n").unwrap();
    };
    insta::assert_snapshot!(fit(broken, &[]));
}

#[test]
fn no_prior_at_all() {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    let output = grn(dir.path(), &["fit", "screen.h5ad", "--model", "mean"]);
    insta::assert_snapshot!(transcript(dir.path(), &output));
}

#[test]
fn an_output_folder_that_cannot_be_written() {
    let said = fit(|dir| std::fs::write(dir.join("run"), "a file, not a folder").unwrap(), &[]);
    insta::assert_snapshot!(said);
}

#[test]
fn an_output_folder_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    Screen::usual().write(&dir.path().join("screen.h5ad"));
    write_chain(&dir.path().join("prior.tsv"), 40);
    std::fs::create_dir(dir.path().join("run")).unwrap();
    std::fs::write(dir.path().join("run/thesis.txt"), "mine").unwrap();
    let output =
        grn(dir.path(), &["-qq", "fit", "screen.h5ad", "--model", "mean", "--prior", "prior.tsv", "--outdir", "run"]);
    insta::assert_snapshot!(transcript(dir.path(), &output));
    assert_eq!(listing(&dir.path().join("run")), ["thesis.txt"]);
}

#[test]
fn unknown_names_get_a_suggestion() {
    insta::assert_snapshot!(fit(|_| {}, &["--model", "graph-kernle"]));
    insta::assert_snapshot!(fit(|_| {}, &["--hold-out", "G1,g3"]));
    insta::assert_snapshot!(fit(|_| {}, &["--set", "models.graph-kernel.componets=3", "--model", "graph-kernel"]));
    insta::assert_snapshot!(fit(|_| {}, &["--device", "gpu"]));
}
