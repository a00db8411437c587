//! `grn bench` times every path and tells how it grows.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;

use serde_json::Value;

use self::screen::{grn, transcript};

fn bench(args: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let output = grn(dir.path(), &[&["bench", "--quick", "--json", "--no-progress"], args].concat());
    assert!(output.status.success(), "{}", transcript(dir.path(), &output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn axes(path: &Value) -> Vec<&str> {
    path["growth"].as_array().unwrap().iter().map(|g| g["axis"].as_str().unwrap()).collect()
}

#[test]
fn every_path_is_timed_at_every_size_it_grows_with() {
    let told = bench(&[]);
    let paths = told["paths"].as_array().unwrap();
    let names: Vec<&str> = paths.iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["read", "pseudobulk", "de", "coexpression", "graph", "fit", "fit-step", "rank", "score"],
        "{told:#}"
    );
    for path in paths {
        assert!(path["base"]["units"].as_u64().unwrap() > 0 && path["base"]["bytes"].as_u64().unwrap() > 0, "{path:#}");
        for growth in path["growth"].as_array().unwrap() {
            let sizes = growth["sizes"].as_array().unwrap();
            let factors: Vec<u64> = sizes.iter().map(|s| s["factor"].as_u64().unwrap()).collect();
            assert_eq!(factors, [1, 2, 4], "{path:#}");
            let axis = growth["axis"].as_str().unwrap();
            let side = |k: usize| sizes[k]["size"][axis].as_u64().unwrap();
            assert_eq!((side(1), side(2)), (2 * side(0), 4 * side(0)), "{path:#}");
            for size in sizes {
                let seconds = &size["seconds"];
                let [least, median, most] = ["least", "median", "most"].map(|k| seconds[k].as_f64().unwrap());
                assert!(least <= median && median <= most, "{path:#}");
            }
        }
    }
    let of = |name: &str| paths.iter().find(|p| p["name"] == name).unwrap();
    assert_eq!(axes(of("graph")), ["genes"]);
    assert_eq!(axes(of("de")), ["cells", "genes", "perturbations"]);
    let read = of("read")["base"]["units"].as_u64().unwrap();
    assert_eq!(of("pseudobulk")["base"]["units"].as_u64(), Some(read), "both go through the stored values");
    assert!(of("pseudobulk")["base"]["floor"]["ratio"].as_f64().unwrap() > 0.0);
}

#[test]
fn one_path_is_enough_where_one_is_asked_for() {
    let told = bench(&["--only", "graph,read"]);
    let names: Vec<&str> = told["paths"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["read", "graph"]);
    let dir = tempfile::tempdir().unwrap();
    let table = grn(dir.path(), &["bench", "--quick", "--only", "graph"]);
    let said = transcript(dir.path(), &table);
    assert!(table.status.success() && said.contains("| `graph` |"), "{said}");
    let wrong = grn(dir.path(), &["bench", "--only", "graph,sleep"]);
    let said = transcript(dir.path(), &wrong);
    assert!(wrong.status.code() == Some(2) && said.contains("`sleep`") && said.contains("fit-step"), "{said}");
}
