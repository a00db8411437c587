//! Files of many writers and versions: each opens, or fails with a reason a user understands.
use std::path::{Path, PathBuf};

use grn::data::{PseudobulkOptions, Quantity, Scale};
use grn::io::{ScreenOptions, open_cells, open_screen, read_table};

/// The folder of shared files, or `None` (said) where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if !path.exists() {
        println!("skipped: ../shared/data/{name} is absent");
        return None;
    }
    Some(path)
}

#[test]
fn probe() {
    let Some(folder) = shared("h5ad_corpus") else { return };
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    names.extend(
        [
            "papalexi_thp1/papalexi2021_thp1_counts.h5ad",
            "norman_k562/norman2019_k562_lognorm.h5ad",
            "replogle_k562/signatures.h5ad",
        ]
        .map(|n| shared(n).unwrap()),
    );
    for path in names {
        println!("== {}", path.file_name().unwrap().to_string_lossy());
        match open_cells(&path, None) {
            Err(e) => println!("  {e}"),
            Ok(f) => {
                println!(
                    "  {} {} x {} {:?} {:?} {:?}",
                    f.format,
                    f.n_cells,
                    f.genes.len(),
                    f.matrix_name,
                    f.notices,
                    f.guess_scale().map_err(|e| e.to_string())
                );
            }
        }
        match read_table(
            &path,
            &ScreenOptions::default(),
            &PseudobulkOptions { halves: true, ..Default::default() },
            &mut |_, _| (),
        ) {
            Err(e) => println!("  TABLE {e}"),
            Ok(t) => println!(
                "  TABLE {:?} {:?} sum {}",
                t.source,
                t.notices,
                t.table.moments.mean.iter().map(|&x| f64::from(x)).sum::<f64>()
            ),
        }
    }
}
