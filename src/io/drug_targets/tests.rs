use std::path::Path;

use super::*;
use crate::data::Drug;
use crate::io::{ParquetKind, ParquetValues, write_parquet};

fn read(name: &str, text: &str) -> Result<DrugTargetsRead, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    read_drug_targets(&path).map_err(|e| e.to_string().replace(&dir.path().display().to_string(), ""))
}

/// `drug/class: gene sign weight, ...` for every drug.
fn shown(read: &DrugTargetsRead) -> Vec<String> {
    let one = |d: &Drug| {
        let targets: Vec<String> =
            d.targets.iter().map(|t| format!("{} {} {}", t.gene, t.action.sign(), t.weight)).collect();
        format!("{}/{}: {}", d.name, d.class.as_deref().unwrap_or("-"), targets.join(", "))
    };
    read.targets.drugs().iter().map(one).collect()
}

fn t(name: &str, text: &str, format: &str, expected: &[&str]) -> Vec<String> {
    let read = read(name, text).unwrap();
    assert_eq!((read.format, shown(&read)), (format, expected.iter().map(|e| (*e).to_owned()).collect()), "{text}");
    read.notices.into_iter().map(|n| n.0).collect()
}

#[test]
fn long_tables() {
    let format = "a long table of drugs and genes";
    let text = "drug\tgene\taction\tweight\nGefitinib\tEGFR\tinhibitor\t0.9\ngefitinib\tEGFR\tinhibitor\t0.4\nDrug B\tX1\t\t\n";
    let notices = t("a.tsv", text, format, &["Drug B/-: X1 0 1", "Gefitinib/-: EGFR -1 0.9"]);
    assert!(notices[0].ends_with("a long table of drugs and genes: 2 drugs, 2 targets"), "{notices:?}");
    assert_eq!(notices[1], "1 repeated targets were merged");
    t("a.csv", "compound,symbol,class\nA,EGFR,kinase inhibitor\n", format, &["A/kinase inhibitor: EGFR -1 1"]);
}

#[test]
fn lists_of_targets() {
    let text = "# by hand\ndrug\ttargets\nA\tEGFR, ERBB2;KDR\nB\tEGFR|EGFR\nC\t\nD\tWest Nile virus protease\n";
    let expected = ["A/-: EGFR 0 1, ERBB2 0 1, KDR 0 1", "B/-: EGFR 0 1"];
    let notices = t("a.tsv", text, "a list of targets per drug", &expected);
    let said = |n: usize| notices[n].as_str();
    assert!(
        said(1).starts_with("1 target labels are no gene symbols") && said(1).ends_with("`West Nile virus protease`")
    );
    assert_eq!(said(2), "2 drugs have no target and are left out: `C`, `D`");
    t("a.csv", "drug,targets\nA,\"EGFR, ERBB2\"\n", "a list of targets per drug", &["A/-: EGFR 0 1, ERBB2 0 1"]);
    t("a.txt", "drug;targets\nA;EGFR ERBB2\n", "a list of targets per drug", &["A/-: EGFR 0 1, ERBB2 0 1"]);
}

#[test]
fn tahoe_metadata() {
    let text = "drug,targets,moa-broad,moa-fine,human-approved\n\
                Gefitinib,\"EGFR\",inhibitor/antagonist,EGFR inhibitor,yes\n\
                Salbutamol,\"ADRB2,ADRB1\",activator/agonist,Adrenergic agonist,yes\n\
                Mystery,,unclear,unclear,no\n";
    let expected = ["Gefitinib/EGFR inhibitor: EGFR -1 1", "Salbutamol/Adrenergic agonist: ADRB1 1 1, ADRB2 1 1"];
    let notices = t("m.csv", text, "Tahoe drug metadata", &expected);
    assert_eq!(notices[1], "1 drugs have no target and are left out: `Mystery`");
}

#[test]
fn tahoe_metadata_as_parquet() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("drug_metadata.parquet");
    let columns = ["drug", "targets", "moa-broad", "moa-fine"].map(|name| (name, ParquetKind::Text));
    let text = |values: [&'static str; 2]| ParquetValues::Text(values.to_vec());
    let group = vec![text(["A", "B"]), text(["EGFR, KDR", ""]), text(["inhibitor/antagonist", ""]), text(["X", "Y"])];
    write_parquet(&path, &columns, [group]).unwrap();
    let read = read_drug_targets(&path).unwrap();
    assert_eq!((read.format, shown(&read)), ("Tahoe drug metadata", vec!["A/X: EGFR -1 1, KDR -1 1".to_owned()]));
    let group = vec![text(["A", ""]), text(["EGFR", "KDR"]), text(["", ""]), text(["", ""])];
    write_parquet(&path, &columns, [group]).unwrap();
    let said = read_drug_targets(&path).unwrap_err().to_string();
    assert!(said.ends_with("row 2: expected a drug, got an empty value"), "{said}");
}

