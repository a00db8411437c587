"""What the functions return, and that results follow the conventions of AnnData."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grn


def test_a_simulated_screen_has_its_truth() -> None:
    data = grn.tl.simulate(genes=320, perturbations=4, cells_per_perturbation=10, controls=20, seed=1)
    assert data.shape == (60, 320)
    assert {"target_gene", "guide", "batch"} <= set(data.obs)
    assert {"version", "seed", "settings"} <= set(data.uns["grn"])
    assert {"source", "target", "sign"} <= set(data.uns["truth"].columns)
    assert sp.issparse(data.varp["grn"])
    assert data.varp["grn"].nnz == len(data.uns["truth"])
    again = grn.tl.simulate(genes=320, perturbations=4, cells_per_perturbation=10, controls=20, seed=1)
    assert (data.X != again.X).nnz == 0


def test_graphs_come_from_paths_tables_and_each_other(graph: grn.Graph, edges_path: Path, tmp_path: Path) -> None:
    edges = graph.to_pandas()
    assert list(edges.columns) == ["source", "target", "weight", "sign", "evidence"]
    assert (graph.n_edges, graph.n_genes) == (len(edges), len(set(edges["source"]) | set(edges["target"])))
    assert repr(graph).startswith(f"Graph of {graph.n_genes} genes and {graph.n_edges} edges")
    truth = pd.read_csv(edges_path, sep="\t")
    signs = truth.assign(sign=truth["sign"].map({"+": 1, "-": -1})).set_index(["source", "target"])["sign"]
    assert (edges.set_index(["source", "target"])["sign"].sort_index() == signs.sort_index()).all()
    of_table = grn.gr.build(edges[["source", "target", "weight", "sign"]])
    pd.testing.assert_frame_equal(of_table.to_pandas().iloc[:, :4], edges.iloc[:, :4])
    both = grn.gr.build([graph, pd.DataFrame({"source": ["NEW1"], "target": ["NEW2"]})], output=tmp_path / "g.tsv.gz")
    assert both.n_edges == graph.n_edges + 1
    assert "NEW1" in both
    assert grn.Graph(tmp_path / "g.tsv.gz").n_edges == both.n_edges
    weights = graph.to_decoupler()
    assert list(weights.columns) == ["source", "target", "weight"]
    assert (weights["weight"] < 0).sum() == (edges["sign"] < 0).sum()
    some = graph.genes[:50]
    dense = graph.adjacency(some).toarray()
    inside = weights[weights["source"].isin(some) & weights["target"].isin(some)]
    assert np.count_nonzero(dense) == len(inside)
    first = inside.iloc[0]
    assert dense[some.index(first["source"]), some.index(first["target"])] == np.float32(first["weight"])


def test_a_graph_becomes_a_networkx_graph(graph: grn.Graph) -> None:
    pytest.importorskip("networkx")
    drawn = graph.to_networkx()
    assert drawn.number_of_edges() == graph.n_edges
    assert drawn.is_directed()


def test_coexpression_joins_genes(screen: anndata.AnnData, graph: grn.Graph) -> None:
    joined = grn.gr.build(graph, coexpression=screen, min_correlation=0.3, genes_of=screen)
    assert joined.n_edges >= graph.n_edges or joined.n_genes <= 330


def test_a_run_tells_what_it_is(run: grn.Run) -> None:
    assert run.model == "linear"
    assert repr(run).startswith(f"Run {run.path}: model linear, 10 perturbations x 320 genes, seed 1")
    assert "<table>" in run._repr_html_()
    assert run.manifest["inputs"][0]["blake3"]
    assert run.manifest["argv"][:2] == ["grn", "fit"]
    assert len(run.genes) == 320
    assert isinstance(run.metrics(), pd.DataFrame)
    assert run.summary.dtype == float
    assert run.responses.n_obs == 11


def test_predictions_follow_the_conventions(run: grn.Run) -> None:
    asked = [run.genes[3], "KDM1A"]
    predicted = run.predict(asked)
    assert list(predicted.obs["target_gene"]) == asked
    assert predicted.shape == (2, 320)
    assert {"lower", "upper"} <= set(predicted.layers)
    assert (predicted.layers["lower"] <= predicted.layers["upper"]).all()
    assert "control" in predicted.var
    about = predicted.uns["grn"]
    assert (about["model"], about["version"]) == ("linear", grn.__version__)
    assert {"seed", "settings", "level"} <= set(about)
    assert predicted.varp["grn"].shape == (320, 320)
    assert np.array_equal(grn.tl.predict(run, "KDM1A").X[0], predicted.X[1])
    assert np.array_equal(grn.Run(run.path).predict("KDM1A").X, predicted[1].X)


def test_predicted_cells_are_drawn_from_the_controls_in_memory(run: grn.Run) -> None:
    cells = run.predict(["KDM1A"], cells=5, with_controls=True, seed=2)
    assert (cells.obs["target_gene"] == "KDM1A").sum() == 5
    assert (cells.obs["target_gene"] == "non-targeting").sum() == 80


def test_changes_of_every_form_are_ranked_alike(run: grn.Run, tmp_path: Path) -> None:
    predicted = run.predict(["KDM1A", run.genes[3]])
    how = {"method": "inversion", "candidates": "closed"}
    run.predict(["KDM1A", run.genes[3]], output=tmp_path / "predictions.h5ad")
    of_file = run.rank(tmp_path / "predictions.h5ad", **how)
    of_anndata = run.rank(predicted, **how)
    of_frame = run.rank(predicted.to_df(), **how)
    of_series = run.rank(predicted.to_df().loc["KDM1A"], **how)
    assert list(of_anndata["query"].unique()) == ["KDM1A", run.genes[3]]
    columns = ["query", "rank", "gene", "score"]
    pd.testing.assert_frame_equal(of_anndata[columns], of_frame[columns])
    pd.testing.assert_frame_equal(of_anndata[columns], of_file[columns])
    first = of_anndata[of_anndata["query"] == "KDM1A"]
    assert list(first["gene"].astype(str)) == list(of_series["gene"].astype(str))
    assert np.array_equal(first["score"], of_series["score"])
    assert of_series.attrs["grn"]["rankings"][0]["query"] == "KDM1A"
    listed = run.rank(predicted, method="inversion", candidates=[run.genes[3], "KDM1A"])
    assert set(listed["gene"]) == {run.genes[3], "KDM1A"}


def test_treated_cells_are_ranked(run: grn.Run, screen: anndata.AnnData) -> None:
    some = screen[screen.obs["target_gene"].isin(["non-targeting", screen.obs["target_gene"].iloc[-1]])].copy()
    ranked = run.rank(treated=some, method="inversion", candidates="closed", top=3)
    assert len(ranked) == 3


def test_cross_validation_has_tables_and_predictions(screen: anndata.AnnData, graph: grn.Graph) -> None:
    found = grn.tl.cv(screen, graph, model="linear", k=2, seed=1)
    assert {"model", "metric"} <= set(found.table.columns)
    assert set(found.table["model"]) >= {"mean", "linear"}
    held_out = found.predictions("linear")
    assert held_out.shape == (10, 320)
    assert held_out.varp["grn"].shape == (320, 320)
    assert "CrossValidation of mean,linear" in repr(found)
    assert "<svg" in grn.pl.improvement(found)._repr_svg_()
    own = pd.DataFrame({"target_gene": held_out.obs_names, "fold": ["a", "b"] * 5})
    assert set(grn.tl.cv(screen, graph, model="mean", folds=own).folds["fold"]) == {"a", "b"}


def test_scores_are_tables(screen: anndata.AnnData) -> None:
    table = grn.metrics.score(screen, screen, profile="cell-eval-minimal")
    assert table.index.name == "metric"
    assert {"mean", "baseline"} <= set(table.columns)
    assert table.attrs["grn"]["n_perturbations"] == 10
    rows = grn.metrics.score(screen, screen, profile="cell-eval-minimal", per_perturbation=True)
    assert len(rows) == 10


def test_on_target_tests(screen: anndata.AnnData) -> None:
    table = grn.tl.de(screen, on_target=True)
    assert (table["target"].astype(str) == table["feature"].astype(str)).all()


def test_figures_are_shown_and_saved(run: grn.Run, graph: grn.Graph, screen: anndata.AnnData, tmp_path: Path) -> None:
    tests = grn.tl.de(screen)
    first = tests["target"].iloc[0]
    figures = {
        "network of a run": grn.pl.network(run, "KDM1A", max_genes=15),
        "network of a graph": grn.pl.network(graph, "KDM1A", max_genes=15),
        "volcano": grn.pl.volcano(tests, first),
        "delta": grn.pl.delta(run, first),
        "measured": grn.pl.delta(run, first, measured=screen),
        "responders": grn.pl.responders(run, "KDM1A", top=5),
        "screen": grn.pl.screen(screen),
        "calibration": grn.pl.calibration(run),
    }
    for name, figure in figures.items():
        assert figure._repr_svg_().startswith("<svg") or "<svg" in figure.svg[:400], name
        assert repr(figure).startswith("Figure: "), name
    assert figures["volcano"].save(tmp_path / "volcano.png").read_bytes()[:4] == b"\x89PNG"
    assert figures["volcano"].save(tmp_path / "volcano.svg").read_text() == figures["volcano"].svg
    with pytest.raises(KeyError, match="not among the perturbations"):
        grn.pl.volcano(tests, "NOBODY")


def test_a_report_is_written(run: grn.Run, tmp_path: Path) -> None:
    path = run.report(output=tmp_path / "report.html")
    assert "<html" in path.read_text()[:500]


def test_held_out_perturbations_are_not_learned_from(screen: anndata.AnnData, graph: grn.Graph, tmp_path: Path) -> None:
    names = sorted(set(screen.obs["target_gene"]) - {"non-targeting"})
    run = grn.tl.fit(screen, graph, model="mean", hold_out=names[:2], calibrate="none", outdir=tmp_path / "run")
    assert run.manifest["n_perturbations"] == 8
    table = pd.DataFrame({"target_gene": names, "fold": ["test"] * 3 + ["train"] * 7})
    run = grn.tl.fit(screen, graph, model="mean", split=table, calibrate="none", outdir=tmp_path / "run2")
    assert run.manifest["n_perturbations"] == 7


def test_published_data_sets_are_known() -> None:
    assert any("name" in preset for preset in grn.pp.presets())
