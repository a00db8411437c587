//! The screens that GEARS is published with: log1p values of about 5,000 variable genes, as zip archives.

use super::{DataFile, DataSet, Terms};
use crate::io::fetch::SumKind::{Md5, Sha256};

const LICENCE: &str = "CC0 1.0: no restrictions; citing is good practice";
const READ_AT: &str = "https://doi.org/10.7910/DVN/Q2ZV3E";
const GEARS: &str = "Roohani, Huang and Leskovec, Predicting transcriptional outcomes of novel multigene perturbations with GEARS, \
                     Nature Biotechnology 42:927, 2024";

const NORMAN_TERMS: Terms = Terms {
    licence: LICENCE,
    read_at: READ_AT,
    cite: &[
        GEARS,
        "Norman et al., Exploring genetic interaction manifolds constructed from rich single-cell phenotypes, Science 365:786, 2019",
    ],
};
const ADAMSON_TERMS: Terms = Terms {
    licence: LICENCE,
    read_at: READ_AT,
    cite: &[
        GEARS,
        "Adamson et al., A multiplexed single-cell CRISPR screening platform enables systematic dissection of the unfolded \
         protein response, Cell 167:1867, 2016",
    ],
};
const DIXIT_TERMS: Terms = Terms {
    licence: LICENCE,
    read_at: READ_AT,
    cite: &[
        GEARS,
        "Dixit et al., Perturb-Seq: dissecting molecular circuits with scalable single-cell RNA profiling of pooled genetic \
         screens, Cell 167:1853, 2016",
    ],
};
const REPLOGLE_TERMS: Terms = Terms {
    licence: LICENCE,
    read_at: READ_AT,
    cite: &[
        GEARS,
        "Replogle et al., Mapping information-rich genotype-phenotype landscapes with genome-scale Perturb-seq, \
         Cell 185:2559, 2022",
    ],
};

/// CRISPRa, single genes and pairs.
pub(super) const NORMAN: DataSet = DataSet {
    name: "gears-norman",
    what: "Norman 2019 as GEARS has it: K562, CRISPRa, 91,205 cells x 5,045 genes, pairs; zip",
    files: &[DataFile {
        name: "norman.zip",
        url: "https://dataverse.harvard.edu/api/access/datafile/6154020",
        bytes: Some(168_758_985),
        sum: Some((Sha256, "c1938353f6f41829c9137f073ecb843ce4d4114528b001b48312b019f739d877")),
    }],
    terms: &NORMAN_TERMS,
    next: &["unzip DIR/norman.zip -d DIR", "grn data check DIR/norman/perturb_processed.h5ad"],
};

/// CRISPRi of the unfolded protein response.
pub(super) const ADAMSON: DataSet = DataSet {
    name: "gears-adamson",
    what: "Adamson 2016 as GEARS has it: K562, CRISPRi, 68,603 cells x 5,060 genes, 86 genes; zip",
    files: &[DataFile {
        name: "adamson.zip",
        url: "https://dataverse.harvard.edu/api/access/datafile/6154417",
        bytes: Some(140_744_228),
        sum: Some((Md5, "0bde631bae60ee8c105991ff0e0d4a20")),
    }],
    terms: &ADAMSON_TERMS,
    next: &["unzip DIR/adamson.zip -d DIR", "grn data check DIR/adamson/perturb_processed.h5ad"],
};

/// Knockouts of transcription factors.
pub(super) const DIXIT: DataSet = DataSet {
    name: "gears-dixit",
    what: "Dixit 2016 as GEARS has it: knockouts of transcription factors; zip",
    files: &[DataFile {
        name: "dixit.zip",
        url: "https://dataverse.harvard.edu/api/access/datafile/6154416",
        bytes: None,
        sum: None,
    }],
    terms: &DIXIT_TERMS,
    next: &["unzip DIR/dixit.zip -d DIR", "grn data check DIR/dixit/perturb_processed.h5ad"],
};

/// The essential-gene screen in K562, filtered.
pub(super) const REPLOGLE_K562: DataSet = DataSet {
    name: "gears-replogle-k562",
    what: "Replogle 2022 as GEARS has it: K562, CRISPRi, 162,751 cells x 5,000 genes, 1,092 genes; zip",
    files: &[DataFile {
        name: "replogle_k562_essential.zip",
        url: "https://dataverse.harvard.edu/api/access/datafile/7458695",
        bytes: None,
        sum: Some((Md5, "84eed779531de88f83d3eb16a773a261")),
    }],
    terms: &REPLOGLE_TERMS,
    next: &[
        "unzip DIR/replogle_k562_essential.zip -d DIR",
        "grn data check DIR/replogle_k562_essential/perturb_processed.h5ad",
    ],
};

/// The essential-gene screen in RPE1, filtered.
pub(super) const REPLOGLE_RPE1: DataSet = DataSet {
    name: "gears-replogle-rpe1",
    what: "Replogle 2022 as GEARS has it: RPE1, CRISPRi, 162,733 cells x 5,000 genes, 1,543 genes; zip",
    files: &[DataFile {
        name: "replogle_rpe1_essential.zip",
        url: "https://dataverse.harvard.edu/api/access/datafile/7458694",
        bytes: Some(665_914_266),
        sum: Some((Md5, "169370a8da6093470f122172ab30f7c5")),
    }],
    terms: &REPLOGLE_TERMS,
    next: &[
        "unzip DIR/replogle_rpe1_essential.zip -d DIR",
        "grn data check DIR/replogle_rpe1_essential/perturb_processed.h5ad",
    ],
};