#[test]
fn repurposing_hub() {
    let text = "!Drug Repurposing Hub\n!Version 1\npert_iname\tclinical_phase\tmoa\ttarget\tdisease_area\tindication\n\
                (R)-(-)-apomorphine\tLaunched\tdopamine receptor agonist\tADRA2A|DRD2\tneurology\tParkinson's disease\n\
                afatinib\tLaunched\tEGFR inhibitor|HER inhibitor\tEGFR|ERBB2\toncology\tcancer\n\
                mixed\tLaunched\tA agonist|B antagonist\tDRD2\t\t\n";
    let expected = [
        "(R)-(-)-apomorphine/dopamine receptor agonist: ADRA2A 1 1, DRD2 1 1",
        "afatinib/EGFR inhibitor|HER inhibitor: EGFR -1 1, ERBB2 -1 1",
        "mixed/A agonist|B antagonist: DRD2 0 1",
    ];
    t("drugs.txt", text, "a Drug Repurposing Hub table", &expected);
}

#[test]
fn cmap_compound_information() {
    let text = "pert_id\tcmap_name\ttarget\tmoa\tcanonical_smiles\nBRD-1\tvemurafenib\tBRAF\tRAF inhibitor\tC\n\
                BRD-1\tvemurafenib\tRAF1\tRAF inhibitor\tC\nBRD-2\tempty\t\"\"\t\"\"\tC\n";
    let expected = ["vemurafenib/RAF inhibitor: BRAF -1 1, RAF1 -1 1"];
    let notices = t("compoundinfo_beta.txt", text, "CMap compound information", &expected);
    assert_eq!(notices[1], "1 drugs have no target and are left out: `empty`");
}

#[test]
fn interactions() {
    let text = "gene_name\tdrug_name\tinteraction_type\tinteraction_score\nCDK7\tSNS-032\tinhibitor\t0.82\n\
                \tBARASERTIB\tinhibitor\t\nDRD2\tAPO\tagonist\tNULL\nDRD2\tNULL\tagonist\t1\n";
    let expected = ["APO/-: DRD2 1 1", "SNS-032/-: CDK7 -1 0.82"];
    t("interactions.tsv", text, "a table of drug-gene interactions", &expected);
    let open = "drug,approvedSymbol,actionType\nA,EGFR,INHIBITOR\n";
    t("ot.csv", open, "a table of drug-gene interactions", &["A/-: EGFR -1 1"]);
}

#[test]
fn json_objects() {
    let text = r#"{"A": {"count": 2, "target_genes": ["EGFR", "NS2B-NS3, WNV"]}, "B": ["KDR"], "C": {"targets": "A1|A2"},
                  "D": {"count": 5, "target_genes": ["KDR"]}}"#;
    let expected = ["A/-: EGFR 0 1", "B/-: KDR 0 1", "C/-: A1 0 1, A2 0 1", "D/-: KDR 0 1"];
    let notices = t("a.json", text, "a JSON object of drugs", &expected);
    assert!(notices[1].ends_with("`NS2B-NS3, WNV`"), "{notices:?}");
    assert!(notices[2].starts_with("1 drugs have a `count` that is not"), "{notices:?}");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let t = |name: &str, text: &str, expected: &str| {
        let said = read(name, text).unwrap_err();
        assert!(said.contains(expected), "{text:?}\n{said}");
    };
    t("a.tsv", "", "expected a table of drugs and targets, got a file without rows");
    t("a.tsv", "Gefitinib\tEGFR\n", "column `drug` not found");
    t("a.tsv", "drug\tmoa\nA\tB\n", "column `drug` not found");
    t("a.tsv", "drug\tgene\nA\tEGFR\nB\n", "line 3: expected 2 columns, as in the header, got 1 (`B`)");
    t("a.tsv", "drug\tgene\nA\t\n", "line 2: expected a gene in column 2, got an empty field");
    t("a.tsv", "drug\tgene\n\tEGFR\n", "line 2: expected a drug in column 1, got an empty field");
    t("a.tsv", "drug\tgene\tweight\nA\tEGFR\tmuch\n", "line 2: expected a number in column 3, got `much`");
    t("a.tsv", "drug\ttargets\nA\t\n", "expected at least one drug with a gene symbol as target, got none");
    t("a.tsv", "drug\ttargets\nA\tof a virus\n", "gene symbol as target, got `of a virus`");
    t("a.json", "{\"A\": ", "line 1, column 6: expected a JSON object of drugs");
    t("a.json", "{}", "got an empty JSON object");
    t("a.json", "{\"A\": [1]}", "drug `A`: expected gene symbols in quotes, got 1");
    t("a.json", "{\"A\": {\"target_genes\": 3}}", "expected `target_genes` with a list of gene symbols, got 3");
    assert!(matches!(read_drug_targets(Path::new("/nowhere.tsv")), Err(IoError::System { .. })));
}
