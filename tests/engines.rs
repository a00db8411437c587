//! Trajectories of cells: what is known of small systems, and what must not depend on how cells are run.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use grn::data::{GeneId, GeneIndex};
use grn::simulate::{
    Bursting, Cell, Cle, Dynamics, Engine, Forcing, HillLink, HillNetwork, HillSum, Law, Ode, Phase, Protein, Ssa,
    Thermo, Wiring, solve,
};
use grn::stats::Rng;

/// One gene made at a constant rate: 100 molecules at 80 per unit of level.
fn lone() -> HillSum {
    HillSum::new(&network("", "0,1\n"), 0.8).unwrap().0
}

fn network(targets: &str, masters: &str) -> HillNetwork {
    HillNetwork::parse_sergio((targets, "targets"), (masters, "masters")).unwrap()
}

/// A chain and a cycle: G0 activates G1, which represses G2; G1 and G3 activate each other.
fn cyclic() -> HillSum {
    HillSum::new(&network("1,2,0,3,3,2,2,2\n2,1,1,-3,2\n3,1,1,2,1\n", "0,0.8\n"), 0.8).unwrap().0
}

/// 100 genes of which 10 have no regulators, 258 links, as many cell types as asked for.
fn hundred(types: usize) -> HillNetwork {
    let mut rng = Rng::named(1, "hundred");
    let mut links = Vec::new();
    for target in 10..100u32 {
        let mut sources: Vec<u32> = (0..14).filter(|&j| j != target).collect();
        rng.shuffle(&mut sources);
        for &source in &sources[..if target < 22 { 2 } else { 3 }] {
            let strength = (1.0 + 4.0 * rng.uniform()) * if rng.uniform() < 0.6 { 1.0 } else { -1.0 };
            links.push(HillLink { source: GeneId(source), target: GeneId(target), strength, hill: 2.0 });
        }
    }
    assert_eq!(links.len(), 258);
    let genes = Arc::new(GeneIndex::new((0..100).map(|g| format!("G{g}"))).unwrap());
    let mut rates = |gene| (GeneId(gene), (0..types).map(|_| 0.2 + 0.8 * rng.uniform()).collect());
    HillNetwork { genes, links, masters: (0..10).map(&mut rates).collect() }
}

fn cells(n: u64, forced: &[(u32, Forcing)], hours: f64) -> Vec<Cell> {
    (0..n).map(|number| Cell::steady(number, None, forced.to_vec(), hours)).collect()
}

/// Molecules of one gene in every cell.
fn molecules(engine: &dyn Engine, dynamics: &Dynamics<'_>, cells: &[Cell], gene: usize) -> Vec<f64> {
    let scale = dynamics.molecules * dynamics.law.baseline()[gene];
    engine.run(cells).unwrap().iter().map(|y| scale * y[gene].exp()).collect()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let m = mean(x);
    x.iter().map(|v| (v - m).powi(2)).sum::<f64>() / (x.len() as f64 - 1.0)
}

#[test]
fn birth_and_death_are_poisson_in_every_engine() {
    let law = lone();
    let dynamics = Dynamics::new(&law, 80.0);
    let cells = cells(10_000, &[], dynamics.burn_in());
    let t = |engine: &dyn Engine, fano: f64| {
        let x = molecules(engine, &dynamics, &cells, 0);
        let (m, f) = (mean(&x), variance(&x) / mean(&x));
        // A Poisson distribution of mean rate / decay = 1 x 80 / 0.8.
        assert!((m / 100.0 - 1.0).abs() < 0.01, "{}: mean {m}", engine.name());
        assert!((f - fano).abs() < 0.05, "{}: Fano {f}", engine.name());
    };
    t(&Ssa::new(dynamics.clone(), 1).unwrap(), 1.0);
    t(&Cle::new(dynamics.clone(), 0.01, 1).unwrap(), 1.0);
    t(&Ode::new(dynamics.clone()).unwrap(), 0.0);
}

