//! `grn simulate` with every law and engine, and on a fitted run.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use assert_cmd::Command;
use grn::io::{ScreenOptions, open_screen, read_screen};
use serde_json::Value;

fn grn(dir: &Path, args: &str) -> assert_cmd::assert::Assert {
    Command::cargo_bin("grn").unwrap().current_dir(dir).args(args.split(' ')).assert()
}

fn json(dir: &Path, args: &str) -> Value {
    serde_json::from_slice(&grn(dir, args).success().get_output().stdout).unwrap()
}

const SMALL: &str = "--genes 400 --perturbations 3 --cells-per-perturbation 8 --controls 10";

#[test]
fn tables_of_other_simulators_are_simulated() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    // A and B make C, C represses D; two cell types.
    write("targets.csv", "2.0,2.0,0.0,1.0,3.0,2.0,2.0,2.0\n3.0,1.0,2.0,-4.0,2.0\n");
    write("masters.csv", "0.0,0.5,1.0\n1.0,0.9,0.3\n");
    let size = "--controls 20 --cells-per-perturbation 10 --depth 200";
    let s = json(
        dir.path(),
        &format!("simulate --network targets.csv --master-rates masters.csv --engine cle {size} -o a.h5ad --json"),
    );
    assert_eq!((&s["law"], &s["engine"], &s["edges"]), (&"hill-sum".into(), &"cle".into(), &3.into()));
    assert_eq!(s["cell_types"], serde_json::json!(["type1", "type2"]));
    assert_eq!(open_screen(&dir.path().join("a.h5ad"), &ScreenOptions::default()).unwrap().genes.len(), 4);

    write("edges.tsv", "source\ttarget\tbeta\n0\t1\t2.5\n1\t2\t-3.0\n2\t0\t1.5\n");
    write("nodes.tsv", "# alpha\tlambda\n-1.0\t0.9\n-2.0\t0.8\n0.5\t0.9\n");
    let s = json(dir.path(), &format!("simulate --network edges.tsv --nodes nodes.tsv {size} -o b.h5ad --json"));
    assert_eq!((&s["law"], &s["topology"]["strongly_connected"]), (&"logistic".into(), &3.into()));
    assert!(s["leading_eigenvalue_per_hour"].as_f64().unwrap() < 0.0);

    write("rules.tsv", "Gene\tRule\nA\tA\nB\tA and not C\nC\tnot A\n");
    let s = json(dir.path(), &format!("simulate --rules rules.tsv --engine ssa {size} -o c.h5ad --json"));
    assert_eq!((&s["law"], &s["genes"]), (&"boolean".into(), &3.into()));
    let edges = std::fs::read_to_string(dir.path().join("c.truth/edges.tsv")).unwrap();
    assert!(edges.lines().any(|l| l.starts_with("A\tB\t+")), "{edges}");
}

#[test]
fn every_law_is_drawn_on_a_network_and_engines_do_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    for law in ["thermo", "hill-sum", "logistic"] {
        // SERGIO's law needs genes without regulators; the embedded network has cycles instead.
        let s = json(dir.path(), &format!("simulate --law {law} {SMALL} -o {law}.h5ad --json"));
        assert_eq!(s["law"], law);
        assert!(s["residual"].as_f64().unwrap() <= 1e-10);
    }
    for engine in
        ["cle --step 0.1 --burn-in 2", "time --hours 4,40", "cle --hours 2 --protein 50 --step 0.1 --burn-in 1"]
    {
        let counts = |threads: usize| {
            grn(dir.path(), &format!("simulate --engine {engine} {SMALL} --threads {threads} --overwrite -o e.h5ad"))
                .success();
            read_screen(&dir.path().join("e.h5ad"), &ScreenOptions::default()).unwrap().0.expression.x
        };
        assert_eq!(counts(1), counts(3), "{engine}");
    }
    let steady = format!("simulate --engine steady {SMALL} -o steady.h5ad");
    grn(dir.path(), &steady).success();
}

