//! Prior networks: STRING and CollecTRI.

use super::{DataFile, DataSet, Terms};
use crate::io::fetch::SumKind::Sha256;

const STRING_TERMS: Terms = Terms {
    licence: "CC BY 4.0: free for any use, also commercial; name the source and say what was changed",
    read_at: "https://string-db.org/cgi/access",
    cite: &["Szklarczyk et al., The STRING database in 2023, Nucleic Acids Research 51:D638, 2023"],
};

const INFO: DataFile = DataFile {
    name: "9606.protein.info.v12.0.txt.gz",
    url: "https://stringdb-downloads.org/download/protein.info.v12.0/9606.protein.info.v12.0.txt.gz",
    bytes: Some(1_970_090),
    sum: Some((Sha256, "144de4b0d98c6a7dfde6ddc2591cf88657f27b989eadff4f501450c3ed1f0f1c")),
};

const ALIASES: DataFile = DataFile {
    name: "9606.protein.aliases.v12.0.txt.gz",
    url: "https://stringdb-downloads.org/download/protein.aliases.v12.0/9606.protein.aliases.v12.0.txt.gz",
    bytes: Some(19_777_800),
    sum: Some((Sha256, "b65f730b993ed0c1bd72edf4565d3d425db42861101b29699704810e8f125680")),
};

/// Human STRING with combined scores.
pub(super) const STRING: DataSet = DataSet {
    name: "string",
    what: "STRING 12 human, combined scores; names of proteins and aliases",
    files: &[
        DataFile {
            name: "9606.protein.links.v12.0.txt.gz",
            url: "https://stringdb-downloads.org/download/protein.links.v12.0/9606.protein.links.v12.0.txt.gz",
            bytes: Some(83_164_437),
            sum: Some((Sha256, "3e22f32572211aa341d5b4bd08d30c32e693e294603202120936872f87719d4f")),
        },
        INFO,
        ALIASES,
    ],
    terms: &STRING_TERMS,
    next: &[
        "grn data check screen.h5ad --prior DIR/9606.protein.links.v12.0.txt.gz",
        "grn fit screen.h5ad --prior DIR/9606.protein.links.v12.0.txt.gz --min-score 400",
    ],
};

/// Human STRING with one score per channel of evidence.
pub(super) const STRING_DETAILED: DataSet = DataSet {
    name: "string-detailed",
    what: "STRING 12 human, one score per channel of evidence; names and aliases",
    files: &[
        DataFile {
            name: "9606.protein.links.detailed.v12.0.txt.gz",
            url: "https://stringdb-downloads.org/download/protein.links.detailed.v12.0/9606.protein.links.detailed.v12.0.txt.gz",
            bytes: None,
            sum: None,
        },
        INFO,
        ALIASES,
    ],
    terms: &STRING_TERMS,
    next: &[
        "grn graph info DIR/9606.protein.links.detailed.v12.0.txt.gz",
        "grn fit screen.h5ad --prior DIR/9606.protein.links.detailed.v12.0.txt.gz --min-score 400 \
         --without-channel string.textmining",
    ],
};

/// Signed targets of transcription factors.
pub(super) const COLLECTRI: DataSet = DataSet {
    name: "collectri",
    what: "CollecTRI human, signed targets of 1,189 transcription factors",
    files: &[DataFile {
        name: "CollecTRI.csv",
        url: "https://rescued.omnipathdb.org/CollecTRI.csv",
        bytes: None,
        sum: Some((Sha256, "86c90b30f2cc75c189da1f0a8c353d1547287cd656a9fac1c678634285bcb4e0")),
    }],
    terms: &Terms {
        licence: "put together from twelve resources that keep their own terms: free for academic use; some resources \
                  restrict commercial use (OmniPath filters them with license=commercial)",
        read_at: "https://omnipathdb.org/",
        cite: &[
            "Müller-Dott et al., Expanding the coverage of regulons from high-confidence prior knowledge for accurate \
             estimation of transcription factor activities, Nucleic Acids Research 51:10934, 2023",
        ],
    },
    next: &["grn graph info DIR/CollecTRI.csv", "grn fit screen.h5ad --prior DIR/CollecTRI.csv"],
};
