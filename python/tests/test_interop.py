"""What others write is taken as it is, and what is written opens elsewhere without a word."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grn

# Reads each file with every warning an error, writes it again, reads that, and compares.
ROUND_TRIP = """
import importlib.metadata, sys, warnings
# What an import says is not about the file.
import anndata
from anndata.tests.helpers import assert_equal
warnings.simplefilter("error")
print(importlib.metadata.version("anndata"))
for path in sys.argv[1:]:
    data = anndata.read_h5ad(path)
    data.write_h5ad(path + ".again")
    assert_equal(data, anndata.read_h5ad(path + ".again"))
    backed = anndata.read_h5ad(path, backed="r")
    assert backed.shape == data.shape
"""


@pytest.fixture(scope="module")
def written(place: Path, screen_path: Path, run: grn.Run) -> list[Path]:
    """Every kind of h5ad: cells, truth, pseudobulk, predictions, drawn cells, and what anndata saved of them."""
    files = [screen_path, screen_path.with_suffix(".truth") / "deltas.h5ad"]
    files += [place / name for name in ("interop_bulk.h5ad", "interop_predictions.h5ad", "interop_cells.h5ad")]
    targets = list(run.responses.obs["target_gene"].astype(str).unique())
    gene = next(t for t in targets if t != "non-targeting")
    grn.pp.pseudobulk(screen_path, output=files[2])
    predicted = run.predict([gene], output=files[3])
    run.predict([gene], cells=5, controls=screen_path, with_controls=True, output=files[4])
    files.append(place / "interop_saved.h5ad")
    predicted.write_h5ad(files[5])
    return files


def round_trip(python: str, files: list[Path]) -> str:
    words = [python, "-c", ROUND_TRIP, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "No module named" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_files_open_without_a_warning_and_round_trip(written: list[Path]) -> None:
    assert round_trip(sys.executable, written) == importlib.metadata.version("anndata")


def test_files_open_in_another_version_of_anndata(written: list[Path]) -> None:
    other = os.environ.get("GRN_OTHER_ANNDATA_PYTHON")
    if other is None:
        pytest.skip("GRN_OTHER_ANNDATA_PYTHON names no interpreter with another version of anndata")
    assert round_trip(other, written) != importlib.metadata.version("anndata")


def labelled(column: str, control: str, pair: str, target: str) -> anndata.AnnData:
    """300 cells of 12 genes; the target of a perturbation is nearly silent. `target` and `pair` are forms of labels."""
    rng = np.random.default_rng(0)
    genes = [f"GENE{k}" for k in range(12)]
    labels, counts = [], []
    for k, names in enumerate([(), ("GENE1",), ("GENE2",), ("GENE3",), ("GENE1", "GENE2")]):
        means = np.full(12, 20.0)
        means[[genes.index(name) for name in names]] = 1.0
        means[10] += 4.0 * k
        counts.append(rng.poisson(means, size=(60, 12)))
        form = (control, target, pair)[len(names)]
        labels += [form.format(*names)] * 60
    obs = pd.DataFrame({column: pd.Categorical(labels)}, index=[f"cell{i}" for i in range(300)])
    matrix = sp.csr_matrix(np.vstack(counts).astype(np.float32))
    return anndata.AnnData(matrix, obs=obs, var=pd.DataFrame(index=genes))


@pytest.mark.parametrize(
    ("column", "control", "target", "pair"),
    [
        pytest.param("perturbation", "control", "{}", "{}_{}", id="pertpy"),
        pytest.param("condition", "ctrl", "{}+ctrl", "{}+{}", id="gears"),
        pytest.param("target_gene", "non-targeting", "{}", "{}+{}", id="cell-eval"),
        pytest.param("gene", "non-targeting", "{}", "{}+{}", id="state"),
    ],
)
def test_conventions_are_taken_as_they_are(column: str, control: str, target: str, pair: str) -> None:
    data = labelled(column, control, pair, target)
    screen = grn.pp.read_screen(data)
    assert (screen.pert_col, screen.control, screen.n_perturbations) == (column, control, 4)
    assert screen.scale == "counts"
    bulk = grn.pp.pseudobulk(screen)
    found = set(bulk.obs["target_gene"].astype(str)) - {control}
    assert {"GENE1", "GENE2", "GENE3"} <= found, found
    assert len(found) == 4
    tests = grn.tl.de(screen, on_target=True).set_index("target")["log2_fold_change"]
    assert (tests.loc[["GENE1", "GENE2", "GENE3"]] < -2).all()


def test_scanpy_runs_on_what_is_simulated_and_predicted(screen: anndata.AnnData, run: grn.Run) -> None:
    sc = pytest.importorskip("scanpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.normalize_total(screen)
        sc.pp.log1p(screen)
        sc.pp.pca(screen, n_comps=10)
        sc.pp.neighbors(screen, n_neighbors=5)
    assert screen.obsm["X_pca"].shape == (screen.n_obs, 10)
    # Values on the scale of log1p are taken too, and are told apart from counts.
    assert grn.pp.read_screen(screen).scale == "log1p"
    sc.tl.rank_genes_groups(screen, "target_gene", reference="non-targeting", method="wilcoxon", tie_correct=True)
    theirs = sc.get.rank_genes_groups_df(screen, group=None).set_index(["group", "names"])["pvals"]
    ours = grn.tl.de(screen).set_index(["target", "feature"])["p_value"]
    ours.index = ours.index.set_names(["group", "names"])
    both = pd.concat({"ours": ours, "theirs": theirs}, axis=1).dropna()
    assert len(both) == len(ours)
    # Theirs is the normal approximation without a correction for continuity: the order is the same, values nearly.
    assert both["ours"].corr(both["theirs"], method="spearman") > 0.999
    targets = [t for t in run.responses.obs["target_gene"].astype(str).unique() if t != "non-targeting"]
    predicted = run.predict(targets[:6])
    sc.pp.pca(predicted, n_comps=2)
    assert predicted.obsm["X_pca"].shape == (6, 2)


def test_networkx_takes_the_graph(graph: grn.Graph) -> None:
    nx = pytest.importorskip("networkx")
    g = graph.to_networkx()
    assert (g.number_of_nodes(), g.number_of_edges()) == (graph.n_genes, graph.n_edges)
    edges = graph.to_pandas()
    first = edges.iloc[0]
    kept = g.edges[first["source"], first["target"]]
    assert (kept["weight"], kept["sign"]) == (first["weight"], first["sign"])
    assert sum(nx.pagerank(g).values()) == pytest.approx(1.0)


def test_decoupler_finds_the_regulator_that_fell(screen_path: Path, graph: grn.Graph) -> None:
    dc = pytest.importorskip("decoupler")
    net = graph.to_decoupler()
    assert list(net.columns) == ["source", "target", "weight"]
    assert (net["weight"] < 0).any()
    bulk = grn.pp.pseudobulk(screen_path)
    levels = pd.DataFrame(bulk.X, index=bulk.obs["target_gene"].astype(str), columns=bulk.var_names)
    changes = levels.drop(index="non-targeting") - levels.loc["non-targeting"]
    scores, _ = dc.mt.ulm(changes, net, tmin=3)
    own = [gene for gene in changes.index if gene in scores.columns]
    assert len(own) >= 3, "regulators with three targets or more"
    places = [scores.loc[gene].rank(pct=True)[gene] for gene in own]
    assert np.median(places) < 0.25, dict(zip(own, places, strict=True))


def test_matrices_of_the_graph_are_those_of_scipy(graph: grn.Graph, screen: anndata.AnnData) -> None:
    matrix = graph.adjacency(list(screen.var_names))
    assert sp.issparse(matrix)
    assert matrix.shape == (screen.n_vars, screen.n_vars)
    assert matrix.nnz == graph.n_edges
    # As in `varp`, an AnnData carries it through a file.
    screen.varp["graph"] = matrix
