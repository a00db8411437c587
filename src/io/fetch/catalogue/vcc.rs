//! The screen of the Virtual Cell Challenge 2025: H1 embryonic stem cells, CRISPRi.

use super::{DataFile, DataSet, Terms};
use crate::io::fetch::SumKind::Sha256;

const TERMS: Terms = Terms {
    licence: "no licence file lies beside the data; Arc Institute calls its atlas open data: read the terms before you \
              use or share it",
    read_at: "https://arcinstitute.org/tools/virtualcellatlas",
    cite: &["Roohani et al., Virtual Cell Challenge: Toward a Turing test for the virtual cell, Cell 188(13), 2025"],
};

const GENES: DataFile = DataFile {
    name: "gene_names.csv",
    url: "https://storage.googleapis.com/arc-institute-virtual-cell-atlas/virtual-cell-challenge/2025/gene_names.csv",
    bytes: Some(116_023),
    sum: Some((Sha256, "e29ff3512b4c2440759bfb2a34577049b2f49df786b3e19c2a91b565de47b38e")),
};

/// 150 knockdowns with their cells.
pub(super) const TRAIN: DataSet = DataSet {
    name: "vcc-2025-train",
    what: "Virtual Cell Challenge 2025, training: H1, CRISPRi, 221,273 cells x 18,080 genes, 150 knockdowns, counts",
    files: &[
        DataFile {
            name: "adata_Training.h5ad",
            url: "https://storage.googleapis.com/arc-institute-virtual-cell-atlas/virtual-cell-challenge/2025/train/adata_Training.h5ad",
            bytes: Some(15_482_497_461),
            sum: Some((Sha256, "a09977104fefb622368ca74b50c9d3c1e891733e6c83db07acfca49b0219c02b")),
        },
        DataFile {
            name: "pert_counts_Training.csv",
            url: "https://storage.googleapis.com/arc-institute-virtual-cell-atlas/virtual-cell-challenge/2025/train/pert_counts_Training.csv",
            bytes: Some(2_824),
            sum: Some((Sha256, "633d202be221418bdbac16efd8cb169666de0ef6469a4e9bfdfb64666ea81a89")),
        },
        GENES,
    ],
    terms: &TERMS,
    next: &[
        "grn data check DIR/adata_Training.h5ad",
        "grn data pseudobulk DIR/adata_Training.h5ad -o DIR/vcc_train_table.h5ad",
        "grn fit DIR/vcc_train_table.h5ad --prior DIR/9606.protein.links.v12.0.txt.gz",
    ],
};

/// 50 knockdowns of the leaderboard.
pub(super) const VALIDATION: DataSet = DataSet {
    name: "vcc-2025-validation",
    what: "Virtual Cell Challenge 2025, validation: the cells of 50 more knockdowns",
    files: &[DataFile {
        name: "adata_Validation.h5ad",
        url: "https://storage.googleapis.com/arc-institute-virtual-cell-atlas/virtual-cell-challenge/2025/validation/adata_Validation.h5ad",
        bytes: Some(6_928_967_541),
        sum: None,
    }],
    terms: &TERMS,
    next: &["grn score --pred prediction.h5ad --real DIR/adata_Validation.h5ad --profile vcc2025 --outdir scores"],
};

/// 100 knockdowns of the final ranking.
pub(super) const TEST: DataSet = DataSet {
    name: "vcc-2025-test",
    what: "Virtual Cell Challenge 2025, test: the cells of the last 100 knockdowns",
    files: &[DataFile {
        name: "adata_Test.h5ad",
        url: "https://storage.googleapis.com/arc-institute-virtual-cell-atlas/virtual-cell-challenge/2025/test/adata_Test.h5ad",
        bytes: Some(11_950_739_168),
        sum: None,
    }],
    terms: &TERMS,
    next: &["grn score --pred prediction.h5ad --real DIR/adata_Test.h5ad --profile vcc2025 --outdir scores"],
};
