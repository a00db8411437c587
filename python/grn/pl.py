"""Drawing networks and results. Every function returns a `Figure`, which a notebook shows."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, Union

import pandas as pd

from ._call import options, run
from ._errors import GrnKeyError
from ._figure import Figure
from ._files import folder
from ._graph import Graph, GraphLike, priors
from ._lend import Data, borrowed
from ._run import CrossValidation, Run
from ._screen import screen_options
from ._words import shown

__all__ = [
    "calibration",
    "curve",
    "delta",
    "discrimination",
    "improvement",
    "network",
    "responders",
    "screen",
    "volcano",
]

#: A run, or its path.
RunLike: TypeAlias = Union[Run, str, "os.PathLike[str]"]


def _figure(draw: Callable[[Path], dict[str, Any]]) -> Figure:
    with folder() as temp:
        path = temp / "figure.svg"
        about = draw(path)
        return Figure(shown(path.read_text(encoding="utf-8")), str(about.get("alt", "")), draw)


def _of_files(kind: str, words: Sequence[str], seed: int | None = None) -> Figure:
    """A figure of what lies on disk."""

    def draw(path: Path) -> dict[str, Any]:
        about: dict[str, Any] = run("plot", kind, *words, f"--output={path}", "--json", seed=seed).json()
        return about

    return _figure(draw)


def _run_path(of: RunLike) -> str:
    return f"--run={of.path if isinstance(of, Run) else os.fspath(of)}"


def network(
    of: RunLike | Graph | GraphLike,
    center: str,
    *,
    pert: str | None = None,
    hops: int = 2,
    max_genes: int = 40,
    layout: str = "radial",
    modules: bool = False,
    seed: int | None = None,
) -> Figure:
    """The gene graph around one gene, coloured by what a run predicts; of a `Graph`, without colours.

    `pert` is the perturbation whose prediction colours the genes (the gene in the middle); `layout` is `"radial"`,
    `"layered"` or `"force"`; `modules` outlines densely connected genes. `save` also writes `.html`, `.cyjs`,
    `.graphml`, `.gexf`, ...
    """
    words = [f"--center={center}", *options(pert=pert, hops=hops, max_genes=max_genes, layout=layout, modules=modules)]
    if isinstance(of, Run) or (isinstance(of, (str, os.PathLike)) and (Path(of) / "manifest.json").exists()):
        return _of_files("network", [_run_path(of), *words], seed)

    def draw(path: Path) -> dict[str, Any]:
        with folder() as temp:
            graph = [word.replace("--prior=", "--graph=") for word in priors(of, temp)]
            written = run("plot", "network", *graph, *words, f"--output={path}", "--json", seed=seed)
            about: dict[str, Any] = written.json()
            return about

    return _figure(draw)


def volcano(table: pd.DataFrame, pert: str, *, fdr: float = 0.05) -> Figure:
    """Fold change against significance of one perturbation, from the table of `grn.tl.de`."""
    wanted = ["target", "feature", "log2_fold_change", "fdr"]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise GrnKeyError(f"column `{missing[0]}` not found in the table", "give what `grn.tl.de` returns")
    rows = table.loc[table["target"] == pert, wanted]
    if rows.empty:
        known = ", ".join(f"`{name}`" for name in list(dict.fromkeys(table["target"].astype(str)))[:5])
        raise GrnKeyError(f"`{pert}` is not among the perturbations of the table", f"there are {known}")

    def draw(path: Path) -> dict[str, Any]:
        with folder() as temp:
            rows.to_csv(temp / "de.csv", index=False)
            words = [str(temp / "de.csv"), f"--pert={pert}", f"--fdr={fdr}", f"--output={path}", "--json"]
            about: dict[str, Any] = run("plot", "volcano", *words).json()
            return about

    return _figure(draw)


def delta(of: RunLike, pert: str, *, measured: Data | None = None) -> Figure:
    """Predicted against measured change of one perturbation; `measured` is a screen, by default that of the run."""
    words = [_run_path(of), f"--pert={pert}"]
    if measured is None:
        return _of_files("delta", words)
    return _of_data("delta", measured, lambda path: [*words, f"--measured={path}"])


def responders(of: RunLike, pert: str, *, top: int = 20, level: float = 0.95) -> Figure:
    """The genes that a perturbation changes most, with intervals."""
    return _of_files("responders", [_run_path(of), f"--pert={pert}", *options(top=top, level=level)])


def screen(data: Data, **options_of_screen: Any) -> Figure:
    """Noise, degrees, efficiency and differentially expressed genes of a screen."""
    return _of_data("screen", data, lambda path: [path, *screen_options(data, options_of_screen)])


def curve(of: RunLike) -> Figure:
    """Metrics over the course of a fit."""
    return _of_files("curve", [_run_path(of)])


def calibration(of: RunLike | CrossValidation) -> Figure:
    """Whether intervals hold: of a run, or of `grn.tl.cv(..., calibrate=...)`."""
    return _of_files("calibration", [f"--cv={of.path}" if isinstance(of, CrossValidation) else _run_path(of)])


def improvement(of: CrossValidation, **how: Any) -> Figure:
    """Gain over a baseline per held-out perturbation."""
    return _of_files("improvement", [*_cv(of), *options(**how)])


def discrimination(of: CrossValidation, **how: Any) -> Figure:
    """Which measurement each held-out prediction resembles."""
    return _of_files("discrimination", [*_cv(of), *options(**how)])


def _cv(of: CrossValidation) -> list[str]:
    return [f"--cv={of.path}"]


def _of_data(kind: str, data: Data, words: Callable[[str], list[str]]) -> Figure:
    """A figure of a screen, which is lent while it is drawn."""

    def draw(path: Path) -> dict[str, Any]:
        with borrowed(data) as lent:
            about: dict[str, Any] = run("plot", kind, *words(lent), f"--output={path}", "--json").json()
            return about

    return _figure(draw)
