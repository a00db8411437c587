"""Scoring predicted against real cells."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd

from ._call import joined, options, run
from ._files import folder
from ._lend import Data, borrowed
from ._screen import screen_options

__all__ = ["prep", "score"]


def score(
    pred: Data,
    real: Data,
    *,
    profile: str = "cell-eval",
    per_perturbation: bool = False,
    ceiling: bool = False,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    control: str | None = None,
    allow_discrete: bool = False,
    outdir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    seed: int | None = None,
    **screen: Any,
) -> pd.DataFrame:
    """Scores predicted cells against real ones; both need control cells.

    Parameters
    ----------
    pred, real
        The cells, over the same genes and perturbations.
    profile
        The set of metrics: `"cell-eval"`, `"vcc2025"`, `"vcc2026"`, `"course"`, `"extended"`, and parts of them.
    per_perturbation
        A row per perturbation and a column per metric (cell-eval's `results.csv`) instead of a row per metric.
    ceiling
        Also score random halves of the real cells against each other.
    only, skip
        Metrics to take or to leave out.
    control
        Whose control cells predicted perturbations are compared with: `"real"` or `"pred"`; by default as the profile
        says.
    allow_discrete
        Take whole counts as they are.
    outdir
        Where to keep cell-eval's files (`results.csv`, `agg_results.csv`) and `scorecard.json`.
    screen
        The options of `grn.pp.read_screen`, for both.

    Returns
    -------
    A row per metric: `mean`, `baseline` (the mean baseline's), `ceiling`, `relative_to_baseline`, what is better, unit;
    `attrs["grn"]` has profile, number of perturbations and the overall score.
    """
    with folder() as temp, ExitStack() as stack:
        paths = [stack.enter_context(borrowed(data)) for data in (pred, real)]
        place = temp / "scores" if outdir is None else Path(outdir)
        words = ["score", "--json", f"--pred={paths[0]}", f"--real={paths[1]}", f"--outdir={place}"]
        words += screen_options(real, screen)
        words += options(
            profile=profile, ceiling=ceiling, only=joined(only), skip=joined(skip), control=control,
            allow_discrete=allow_discrete, overwrite=overwrite,
        )  # fmt: skip
        card = run(*words, seed=seed).json()
        if per_perturbation:
            table = pd.read_csv(place / "results.csv", float_precision="round_trip")
        else:
            table = pd.DataFrame(card["metrics"]).set_index("metric")
    table.attrs["grn"] = {name: value for name, value in card.items() if name != "metrics"}
    return table


def prep(
    pred: Data,
    output: str | os.PathLike[str],
    *,
    genes: Sequence[str] | str | os.PathLike[str] | None = None,
    expected_genes: int | None = None,
    max_cells: int | None = None,
    encoding: int | None = None,
    pert_col: str | None = None,
    control_pert: str | None = None,
    celltype_col: str | None = None,
) -> Path:
    """Checks predicted cells and writes them as a file of the Virtual Cell Challenge (`.vcc`).

    Parameters
    ----------
    pred
        Predicted cells with control cells; counts become log1p values.
    output
        The file to write (`.vcc`).
    genes
        The genes in their order: a list, or the path of the challenge's table; cells are reordered to it.
    expected_genes
        Without `genes`: the number there must be (18,080); -1 for any.
    max_cells
        The number of cells there may be (200,000); -1 for any.
    encoding
        Bits of a stored value: 32 (the default) or 64.
    pert_col, control_pert, celltype_col
        As in `grn.pp.read_screen`.

    Raises
    ------
    GrnValueError
        What the challenge refuses: other genes, too many cells, no controls, values that are neither counts nor log1p.
    """
    with folder() as temp, ExitStack() as stack:
        listed = genes
        if genes is not None and not isinstance(genes, (str, os.PathLike)):
            listed = temp / "genes.csv"
            listed.write_text("".join(f"{gene}\n" for gene in genes), encoding="utf-8")
            expected_genes = len(genes)
        words = ["score", "prep", stack.enter_context(borrowed(pred)), f"--output={os.fspath(output)}", "--json"]
        words += options(
            genes=listed, expected_genes=expected_genes, max_cells=max_cells, encoding=encoding, pert_col=pert_col,
            control_pert=control_pert, celltype_col=celltype_col,
        )  # fmt: skip
        return Path(run(*words).json()["output"])