#[test]
fn a_time_course_has_its_hours_and_grows_towards_the_steady_state() {
    let dir = tempfile::tempdir().unwrap();
    grn(dir.path(), &format!("simulate --hours 2,400 --target MYC {SMALL} -o t.h5ad")).success();
    let screen = open_screen(&dir.path().join("t.h5ad"), &ScreenOptions::default()).unwrap();
    let times = screen.column("time").unwrap();
    let count = |time: &str| times.iter().filter(|t| *t == time).count();
    assert_eq!((count("0"), count("2"), count("400")), (10, 24, 24));
    grn(dir.path(), &format!("simulate --target MYC {SMALL} -o s.h5ad")).success();
    let myc = screen.genes.id("MYC").unwrap().index();
    // Rows are perturbations by hour; MYC is the first perturbation.
    let own = |truth: &str, row: usize| {
        let file = hdf5::File::open(dir.path().join(truth).join("deltas.h5ad")).unwrap();
        file.dataset("X").unwrap().read_2d::<f32>().unwrap()[[row, myc]]
    };
    let (early, late, steady) = (own("t.truth", 0), own("t.truth", 1), own("s.truth", 0));
    assert!(late < early && early < 0.0, "{early} then {late}");
    assert!((late - steady).abs() < 1e-3 * steady.abs(), "{late}, steady {steady}");
}

#[test]
fn the_number_of_changed_genes_asked_for_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let size = "--genes 600 --perturbations 6 --cells-per-perturbation 100 --controls 400";
    let s = json(dir.path(), &format!("simulate {size} --deg-median 12 --deg-range 2,60 -o s.h5ad --json"));
    let quantiles: Vec<f64> =
        s["calibration"]["quantiles"].as_array().unwrap().iter().map(|q| q.as_f64().unwrap()).collect();
    assert!((quantiles[2] - 12.0).abs() <= 2.0 && quantiles[0] >= 2.0 && quantiles[4] <= 60.0, "{quantiles:?}");
    assert!(s["notices"].to_string().contains("differentially expressed genes"));
}

#[test]
fn a_run_is_propagated_by_every_rule() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    grn(at, "simulate --genes 400 --perturbations 8 --cells-per-perturbation 20 --controls 60 --target MYC -o s.h5ad")
        .success();
    let prior = Path::new(env!("CARGO_MANIFEST_DIR")).join("networks/hesc.string.protein.links.txt");
    grn(at, &format!("fit s.h5ad --prior {} --model linear --outdir run", prior.display())).success();
    let mut answers = Vec::new();
    for law in ["steady", "linear", "celloracle"] {
        let s = json(at, &format!("simulate --run run --pert MYC --law {law} --json"));
        let genes: Vec<&str> = s["genes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let myc = genes.iter().position(|g| *g == "MYC").unwrap();
        let delta: Vec<f64> =
            s["propagated"][0]["states"][0]["delta"].as_array().unwrap().iter().map(|d| d.as_f64().unwrap()).collect();
        assert!(delta[myc] < 0.0, "{law}: {}", delta[myc]);
        assert!(delta.iter().filter(|d| **d != 0.0).count() > 1, "{law}");
        answers.push(delta[myc]);
    }
    // The perturbed gene is held where it was put, whatever the rule.
    assert!(answers.iter().all(|d| (d - answers[0]).abs() < 1e-6), "{answers:?}");
    grn(at, "simulate --run run --pert MYC+SOX2 --law ode --hours 0,10,1000 -o course.tsv").success();
    let course = std::fs::read_to_string(at.join("course.tsv")).unwrap();
    assert_eq!(course.lines().next(), Some("perturbation\thours\tgene\tcontrol\tdelta"));
    assert_eq!(course.lines().count(), 1 + 3 * 400);
    grn(at, "simulate --run run --pert MYC -o state.h5ad").success();
    let said = |args: &str| String::from_utf8_lossy(&grn(at, args).code(2).get_output().stderr).into_owned();
    assert!(said("simulate --run run --pert NOBODY").contains("NOBODY"));
    assert!(said("simulate --law linear -o x.h5ad").contains("--run DIR --pert GENE"));
    assert!(said("simulate --law boolean -o x.h5ad").contains("--rules"));
    assert!(said("simulate").contains("--output"));
}