#[test]
fn bursts_have_the_fano_factor_of_the_telegraph_model() {
    let law = lone();
    let t = |k_off: f64, share_on: f64| {
        let mut dynamics = Dynamics::new(&law, 80.0);
        dynamics.bursting = Some(Bursting { k_off, share_on });
        let cells = cells(20_000, &[], dynamics.burn_in());
        // Peccoud and Ycart 1995: 1 + s k_off / ((k_on + k_off)(k_on + k_off + d)).
        let (s, k_on) = (80.0 / share_on, k_off * share_on / (1.0 - share_on));
        let expected = 1.0 + s * k_off / ((k_on + k_off) * (k_on + k_off + 0.8));
        let engines: [Box<dyn Engine>; 2] =
            [Box::new(Ssa::new(dynamics.clone(), 1).unwrap()), Box::new(Cle::new(dynamics.clone(), 0.01, 1).unwrap())];
        for engine in engines {
            let x = molecules(&*engine, &dynamics, &cells, 0);
            let fano = variance(&x) / mean(&x);
            assert!((mean(&x) / 100.0 - 1.0).abs() < 0.02, "{}: mean {}", engine.name(), mean(&x));
            assert!((fano / expected - 1.0).abs() < 0.05, "{}: Fano {fano}, expected {expected}", engine.name());
        }
    };
    t(1.0, 0.5);
    t(4.0, 0.25);
}

#[test]
fn every_cell_counts_as_one() {
    // SERGIO's cells of a type come from one trajectory: 300 of them vary about their mean as 11 independent ones would.
    const GROUPS: usize = 200;
    const CELLS: usize = 60;
    let (law, _) = HillSum::new(&hundred(1), 0.8).unwrap();
    let dynamics = Dynamics::new(&law, 100.0);
    let engine = Cle::new(dynamics.clone(), 0.1, 3).unwrap();
    let levels = engine.run(&cells((GROUPS * CELLS) as u64, &[], dynamics.burn_in())).unwrap();
    let effective = (0..100).map(|gene| {
        let x: Vec<f64> = levels.iter().map(|y| y[gene].exp()).collect();
        let means: Vec<f64> = x.chunks(CELLS).map(mean).collect();
        variance(&x) / (CELLS as f64 * variance(&means))
    });
    let effective = mean(&effective.collect::<Vec<_>>());
    assert!(effective > 0.95 && effective < 1.06, "{effective} of the cells");
}

#[test]
fn a_knockdown_run_alone_is_the_one_run_with_others() {
    let law = cyclic();
    let mut dynamics = Dynamics::new(&law, 1e4);
    dynamics.noise = 1.0;
    let down = [(0, Forcing::Shift(0.15f64.ln()))];
    let steady = solve(&law, &down, None, "G0").unwrap().log_ratio;
    let perturbed: Vec<Cell> =
        (0..300).map(|n| Cell::steady(n, Some(steady.clone()), down.to_vec(), dynamics.burn_in())).collect();
    let mut joint = cells(500, &[], dynamics.burn_in());
    joint.extend(perturbed.clone());
    let engine = Cle::new(dynamics.clone(), 0.02, 1).unwrap();
    let (alone, joint) = (engine.run(&perturbed).unwrap(), engine.run(&joint).unwrap());
    assert_eq!(alone, joint[500..]);
    for gene in 0..4 {
        let got = mean(&alone.iter().map(|y| y[gene].exp()).collect::<Vec<_>>());
        assert!((got / steady[gene].exp() - 1.0).abs() < 0.01, "gene {gene}: {got}, steady {}", steady[gene].exp());
    }
    // The target of a lone activator, by hand: 2 u / (1 + u) at u = 0.15^2; SERGIO leaves it at 1.
    let (law, _) = HillSum::new(&network("1,1,0,3,2\n", "0,0.5\n"), 0.8).unwrap();
    let dynamics = Dynamics::new(&law, 1e5);
    let engine = Cle::new(dynamics.clone(), 0.02, 1).unwrap();
    let y = engine.run(&cells(300, &down, 3.0 * dynamics.burn_in())).unwrap();
    let got = mean(&y.iter().map(|y| y[1].exp()).collect::<Vec<_>>());
    assert!((got / (2.0 * 0.0225 / 1.0225) - 1.0).abs() < 0.01, "{got}");
}

