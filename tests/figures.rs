//! `grn plot` as users see it: figures of a simulated screen, of its differential expression, and what is refused.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;

fn grn(dir: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("grn").unwrap().current_dir(dir).args(args).assert()
}

const SMALL: [&str; 9] = [
    "simulate",
    "--genes=400",
    "--perturbations=3",
    "--cells-per-perturbation=40",
    "--controls=80",
    "--depth=4000",
    "--seed=2",
    "-o",
    "s.h5ad",
];

#[test]
fn a_screen_and_its_differential_expression_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &SMALL).success();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();

    grn(dir.path(), &["plot", "screen", "s.h5ad", "--deg-range", "5,50", "-o", "screen.svg"]).success();
    let svg = read("screen.svg");
    for part in
        ["Counting noise", "negative binomial", "Degrees", "Knockdown efficiency", "Genes that change", "5 to 50"]
    {
        assert!(svg.contains(part), "{part}");
    }
    grn(dir.path(), &["plot", "screen", "s.h5ad", "--deg-range", "5,50", "-o", "again.svg"]).success();
    assert_eq!(svg, read("again.svg"));

    grn(dir.path(), &["de", "s.h5ad", "-o", "de.csv"]).success();
    let target = read("de.csv").lines().nth(1).unwrap().split(',').next().unwrap().to_owned();
    grn(dir.path(), &["plot", "volcano", "de.csv", "--pert", &target, "-o", "v.png"]).success();
    assert_eq!(&std::fs::read(dir.path().join("v.png")).unwrap()[1..4], b"PNG");

    let refused = grn(dir.path(), &["plot", "volcano", "de.csv", "--pert", "NOBODY", "-o", "v.svg"]).code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("NOBODY"));
    grn(dir.path(), &["plot", "screen", "s.h5ad", "-o", "screen.pdf"]).code(2);

    // Without the truth, and without counts, what is left is drawn.
    std::fs::rename(dir.path().join("s.truth"), dir.path().join("elsewhere")).unwrap();
    grn(dir.path(), &["plot", "screen", "s.h5ad", "-o", "plain.svg"]).success();
    assert!(!read("plain.svg").contains("Degrees"));
}
