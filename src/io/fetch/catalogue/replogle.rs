//! The screens of Replogle et al. 2022, as deposited. `bulk` files hold one row per perturbation.

use super::{DataFile, DataSet, Terms};
use crate::io::fetch::SumKind::Md5;

const TERMS: Terms = Terms {
    licence: "CC BY 4.0: free for any use, also commercial; name the source and say what was changed",
    read_at: "https://doi.org/10.25452/figshare.plus.20029387",
    cite: &["Replogle et al., Mapping information-rich genotype-phenotype landscapes with genome-scale Perturb-seq, \
         Cell 185:2559, 2022"],
};

/// Cells of the essential-gene screen in K562.
pub(super) const K562_ESSENTIAL: DataSet = DataSet {
    name: "replogle-k562-essential",
    what: "Replogle 2022, K562, CRISPRi of essential genes, cells, counts",
    files: &[DataFile {
        name: "K562_essential_raw_singlecell_01.h5ad",
        url: "https://ndownloader.figshare.com/files/35773219",
        bytes: Some(10_661_879_995),
        sum: Some((Md5, "4f1122ce1c7f13299a68df6459a266d3")),
    }],
    terms: &TERMS,
    next: &[
        "grn data check DIR/K562_essential_raw_singlecell_01.h5ad",
        "grn data pseudobulk DIR/K562_essential_raw_singlecell_01.h5ad -o DIR/k562_essential_table.h5ad",
    ],
};

/// Cells of the genome-wide screen in K562.
pub(super) const K562_GWPS: DataSet = DataSet {
    name: "replogle-k562-gwps",
    what: "Replogle 2022, K562, CRISPRi genome-wide, cells, counts",
    files: &[DataFile {
        name: "K562_gwps_raw_singlecell_01.h5ad",
        url: "https://ndownloader.figshare.com/files/35775507",
        bytes: Some(65_830_941_948),
        sum: Some((Md5, "887e3e6a8c8df6eadf7a3030a53c9546")),
    }],
    terms: &TERMS,
    next: &[
        "grn data check DIR/K562_gwps_raw_singlecell_01.h5ad",
        "grn data pseudobulk DIR/K562_gwps_raw_singlecell_01.h5ad -o DIR/k562_gwps_table.h5ad",
    ],
};

/// Cells of the essential-gene screen in RPE1.
pub(super) const RPE1: DataSet = DataSet {
    name: "replogle-rpe1",
    what: "Replogle 2022, RPE1, CRISPRi of essential genes, cells, counts",
    files: &[DataFile {
        name: "rpe1_raw_singlecell_01.h5ad",
        url: "https://ndownloader.figshare.com/files/35775606",
        bytes: Some(8_700_873_216),
        sum: Some((Md5, "6a2a9d0d2bf4ec147f4d1104043b268c")),
    }],
    terms: &TERMS,
    next: &[
        "grn data check DIR/rpe1_raw_singlecell_01.h5ad",
        "grn data pseudobulk DIR/rpe1_raw_singlecell_01.h5ad -o DIR/rpe1_table.h5ad",
    ],
};

/// One row per perturbation of the essential-gene screen in K562.
pub(super) const K562_ESSENTIAL_BULK: DataSet = DataSet {
    name: "replogle-k562-essential-bulk",
    what: "Replogle 2022, K562, essential genes, one row per perturbation: normalised changes, and mean counts",
    files: &[
        DataFile {
            name: "K562_essential_normalized_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35780870",
            bytes: Some(79_766_954),
            sum: Some((Md5, "30496767641cd2e660ee6ecb5baee132")),
        },
        DataFile {
            name: "K562_essential_raw_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35773070",
            bytes: Some(79_766_954),
            sum: Some((Md5, "8321d5d3ffc99db2a5c71edca4189735")),
        },
    ],
    terms: &TERMS,
    next: &["grn data check DIR/K562_essential_normalized_bulk_01.h5ad"],
};

/// One row per perturbation of the genome-wide screen in K562.
pub(super) const K562_GWPS_BULK: DataSet = DataSet {
    name: "replogle-k562-gwps-bulk",
    what: "Replogle 2022, K562, genome-wide, one row per perturbation: normalised changes, and mean counts",
    files: &[
        DataFile {
            name: "K562_gwps_normalized_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35773217",
            bytes: Some(374_587_922),
            sum: Some((Md5, "a3dfaa94ea8724217f5ecb1e14a5f0c8")),
        },
        DataFile {
            name: "K562_gwps_raw_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35774443",
            bytes: Some(374_587_922),
            sum: Some((Md5, "4570b53c9d62ff6df281e622f0350060")),
        },
    ],
    terms: &TERMS,
    next: &["grn data check DIR/K562_gwps_normalized_bulk_01.h5ad"],
};

/// One row per perturbation of the essential-gene screen in RPE1.
pub(super) const RPE1_BULK: DataSet = DataSet {
    name: "replogle-rpe1-bulk",
    what: "Replogle 2022, RPE1, essential genes, one row per perturbation: normalised changes, and mean counts",
    files: &[
        DataFile {
            name: "rpe1_normalized_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35775512",
            bytes: Some(95_350_546),
            sum: Some((Md5, "6f1e7d6a09e2f869759e3c4526b7f171")),
        },
        DataFile {
            name: "rpe1_raw_bulk_01.h5ad",
            url: "https://ndownloader.figshare.com/files/35775581",
            bytes: Some(95_350_546),
            sum: Some((Md5, "74765fa87635467a869ea972356ae0e7")),
        },
    ],
    terms: &TERMS,
    next: &["grn data check DIR/rpe1_normalized_bulk_01.h5ad"],
};
