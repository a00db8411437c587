"""Reading and reducing screens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pandas as pd
from anndata import AnnData

from ._call import options, run, say
from ._errors import GrnValueError
from ._files import folder, read_h5ad, target
from ._graph import GraphLike, priors
from ._lend import Data, borrowed
from ._screen import Screen, screen_options

__all__ = ["check", "presets", "pseudobulk", "read_screen"]


def read_screen(
    data: Data,
    pert_col: str | None = None,
    control_pert: str | None = None,
    celltype_col: str | None = None,
    batch_col: str | None = None,
    *,
    preset: str | None = None,
    scale: str | None = None,
    target_sum: str | float | None = None,
    aliases: str | os.PathLike[str] | None = None,
    gene_metadata: str | os.PathLike[str] | None = None,
) -> Screen:
    """Finds out how the cells of a screen are labelled: labels and a sample of the values are looked at, nothing is
    copied.

    Parameters
    ----------
    data
        An AnnData, or a path (h5ad, 10x, mtx, Parquet).
    pert_col, control_pert
        Column of the perturbations and label of the control; detected where not given.
    celltype_col, batch_col
        Columns of the cell type and of the batch; none by default.
    preset
        A published data set whose columns are known (`grn.pp.presets`).
    scale
        `"counts"` or `"log1p"`; guessed where not given.
    target_sum
        Total to which counts are scaled before log1p: `"median"` (the default), a number, or `"none"`.
    aliases, gene_metadata
        Tables of other gene names, and of the genes that the tokens of Parquet files stand for.

    Returns
    -------
    A `Screen`, which every function takes in place of the data; it remembers what was stated here.

    Raises
    ------
    GrnKeyError
        No column of perturbations, or not the one that was named.
    GrnValueError
        No control, or values that are neither counts nor log1p.
    """
    stated = {
        "pert_col": pert_col, "control_pert": control_pert, "celltype_col": celltype_col, "batch_col": batch_col,
        "preset": preset, "scale": scale, "target_sum": target_sum, "aliases": aliases, "gene_metadata": gene_metadata,
    }  # fmt: skip
    if isinstance(data, Screen):
        stated = {**data.stated, **{k: v for k, v in stated.items() if v is not None}}
        data = data.data
    with borrowed(data) as path:
        found = run("data", "check", path, "--quick", "--json", *screen_options(data, stated)).json()
    if found["problems"]:
        problem, _, hint = found["problems"][0].partition("\n  try ")
        raise GrnValueError(problem, f"try {hint}" if hint else None)
    for notice in found["notices"]:
        say("notice", notice)
    if found["rows"] == "cells":
        # What was found holds from here on: nothing is guessed, or said, again.
        stated = {**stated, "pert_col": found["pert_col"], "control_pert": found["control"], "scale": found["scale"]}
    return Screen(
        data=data,
        pert_col=found["pert_col"],
        control=found["control"],
        n_cells=found["cells"],
        n_genes=found["genes"],
        n_control=found["control_cells"] or 0,
        n_perturbations=found["perturbations"],
        scale=found["scale"] if found["rows"] == "cells" else None,
        evidence=found["scale_evidence"],
        matrix=found["matrix"],
        rows=found["rows"],
        notices=tuple(found["notices"]),
        stated={name: value for name, value in stated.items() if value is not None},
    )


def check(data: Data, graph: GraphLike | None = None, **screen: Any) -> dict[str, Any]:
    """Checks a screen, cell by cell: what `grn data check` reports, as a dictionary.

    Among others: cells, genes, conditions, control label, guess of the scale with evidence, knockdown of the targets
    (`on_target`), how much of the screen `graph` knows (`prior`), `notices`, and `problems`, which is empty where
    `usable` is true. `screen` are the options of `read_screen`.
    """
    with folder() as temp, borrowed(data) as path:
        words = ["data", "check", path, "--json", *screen_options(data, screen), *priors(graph, temp)]
        found: dict[str, Any] = run(*words).json()
    for notice in found["notices"]:
        say("notice", notice)
    found["on_target"] = pd.DataFrame(found["on_target"])
    return found


def pseudobulk(
    data: Data | Sequence[Data],
    *,
    halves: bool = False,
    memory: str | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    seed: int | None = None,
    **screen: Any,
) -> AnnData:
    """One row per condition: number of cells, mean of log1p expression, variance, third central moment, share of cells.

    The cells are read once, as a stream, without a copy; the sums of each condition are taken in the order of the
    cells, so that any number of threads gives the same bits.

    Parameters
    ----------
    data
        Cells; several over the same genes are merged.
    halves
        Keep the means of two random halves of the cells too (layers `half_a`, `half_b`).
    memory
        Memory of the table (`"4G"`, the default): a larger one is made in several passes.
    output
        Where to keep the table (`.h5ad`); by default it is kept in memory alone.
    screen
        The options of `read_screen`.

    Returns
    -------
    An AnnData: `obs` has `target_gene`, `n_cells`, and `cell_type` and `batch` where asked for; `X` the means, layers
    `var`, `third`, `fraction`; `uns["grn"]` the quantity, the label of the control, the version. Every function takes
    it for cells.
    """
    several = data if isinstance(data, Sequence) and not isinstance(data, str) else [data]
    with ExitStack() as stack:
        paths = [stack.enter_context(borrowed(one)) for one in several]
        path = target(stack, output, "pseudobulk.h5ad")
        words = ["data", "pseudobulk", *paths, f"--output={path}", *screen_options(several[0], screen)]
        run(*words, *options(halves=halves, memory=memory, overwrite=overwrite), seed=seed)
        return read_h5ad(path)


def presets() -> list[dict[str, Any]]:
    """Published data sets whose columns and quirks are known."""
    found: list[dict[str, Any]] = run("data", "presets", "--json").json()["presets"]
    return found
