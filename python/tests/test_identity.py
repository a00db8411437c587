"""The same input and seed give the same bits here and in the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

import grn

Program = Callable[..., str]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_fit_predict_and_rank(
    screen: anndata.AnnData, screen_path: Path, edges_path: Path, program: Program, tmp_path: Path
) -> None:
    for model in ("linear", "grn"):
        here = grn.tl.fit(screen, edges_path, model=model, outdir=tmp_path / f"here-{model}", seed=5)
        there = tmp_path / f"there-{model}"
        program("fit", screen_path, "--prior", edges_path, "--model", model, "--outdir", there, "--seed", 5)
        assert files(here.path / "model") == files(there / "model")
        for name in ("genes.tsv", "split.tsv", "graph.tsv.gz", "responses.h5ad"):
            assert (here.path / name).read_bytes() == (there / name).read_bytes(), name
    asked = [here.genes[3], "KDM1A", "KDM1A+SOX2"]
    predicted = here.predict(asked, output=tmp_path / "here.h5ad")
    program("predict", "--run", there, *(w for p in asked for w in ("--pert", p)), "-o", tmp_path / "there.h5ad")
    assert (tmp_path / "here.h5ad").read_bytes() == (tmp_path / "there.h5ad").read_bytes()
    assert np.array_equal(predicted.X, anndata.read_h5ad(tmp_path / "there.h5ad").X)
    # Ranking goes back to the control cells: those in memory here, the file there.
    signature = tmp_path / "change.tsv"
    pd.Series(predicted.X[1], index=predicted.var_names).to_csv(signature, sep="\t", header=False)
    # All scorers joined, then one alone.
    for k, how in enumerate([{"candidates": "closed"}, {"candidates": "closed", "method": "inversion"}]):
        ours, theirs = tmp_path / f"here{k}.tsv", tmp_path / f"there{k}.tsv"
        ranked = here.rank(signature, output=ours, **how)
        options = [word for name, value in how.items() for word in (f"--{name}", value)]
        program("rank", "--run", there, "--signature", signature, *options, "-o", theirs)
        assert ours.read_bytes() == theirs.read_bytes()
    assert len(ranked) == 10
    assert ranked["rank"].iloc[0] == 1


def test_score(screen: anndata.AnnData, screen_path: Path, program: Program, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    predicted = anndata.AnnData(screen.X[rng.permutation(screen.n_obs)], obs=screen.obs, var=screen.var)
    predicted.write_h5ad(tmp_path / "predicted.h5ad")
    table = grn.metrics.score(predicted, screen, outdir=tmp_path / "here", profile="cell-eval-minimal")
    program(
        "score", "--pred", tmp_path / "predicted.h5ad", "--real", screen_path, "--outdir", tmp_path / "there",
        "--profile", "cell-eval-minimal",
    )  # fmt: skip
    for name in ("results.csv", "agg_results.csv", "scorecard.json"):
        ours, theirs = ((tmp_path / side / name).read_text() for side in ("here", "there"))
        if name == "scorecard.json":
            continue
        assert ours == theirs, name
    assert table["mean"].notna().any()


def test_de(screen: anndata.AnnData, screen_path: Path, program: Program, tmp_path: Path) -> None:
    table = grn.tl.de(screen, output=tmp_path / "here.parquet")
    program("de", screen_path, "-o", tmp_path / "there.parquet")
    program("de", screen_path, "-o", tmp_path / "there.csv")
    assert (tmp_path / "here.parquet").read_bytes() == (tmp_path / "there.parquet").read_bytes()
    expected = pd.read_csv(tmp_path / "there.csv", float_precision="round_trip")
    exact = pytest.importorskip("pyarrow.parquet").read_table(tmp_path / "there.parquet").to_pandas()
    assert list(table.columns) == list(expected.columns)
    assert len(table) == 10 * 320
    for name in table.columns:
        ours, theirs = table[name], expected[name]
        if name in ("target", "feature"):
            assert list(ours) == list(theirs)
        else:
            assert np.array_equal(ours.to_numpy(float), exact[name].to_numpy(float), equal_nan=True), name
            # Text has fewer digits.
            assert np.allclose(ours.to_numpy(float), theirs.to_numpy(float), rtol=1e-5, equal_nan=True), name


def test_pseudobulk(screen: anndata.AnnData, screen_path: Path, program: Program, tmp_path: Path) -> None:
    grn.pp.pseudobulk(screen, output=tmp_path / "here.h5ad", seed=2, halves=True)
    program("data", "pseudobulk", screen_path, "-o", tmp_path / "there.h5ad", "--seed", 2, "--halves")
    assert (tmp_path / "here.h5ad").read_bytes() == (tmp_path / "there.h5ad").read_bytes()
