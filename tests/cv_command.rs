//! `grn cv` and the figures of its tables as users see them, on the embedded simulated screen.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;

fn grn(dir: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("grn").unwrap().current_dir(dir).args(args).assert()
}

#[test]
fn settings_compete_and_every_table_and_figure_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let all = [
        "cv",
        "--model=linear",
        "--grid=models.linear.components=2,10",
        "--variant=stiff:models.linear.ridge=100.0",
        "--nested",
        "--curve=0.5,1",
        "--outdir=cv",
        "--json",
    ];
    let out = grn(dir.path(), &all).success().get_output().stdout.clone();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let names: Vec<&str> = json["models"].as_array().unwrap().iter().map(|m| m["model"].as_str().unwrap()).collect();
    let expected = ["mean", "linear", "linear[components=2]", "linear[components=10]", "linear[stiff]", "nested"];
    assert_eq!(names, expected);
    assert_eq!(json["nested"]["folds"].as_array().unwrap().len(), 5);
    // Ten components are the default: the same predictions, a paired difference of exactly 0.
    let same = |r: &&serde_json::Value| r["model"] == "linear[components=10]" && r["reference"] == "linear";
    let pairs = json["paired"].as_array().unwrap();
    assert!(pairs.iter().filter(same).all(|r| r["difference"] == 0.0 && r["se"] == 0.0));

    let read = |name: &str| std::fs::read_to_string(dir.path().join("cv").join(name)).unwrap();
    let rows = read("per_perturbation.tsv");
    let head: Vec<&str> = rows.lines().next().unwrap().split('\t').collect();
    for column in ["l2_ratio_minus_mean", "centred_r_minus_linear", "n_cells", "effect", "degree", "hops", "distance"] {
        assert!(head.contains(&column), "{column}");
    }
    assert_eq!(rows.lines().count(), 1 + 6 * 40);
    assert!(read("strata.tsv").lines().any(|l| l.starts_with("linear\teffect\thigh")));
    // The whole training part is the cross-validation itself.
    let curve = read("curve.tsv");
    let full = curve.lines().find(|l| l.starts_with("linear\t32.0\tl2_ratio")).unwrap();
    let cv = read("cv.tsv");
    let row = cv.lines().find(|l| l.starts_with("linear\tl2_ratio")).unwrap();
    assert_eq!(full.split('\t').nth(3), row.split('\t').nth(2));

    for (what, extra, texts) in [
        ("learning", "--metric=l2_ratio", ["Training perturbations", "linear[stiff]"]),
        ("strata", "--metric=l2_ratio", ["Size of the measured change", "n = "]),
        ("improvement", "--by=effect", ["rank correlation", "linear[stiff]"]),
        ("improvement", "--model=linear", ["better", "sorted"]),
    ] {
        grn(dir.path(), &["plot", what, extra, "-o", "f.svg"]).success();
        let svg = std::fs::read_to_string(dir.path().join("f.svg")).unwrap();
        texts.iter().for_each(|t| assert!(svg.contains(t), "{what}: {t}"));
    }
    grn(dir.path(), &["plot", "strata", "--model=nobody", "-o", "f.svg"]).code(2);
}

#[test]
fn wrong_plans_are_refused_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let t = |args: &[&str], expected: &str| {
        let args: Vec<&str> = ["cv", "missing.h5ad"].iter().chain(args).copied().collect();
        let refused = grn(dir.path(), &args).code(2);
        let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
        assert!(text.contains(expected), "{args:?}: {text}");
    };
    t(&["--curve=2.5"], "--curve");
    t(&["--variant=x"], "models.MODEL.KEY=VALUE");
    t(&["--variant=x:models.linear.nonsense=1"], "nonsense");
    t(&["--grid=seed=1,2"], "models.MODEL.KEY");
    t(&["--compare=gears", "--model=linear"], "mean, linear");
    t(&["--nested", "--criterion=luck"], "centred_r");
}