#[test]
fn long_trajectories_end_in_the_steady_state() {
    let wiring = Wiring::parse("h\nA\tB\t+\t1\nB\tC\t-\t1\nC\tA\t+\t1\nC\tD\t+\t1\nA\tD\t-\t1\n", "test").unwrap();
    let thermo = Thermo::new(&wiring, &[3.0, 0.4, 2.0, 4.0, 0.3], 2.0, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let thermo = thermo.with_decay(vec![0.05, 0.2, 0.1, 0.4]).unwrap();
    let hill = cyclic();
    let laws: [&dyn Law; 2] = [&thermo, &hill];
    for law in laws {
        for forced in [(0, Forcing::Shift(0.15f64.ln())), (1, Forcing::Clamp(1.0)), (1, Forcing::Shift(0.7))] {
            let steady = solve(law, &[forced], None, "test").unwrap().log_ratio;
            let mut with_protein = Dynamics::new(law, 1.0);
            with_protein.protein = Some(Protein { decay: vec![0.03, 0.05, 0.1, 0.2], copies: 10.0 });
            for dynamics in [Dynamics::new(law, 1.0), with_protein] {
                let ode = Ode::new(dynamics.clone()).unwrap();
                let end = ode.trajectory(&[forced], None, &[20.0 * dynamics.burn_in()]).unwrap();
                for (y, expected) in end[0].iter().zip(&steady) {
                    assert!((y - expected).abs() < 1e-7, "{}: {y}, steady {expected}", law.name());
                }
            }
        }
    }
}

#[test]
fn a_lone_gene_decays_as_an_exponential() {
    let law = lone();
    let ode = Ode::new(Dynamics::new(&law, 1.0)).unwrap();
    let hours = [0.0, 0.5, 0.5, 3.0];
    let gone = ode.trajectory(&[(0, Forcing::Absent)], None, &hours).unwrap();
    let down = ode.trajectory(&[(0, Forcing::Shift(0.15f64.ln()))], None, &hours).unwrap();
    for ((hour, gone), down) in hours.iter().zip(gone).zip(down) {
        assert!((gone[0] + 0.8 * hour).abs() < 1e-6);
        assert!((down[0].exp() - (0.15 + 0.85 * (-0.8 * hour).exp())).abs() < 1e-6);
    }
    let per_cell = ode.run(&cells(3, &[(0, Forcing::Absent)], 0.5)).unwrap();
    assert!(per_cell.iter().all(|y| (y[0] + 0.4).abs() < 1e-6));
}

#[test]
fn proteins_delay_the_response_and_leave_the_steady_state() {
    let law = cyclic();
    let plain = Dynamics::new(&law, 1.0);
    let mut delayed = plain.clone();
    delayed.protein = Some(Protein::draw(4, 100.0, 0.0, 0));
    // ln 2 / 46 h for every protein.
    assert!(delayed.protein.as_ref().unwrap().decay.iter().all(|d| (d * 46.0 - 2f64.ln()).abs() < 1e-12));
    let down = [(0, Forcing::Shift(0.15f64.ln()))];
    let after = |dynamics: &Dynamics<'_>, hours| {
        Ode::new(dynamics.clone()).unwrap().trajectory(&down, None, &[hours]).unwrap().remove(0)
    };
    let (soon, late, undisturbed) = (after(&delayed, 6.0), after(&delayed, 4000.0), after(&plain, 200.0));
    assert!(soon[1] > 0.5 * after(&plain, 6.0)[1] && soon[1] < 0.0, "{} {}", soon[1], after(&plain, 6.0)[1]);
    late.iter().zip(undisturbed).for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{a} {b}"));
}

#[test]
fn exact_and_langevin_cells_agree_with_all_layers() {
    let law = cyclic();
    let mut dynamics = Dynamics::new(&law, 60.0);
    dynamics.protein = Some(Protein { decay: vec![0.4; 4], copies: 5.0 });
    dynamics.bursting = Some(Bursting { k_off: 3.0, share_on: 0.4 });
    let cells = cells(3000, &[(2, Forcing::Shift(0.5f64.ln()))], dynamics.burn_in());
    let exact = Ssa::new(dynamics.clone(), 1).unwrap().run(&cells).unwrap();
    let langevin = Cle::new(dynamics.clone(), 0.01, 1).unwrap().run(&cells).unwrap();
    for gene in 0..4 {
        let of = |cells: &[Vec<f64>]| cells.iter().map(|y| y[gene].exp()).collect::<Vec<f64>>();
        let (exact, langevin) = (of(&exact), of(&langevin));
        let error = 5.0 * (2.0 * variance(&exact) / 3000.0).sqrt();
        assert!((mean(&exact) - mean(&langevin)).abs() < error, "gene {gene}: {} {}", mean(&exact), mean(&langevin));
        let ratio = variance(&langevin) / variance(&exact);
        assert!((ratio - 1.0).abs() < 0.12, "gene {gene}: ratio of variances {ratio}");
    }
}

