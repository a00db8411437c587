//! How published data sets label their cells: columns, control labels and quirks, by name.

use super::ScreenOptions;

/// What is known of a data set; whatever the user states comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Preset {
    /// Its name after `--preset`.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Columns of the perturbation, the first that the file has is taken.
    pub pert_col: &'static [&'static str],
    /// Labels of the control, the first that occurs is taken; none where the data have no control.
    pub control: &'static [&'static str],
    /// Columns of the cell type, the first that the file has is taken; none: all cells are one type.
    pub celltype_col: &'static [&'static str],
    /// Columns of the batch whose own control each condition is compared with; none: all batches together.
    pub batch_col: &'static [&'static str],
    /// Columns of batches that are known and not used: comparing within them leaves few cells each.
    pub other_batches: &'static [&'static str],
    /// Columns of the guide.
    pub guide_col: &'static [&'static str],
    /// Labels are drugs, cytokines or free text, not genes joined by `+` or `_`.
    pub whole_labels: bool,
    /// What to know besides.
    pub note: &'static str,
}

const GENES: Preset = Preset {
    name: "",
    about: "",
    pert_col: &[],
    control: &[],
    celltype_col: &[],
    batch_col: &[],
    other_batches: &[],
    guide_col: &[],
    whole_labels: false,
    note: "",
};

/// The data sets that are known, in the order they are listed.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "vcc2025",
        about: "Virtual Cell Challenge 2025: H1 cells, CRISPRi; training, validation and test files",
        pert_col: &["target_gene"],
        control: &["non-targeting"],
        other_batches: &["batch"],
        guide_col: &["guide_id"],
        note: "raw counts, 18,080 genes",
        ..GENES
    },
    Preset {
        name: "vcc-support",
        about: "Support set of the challenge: K562, RPE1, Jurkat, HepG2 and H1 (.h5 in the layout of AnnData)",
        pert_col: &["target_gene", "gene"],
        control: &["non-targeting"],
        celltype_col: &["cell_type"],
        other_batches: &["batch_var"],
        note: "log1p; one control per cell line",
        ..GENES
    },
    Preset {
        name: "replogle",
        about: "Replogle et al. 2022: genome-wide and essential CRISPRi screens of K562 and RPE1",
        pert_col: &["gene"],
        control: &["non-targeting"],
        other_batches: &["gem_group"],
        guide_col: &["sgID_AB"],
        note: "dense and uncompressed: 66 GB for K562 genome-wide; `--pert-col gene_transcript` tells transcripts apart",
        ..GENES
    },
    Preset {
        name: "nadig",
        about: "Nadig et al. 2025 (GSE264667): CRISPRi screens of HepG2 and Jurkat",
        pert_col: &["gene"],
        control: &["non-targeting"],
        other_batches: &["gem_group"],
        guide_col: &["sgID_AB"],
        note: "the layout of Replogle et al.",
        ..GENES
    },
    Preset {
        name: "gears",
        about: "GEARS' copies of Norman, Adamson, Dixit and Replogle (perturb_processed.h5ad)",
        pert_col: &["condition"],
        control: &["ctrl"],
        note: "log1p; conditions are written `A+ctrl` and `A+B`; genes are named in `var/gene_name`",
        ..GENES
    },
    Preset {
        name: "scperturb",
        about: "scPerturb's collection in one layout",
        pert_col: &["perturbation"],
        control: &["control"],
        other_batches: &["batch"],
        guide_col: &["guide_id"],
        note: "drugs have doses in `dose_value` and `dose_unit`, which are not part of the label",
        ..GENES
    },
    Preset {
        name: "sciplex-gxe",
        about: "sci-Plex-GxE: CRISPR knockouts under drugs",
        pert_col: &["gene", "gene_id", "target_gene"],
        control: &["NTC", "non-targeting"],
        celltype_col: &["cell_line", "cell_type"],
        batch_col: &["treatment"],
        guide_col: &["gRNA", "guide"],
        note: "each knockout is compared with the controls of its own treatment",
        ..GENES
    },
    Preset {
        name: "jiang",
        about: "Jiang et al. 2025: CRISPR knockouts under cytokines, one file per cytokine",
        pert_col: &["gene"],
        control: &["NT"],
        celltype_col: &["cell_type"],
        other_batches: &["sample", "bio_rep"],
        guide_col: &["guide"],
        note: "converted from Seurat objects",
        ..GENES
    },
    Preset {
        name: "tahoe",
        about: "Tahoe-100M: drugs at three doses on 50 cell lines, one h5ad per plate",
        pert_col: &["drugname_drugconc"],
        control: &["[('DMSO_TF', 0.0, 'uM')]"],
        celltype_col: &["cell_line", "cell_name"],
        batch_col: &["plate"],
        whole_labels: true,
        note: "each drug and dose is compared with the DMSO of its own plate and cell line; 62,710 genes",
        ..GENES
    },
    Preset {
        name: "tahoe-parquet",
        about: "Tahoe-100M as Parquet: lists of gene tokens and counts",
        pert_col: &["drug"],
        control: &["DMSO_TF"],
        celltype_col: &["cell_line_id"],
        batch_col: &["plate"],
        whole_labels: true,
        note: "needs gene_metadata.parquet; doses are put together unless `--pert-col sample`",
        ..GENES
    },
    Preset {
        name: "parse10m",
        about: "Parse Biosciences' 10 million PBMCs: 90 cytokines on 12 donors",
        pert_col: &["cytokine"],
        control: &["PBS"],
        celltype_col: &["cell_type"],
        other_batches: &["sample", "donor"],
        whole_labels: true,
        note: "18.8 billion stored values",
        ..GENES
    },
    Preset {
        name: "scbasecount",
        about: "scBaseCount: public single-cell experiments, one h5ad per accession",
        pert_col: &["perturbation"],
        celltype_col: &["cell_type"],
        other_batches: &["SRX_accession"],
        whole_labels: true,
        note: "observational, without controls: for co-expression (`--coexpression`) alone",
        ..GENES
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|p| p.name.eq_ignore_ascii_case(name))
    }

    /// What the user left open, filled in with what is known (`none` for a column leaves it out); `has` says which columns the file has.
    pub(super) fn fill(&self, options: &ScreenOptions, has: impl Fn(&str) -> bool) -> ScreenOptions {
        let first = |columns: &[&str]| columns.iter().find(|c| has(c)).map(|&c| c.to_owned());
        // `none` switches a column of the preset off, unless the file has a column of that name.
        let stated_or = |stated: &Option<String>, known: &[&str]| match stated {
            Some(off) if off == "none" && !has(off) => None,
            stated => stated.clone().or_else(|| first(known)),
        };
        ScreenOptions {
            // A file without the column gets an error that names it.
            pert_col: options.pert_col.clone().or_else(|| first(self.pert_col)).or(Some(self.pert_col[0].to_owned())),
            celltype_col: stated_or(&options.celltype_col, self.celltype_col),
            batch_col: stated_or(&options.batch_col, self.batch_col),
            whole_labels: options.whole_labels || self.whole_labels,
            ..options.clone()
        }
    }

    /// The label among those of the file that is the control.
    pub(super) fn control_among<'a>(&self, labels: &'a [String]) -> Option<&'a String> {
        self.control.iter().find_map(|control| labels.iter().find(|label| label == control))
    }
}
