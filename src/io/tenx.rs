//! 10x Genomics matrices in HDF5, version 1 (one group per genome) and version 3 (one group `matrix`).

use std::path::Path;
use std::sync::Arc;

use super::annotation::{Annotation, Listed};
use super::cells::{CellFile, GENE_IDS, Matrix, Names};
use super::genes::{GeneNames, build_index};
use super::h5ad::{H5File, Layout, StoredMatrix};
use super::{Column, IoError};
use crate::error::{Notice, some_of};

/// The kind of feature that is a gene.
const GENE: &str = "Gene Expression";

/// Whether the file has the groups of a 10x matrix.
pub(super) fn is_tenx(file: &H5File) -> bool {
    !genomes(file).is_empty()
}

/// Groups that hold a matrix: `matrix` in version 3, one per genome in version 1.
fn genomes(file: &H5File) -> Vec<String> {
    let has = |group: &String, part: &str| file.exists(&format!("{group}/{part}"));
    let parts = ["barcodes", "data", "indices", "indptr", "shape"];
    file.members("").into_iter().filter(|group| parts.iter().all(|part| has(group, part))).collect()
}

/// Opens a 10x matrix. Of several genomes the one with the most stored values is taken; features other than gene
/// expression (guides, antibodies) are left out. Both are said in a notice.
pub(super) fn open(file: &H5File, aliases: Option<&Path>) -> Result<CellFile, IoError> {
    let mut notices = Vec::new();
    let groups = genomes(file);
    let stored = |group: &String| file.dataset(&format!("{group}/data")).map_or(0, |data| data.size());
    let most = groups.iter().map(stored).max().unwrap_or(0);
    let group = groups.iter().find(|g| stored(g) == most).cloned().unwrap_or_default();
    if groups.len() > 1 {
        let text = format!("the file holds {} genomes: {}; `{group}` is read", groups.len(), some_of(&groups, 5));
        notices.push(Notice::new(text));
    }
    let version_3 = file.exists(&format!("{group}/features"));
    let (ids, symbols) = if version_3 { ("features/id", "features/name") } else { ("genes", "gene_names") };
    let text = |part: &str| Ok::<_, IoError>(file.values(&format!("{group}/{part}"))?.into_text());
    let ids = text(ids)?;
    let names = named(text(symbols)?, &ids);
    let kinds = if file.exists(&format!("{group}/features/feature_type")) {
        text("features/feature_type")?
    } else {
        Vec::new()
    };
    let (names, genes_of_columns, more) = only_genes(names, &kinds);
    notices.extend(more);
    let GeneNames { genes, repeated, notices: more } = build_index(&names, aliases)?;
    notices.extend(more);
    let n_cells = file.dataset(&format!("{group}/barcodes"))?.size();
    let shape: Vec<i64> = file.read(&format!("{group}/shape"))?;
    let n_cols = genes_of_columns.as_ref().map_or(names.len(), Vec::len);
    if shape != [n_cols as i64, n_cells as i64] {
        let expected = format!("{n_cols} genes x {n_cells} barcodes");
        return Err(file.layout(&format!("{group}/shape"), expected, format!("{shape:?}")));
    }
    // Columns of a 10x matrix are cells, so its compressed columns are compressed rows of cells by genes.
    let matrix = StoredMatrix { file: file.clone(), at: group.clone(), layout: Layout::Csr, n_rows: n_cells, n_cols };
    Ok(CellFile {
        path: file.path.clone(),
        format: if version_3 { "10x h5, version 3" } else { "10x h5, version 1" },
        n_cells,
        genes,
        repeated_genes: repeated,
        notices,
        matrix_name: Some(group.clone()),
        obs: None,
        names: Names::Stored(file.clone(), format!("{group}/barcodes")),
        var: Some(identifiers(&ids, genes_of_columns.as_deref())),
        mapping: None,
        matrix: Some(Matrix::Hdf5(matrix, genes_of_columns)),
    })
}

/// Symbols, or the identifier where there is no symbol.
pub(super) fn named(symbols: Vec<String>, ids: &[String]) -> Vec<String> {
    let name = |(symbol, id): (String, &String)| if symbol.trim().is_empty() { id.clone() } else { symbol };
    symbols.into_iter().zip(ids).map(name).collect()
}

/// Identifiers of the genes, as annotation of them.
pub(super) fn identifiers(ids: &[String], genes: Option<&[Option<u32>]>) -> Annotation {
    let is_gene = |at: usize| genes.is_none_or(|g| g[at].is_some());
    let ids = ids.iter().enumerate().filter(|(at, _)| is_gene(*at)).map(|(_, id)| id.clone()).collect();
    Annotation::Listed(Arc::new(Listed::new([(GENE_IDS.to_owned(), Column::Strings(ids))])))
}

/// Names of the genes and, where some features are none, the gene of each column.
pub(super) fn only_genes(
    names: Vec<String>,
    kinds: &[String],
) -> (Vec<String>, Option<Vec<Option<u32>>>, Option<Notice>) {
    let other = kinds.iter().filter(|kind| *kind != GENE).count();
    if other == 0 || other == kinds.len() {
        return (names, None, None);
    }
    let mut next = 0..;
    let genes = kinds.iter().map(|kind| if kind == GENE { next.next() } else { None }).collect();
    let names = names.into_iter().zip(kinds).filter(|(_, kind)| *kind == GENE).map(|(name, _)| name).collect();
    (names, Some(genes), Some(Notice::new(format!("{other} features that are not gene expression are left out"))))
}