#[test]
fn threads_and_blocks_change_no_bit() {
    let law = cyclic();
    let mut dynamics = Dynamics::new(&law, 20.0);
    dynamics.protein = Some(Protein { decay: vec![0.4; 4], copies: 5.0 });
    dynamics.bursting = Some(Bursting { k_off: 3.0, share_on: 0.4 });
    let mut cells = cells(150, &[], 4.0);
    cells[7].phases.push(Phase { hours: 1.3, forced: vec![(0, Forcing::Absent)] });
    cells[80].phases = vec![Phase { hours: 2.0, forced: vec![(1, Forcing::Clamp(-1.0))] }];
    let engines: [Box<dyn Engine>; 3] = [
        Box::new(Cle::new(dynamics.clone(), 0.02, 1).unwrap()),
        Box::new(Ssa::new(dynamics.clone(), 1).unwrap()),
        Box::new(Ode::new(dynamics.clone()).unwrap()),
    ];
    for engine in &engines {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| engine.run(&cells).unwrap())
        };
        let all = with(1);
        assert_eq!(all, with(3), "{}", engine.name());
        let parts: Vec<Vec<f64>> = cells.chunks(37).flat_map(|part| engine.run(part).unwrap()).collect();
        assert_eq!(all, parts, "{}", engine.name());
    }
}

#[test]
fn a_perturbed_cell_shares_the_noise_of_its_control() {
    let law = cyclic();
    let dynamics = Dynamics::new(&law, 50.0);
    let down = [(2, Forcing::Shift(0.15f64.ln()))];
    let engines: [Box<dyn Engine>; 2] =
        [Box::new(Cle::new(dynamics.clone(), 0.02, 1).unwrap()), Box::new(Ssa::new(dynamics.clone(), 1).unwrap())];
    for engine in engines {
        let control = engine.run(&cells(200, &[], 5.0)).unwrap();
        let perturbed = engine.run(&cells(200, &down, 5.0)).unwrap();
        // Nothing is downstream of G2.
        for (a, b) in control.iter().zip(&perturbed) {
            for gene in [0, 1, 3] {
                assert!((a[gene] - b[gene]).abs() < 1e-9, "{}", engine.name());
            }
        }
        // A weak knockdown upstream leaves cells where their noise puts them.
        let weak = engine.run(&cells(200, &[(0, Forcing::Shift(-0.02))], 5.0)).unwrap();
        let of = |cells: &[Vec<f64>]| cells.iter().map(|y| y[1].exp()).collect::<Vec<f64>>();
        let (a, b) = (of(&control), of(&weak));
        let difference: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        assert!(variance(&difference) < 0.3 * (variance(&a) + variance(&b)), "{}", engine.name());
    }
}

#[test]
fn phases_follow_each_other() {
    let law = lone();
    let dynamics = Dynamics::new(&law, 1e8);
    let phase = |hours, forced: &[(u32, Forcing)]| Phase { hours, forced: forced.to_vec() };
    let cell = Cell {
        number: 0,
        start: Some(vec![1.0]),
        phases: vec![phase(20.0, &[]), phase(1.0, &[(0, Forcing::Absent)]), phase(0.0, &[(0, Forcing::Clamp(3.0))])],
    };
    let t = |engine: &dyn Engine, error: f64| {
        let y = engine.run(std::slice::from_ref(&cell)).unwrap()[0][0];
        assert!((y + 0.8).abs() < error, "{}: {y}", engine.name());
    };
    t(&Ode::new(dynamics.clone()).unwrap(), 1e-6);
    // Euler's method: 1000 steps of 1 - 0.0008 are exp(-0.80032).
    t(&Cle::new(dynamics.clone(), 0.001, 1).unwrap(), 1e-3);
    t(&Ssa::new(Dynamics::new(&law, 1e4), 1).unwrap(), 0.05);
    let held = engine_with(&law).run(&cells(70, &[(0, Forcing::Clamp(-2.0))], 1.0)).unwrap();
    assert!(held.iter().all(|y| (y[0] + 2.0).abs() < 1e-12));
    let gone = Ssa::new(Dynamics::new(&law, 10.0), 1).unwrap();
    let gone = gone.run(&cells(5, &[(0, Forcing::Absent)], 1000.0)).unwrap();
    assert!(gone.iter().all(|y| y[0] == f64::NEG_INFINITY));
}

