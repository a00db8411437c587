//! What a simulated screen promises.

use std::collections::HashSet;
use std::sync::OnceLock;

use grn::simulate::{self, Simulated};

fn demo() -> &'static Simulated {
    static DEMO: OnceLock<Simulated> = OnceLock::new();
    DEMO.get_or_init(|| simulate::demo(1).unwrap())
}

#[test]
fn the_demo_has_the_promised_size_and_layout() {
    let s = demo();
    assert_eq!((s.screen.expression.n_cells(), s.screen.genes().len()), (5000, 2000));
    let labels: HashSet<&str> = s.columns.target_gene.iter().map(String::as_str).collect();
    assert_eq!(labels.len(), 41);
    assert_eq!(s.columns.target_gene.iter().filter(|l| *l == "non-targeting").count(), 1000);
    assert_eq!(s.screen.cells.conditions.iter().filter(|c| c.perturbation.is_control()).count(), 1);
    assert_eq!(s.truth.responses.len(), 40);
    assert!(s.screen.expression.x.data().iter().all(|x| *x >= 1.0 && x.fract() == 0.0));
}

#[test]
fn kdm1a_is_never_perturbed_and_its_truth_is_known() {
    assert!(demo().columns.target_gene.iter().all(|l| l != "KDM1A"));
    let truth = simulate::demo_truth_for(1, "KDM1A").unwrap();
    let target = demo().screen.genes().id("KDM1A").unwrap().index();
    // 95 % of the cells keep about 15 %: log2(0.05 + 0.95 x 0.15) = -2.4.
    assert!((-2.9..=-2.0).contains(&truth.log2_fold_change[target]), "{}", truth.log2_fold_change[target]);
    assert!(truth.responding() >= 20);
    assert!(simulate::demo_truth_for(1, "KDM1a").is_err());
}

#[test]
fn knockdowns_have_tens_to_hundreds_of_responding_genes() {
    for seed in [1, 2] {
        let s = if seed == 1 { demo().clone() } else { simulate::demo(seed).unwrap() };
        let mut n: Vec<usize> = s.truth.responses.iter().map(simulate::Response::responding).collect();
        n.sort_unstable();
        assert!((30..=400).contains(&n[20]), "median {}", n[20]);
        assert!(s.truth.residual <= 1e-10);
        assert!(s.truth.growth < 0.95);
    }
}