fn engine_with(law: &HillSum) -> Cle<'_> {
    Cle::new(Dynamics::new(law, 100.0), 0.01, 1).unwrap()
}

#[test]
fn what_does_not_fit_is_refused() {
    let (large, _) = HillSum::new(&hundred(1), 0.8).unwrap();
    let message = Ssa::new(Dynamics::new(&large, 1.0), 0).unwrap_err().to_string();
    assert!(message.contains("at most 50 genes") && message.contains("got 100"), "{message}");
    let law = lone();
    assert!(Cle::new(Dynamics::new(&law, 1.0), 0.2, 0).is_err());
    assert!(Cle::new(Dynamics::new(&law, 1.0), f64::NAN, 0).is_err());
    assert!(Cle::new(Dynamics::new(&law, 0.0), 0.01, 0).is_err());
    let t = |change: &dyn Fn(&mut Dynamics<'_>)| {
        let mut dynamics = Dynamics::new(&law, 1.0);
        change(&mut dynamics);
        assert!(Ode::new(dynamics).is_err());
    };
    t(&|d| d.protein = Some(Protein { decay: vec![1.0; 2], copies: 1.0 }));
    t(&|d| d.protein = Some(Protein { decay: vec![0.0], copies: 1.0 }));
    t(&|d| d.bursting = Some(Bursting { k_off: 1.0, share_on: 0.99 }));
    t(&|d| d.noise = -1.0);
    let engine = engine_with(&law);
    let run = |cell: Cell| engine.run(&[cell]);
    assert!(run(Cell::steady(0, Some(vec![0.0; 2]), Vec::new(), 1.0)).is_err());
    assert!(run(Cell::steady(0, None, vec![(1, Forcing::Absent)], 1.0)).is_err());
    assert!(run(Cell::steady(0, None, Vec::new(), -1.0)).is_err());
    assert!(run(Cell::steady(0, None, Vec::new(), 1e12)).is_err());
    let ode = Ode::new(Dynamics::new(&law, 1.0)).unwrap();
    assert!(ode.trajectory(&[], None, &[2.0, 1.0]).is_err());
}

#[test]
fn sergios_own_networks_are_read_and_rest() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/peer_grn/sergio");
    if !folder.exists() {
        println!("skipped: ../shared/data/peer_grn/sergio is absent");
        return;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for (set, id, genes, types) in [("DS1", 4, 100, 9), ("DS2", 5, 400, 9), ("DS3", 6, 1200, 9)] {
        let (targets, masters) =
            (read(&format!("{set}_Interaction_cID_{id}.txt")), read(&format!("{set}_Regs_cID_{id}.txt")));
        let network = HillNetwork::parse_sergio((&targets, "targets"), (&masters, "masters")).unwrap();
        assert_eq!((network.genes.len(), network.n_types()), (genes, types), "{set}");
        let (law, cell_types) = HillSum::new(&network, 0.8).unwrap();
        let mut edges: Vec<String> = network
            .links
            .iter()
            .map(|l| format!("{},{}", &network.genes.name(l.source)[1..], &network.genes.name(l.target)[1..]))
            .collect();
        let truth = read(&format!("{set}_gt_GRN.csv"));
        let mut truth: Vec<String> = truth.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        edges.sort_unstable();
        truth.sort_unstable();
        assert_eq!(edges, truth, "{set}");
        let mut means = vec![0.0; genes];
        for cell_type in &cell_types {
            let steady = solve(&law, &cell_type.forced, None, &cell_type.name).unwrap();
            let levels = steady.log_ratio.iter().zip(law.baseline()).map(|(y, base)| base * y.exp());
            means.iter_mut().zip(levels).for_each(|(m, x)| *m += x / types as f64);
        }
        for (half, mean) in law.half().iter().zip(means) {
            assert!((mean / half - 1.0).abs() < 1e-8, "{set}");
        }
    }
}
