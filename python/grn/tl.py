"""Fitting, predicting, ranking, simulating, testing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from ._call import joined, options, run
from ._errors import GrnValueError
from ._files import folder, read_h5ad, read_tsv, target
from ._graph import GraphLike, adjacency, priors
from ._lend import Data, borrowed, in_memory
from ._run import CrossValidation, Run
from ._screen import screen_options

__all__ = ["cv", "de", "fit", "predict", "rank", "simulate"]

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def _paths(paths: Paths | None) -> list[Any]:
    if paths is None:
        return []
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)


def fit(
    data: Data | None,
    graph: GraphLike | None,
    *,
    model: str | None = None,
    features: Paths | None = None,
    other_effects: Paths | None = None,
    hold_out: Sequence[str] = (),
    split: str | os.PathLike[str] | pd.DataFrame | None = None,
    calibrate: str = "balanced",
    min_score: float | None = None,
    without_channels: Sequence[str] = (),
    outdir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | None = None,
    **screen: Any,
) -> Run:
    """Fits a model and writes a run directory.

    Parameters
    ----------
    data
        A screen: cells, a pseudobulk or an effect table; `None` for the embedded simulated screen.
    graph
        A `Graph`, paths of priors, a table of edges, or a list of them.
    model
        `"grn"` (the default), `"gears"`, `"graph-kernel"`, `"linear"`, `"mean"`, ...
    features, other_effects
        Tables of embeddings of genes, and of effects in another cell line.
    hold_out, split
        Perturbations not to learn from: their labels, or a table of `target_gene` and `fold` (those of the folds
        `test`, `val` and `out`), as a path or a DataFrame.
    calibrate
        What predicted effects are scaled for: `"mae"`, `"balanced"`, `"rank"`, or `"none"` (and then no intervals).
    outdir, overwrite, resume
        The folder of the run (a new one under `runs/`); replace what is there; continue an interrupted fit.
    settings
        Settings by their key: `{"models.gears.steps": 100}`.
    screen
        The options of `grn.pp.read_screen`.

    Raises
    ------
    KeyboardInterrupt
        Ctrl-C: the state is saved where the model has steps, and the message says how to continue.
    """
    with folder() as temp, ExitStack() as stack:
        words = ["fit", "--json", *_learned(stack, temp, data, graph, screen)]
        words += options(
            model=model, features=_paths(features), other_effects=_paths(other_effects), hold_out=joined(hold_out),
            split=_folds(split, temp), calibrate=calibrate, min_score=min_score, without_channel=list(without_channels),
            outdir=outdir, overwrite=overwrite, resume=resume,
        )  # fmt: skip
        answer = run(*words, seed=seed, device=device, settings_of_run=settings)
    return Run(answer.json()["run"], _data=in_memory(data))


def cv(
    data: Data | None,
    graph: GraphLike | None,
    *,
    model: str | Sequence[str] | None = None,
    folds: str | os.PathLike[str] | pd.DataFrame | None = None,
    k: int | None = None,
    permuted: bool = False,
    nested: bool = False,
    criterion: str | None = None,
    compare: str | None = None,
    curve: Sequence[float] = (),
    variants: Sequence[str] = (),
    grid: Sequence[str] = (),
    calibrate: str | None = None,
    features: Paths | None = None,
    other_effects: Paths | None = None,
    min_score: float | None = None,
    without_channels: Sequence[str] = (),
    outdir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str | None = None,
    **screen: Any,
) -> CrossValidation:
    """Cross-validates models over held-out perturbations, beside the baselines `mean` and `linear`.

    Parameters
    ----------
    data, graph, features, other_effects, settings, screen
        As in `fit`.
    model
        A model or several.
    folds, k
        A table of `target_gene` and `fold` (path or DataFrame), or the number of folds drawn by the seed (5).
    permuted
        Run every model on the graph with its gene names shuffled too.
    nested, criterion
        Let the models compete in inner folds, by this metric.
    compare
        The row that paired differences are taken to.
    curve
        Shares or numbers of training perturbations for a learning curve.
    variants, grid
        Rows with other settings: `["no-trees:models.grn.trees=false"]`, `["models.linear.rank=5,10"]`.
    outdir
        Where to keep the files; by default they disappear with the result.
    """
    kept = tempfile.TemporaryDirectory(prefix="grn-") if outdir is None else None
    place = Path(outdir) if outdir is not None else Path(kept.name if kept else "") / "cv"
    with folder() as temp, ExitStack() as stack:
        words = ["cv", "--json", f"--outdir={place}", *_learned(stack, temp, data, graph, screen)]
        words += options(
            model=joined(model), folds=_folds(folds, temp), k=k, permuted=permuted, nested=nested, criterion=criterion,
            compare=compare, curve=joined(curve), variant=list(variants), grid=list(grid), calibrate=calibrate,
            features=_paths(features), other_effects=_paths(other_effects), min_score=min_score,
            without_channel=list(without_channels), overwrite=overwrite,
        )  # fmt: skip
        run(*words, seed=seed, device=device, settings_of_run=settings)
    return CrossValidation(place, _kept=kept)


def predict(run: Run | str | os.PathLike[str], perturbations: str | Iterable[str], **how: Any) -> AnnData:
    """Predicts what perturbations do: `Run.predict`."""
    return _run(run).predict(perturbations, **how)


def rank(
    run_: Run | str | os.PathLike[str],
    signature: Any = None,
    *,
    treated: Data | None = None,
    goal: Any = None,
    start: Any = None,
    mode: str | None = None,
    own: str = "excluded",
    candidates: str | Sequence[str] = "genome",
    method: str | None = None,
    top: int | None = None,
    causes: int | None = None,
    bootstrap: int | None = None,
    drug_targets: str | os.PathLike[str] | None = None,
    calibration: bool = True,
    explain: int = 1,
    output: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    **screen: Any,
) -> pd.DataFrame:
    """Ranks the upstream genes whose perturbation explains a change of expression.

    Parameters
    ----------
    run_
        A run, or its path.
    signature
        The change: a Series or mapping of gene to value (one query), a DataFrame of queries by genes, an AnnData with
        one query per row, or the path of a table (gene, value) or of an h5ad.
    treated
        Instead: treated and control cells; every condition but the control is a query.
    goal, start
        Instead: a wanted state of expression and the present one (gene and log1p value each), or a wished change alone.
    mode
        What may have been done to the gene: `"knockdown"` (the default), `"inhibition"`, `"activation"`, `"any"`.
    own
        Whether the change of the candidate itself counts: `"excluded"` or `"used"`.
    candidates
        `"genome"`, `"expressed"`, `"closed"`, the path of a list, or a list of genes.
    method
        One scorer instead of all of them.
    top
        Candidates kept per query.
    causes, bootstrap
        Sets of up to so many genes that explain the change together; intervals of ranks over so many resamples.
    drug_targets
        Queries are drugs: a table of their targets.
    calibration
        Fit the weights of the scorers; without, probabilities are not calibrated.

    Returns
    -------
    A row per query and candidate: `query`, `rank`, `gene`, `score`, `probability`, ...; `attrs["grn"]` holds what
    `grn rank --json` prints: explanations, causes, the probability that it is none of the candidates.
    """
    given = [value for value in (signature, treated, goal) if value is not None]
    if len(given) != 1:
        raise GrnValueError("expected one of `signature`, `treated` and `goal`", "give the change as `signature=`")
    with folder() as temp, ExitStack() as stack:
        path = target(stack, output, "ranking.tsv")
        fitted = _run(run_)
        fitted.lend(stack)
        words = ["rank", "--json", f"--run={fitted.path}", f"--output={path}"]
        if treated is not None:
            words += [f"--treated={stack.enter_context(borrowed(treated))}", *screen_options(treated, screen)]
        else:
            for name, value in (("signature", signature), ("goal", goal), ("from", start)):
                words += _state(name, value, temp, stack)
            words += screen_options("", screen)
        words += options(
            mode=mode, own=own, candidates=_candidates(candidates, temp), method=method, top=top, causes=causes,
            bootstrap=bootstrap, drug_targets=drug_targets, no_calibration=not calibration, explain=explain,
        )  # fmt: skip
        answer = run(*words, seed=seed).json()
        table = read_tsv(path)
    for name in ("query", "gene"):
        table[name] = table[name].astype("category")
    table.attrs["grn"] = answer
    return table


def simulate(
    output: str | os.PathLike[str] | None = None,
    *,
    preset: str = "demo",
    network: GraphLike | None = None,
    genes: int | None = None,
    perturbations: int | None = None,
    cells_per_perturbation: int | None = None,
    controls: int | None = None,
    overwrite: bool = False,
    seed: int | None = None,
    **how: Any,
) -> AnnData:
    """Simulates a screen with known truth.

    Parameters
    ----------
    output
        Where to keep the file (`.h5ad`) and, beside it, its folder of truth; by default both disappear.
    preset
        Sizes and targets: `"demo"`, `"vcc"` or `"norman"`.
    network
        A network to simulate instead of the embedded one: a graph, the path of a table, or a DataFrame of edges.
    genes, perturbations, cells_per_perturbation, controls
        Sizes.
    how
        Every option of `grn simulate`, with underscores: `engine="cle"`, `lineage="stem>a,stem>b"`, `doublets=0.05`.

    Returns
    -------
    An AnnData of counts: `obs` has `target_gene`, `guide`, `batch`, `efficiency`, `doublet`; `uns["grn"]` version,
    seed and settings; `uns["truth"]` the links with their parameters; `varp["grn"]` their elasticities (1 where the
    law has none) as a matrix, row regulator, column target. The true changes are in the folder of truth of a kept
    `output` (`deltas.h5ad`).
    """
    with folder() as temp, ExitStack() as stack:
        path = target(stack, output, "screen.h5ad")
        words = ["simulate", "--json", f"--preset={preset}", f"--output={path}"]
        if network is not None:
            words += [word.replace("--prior=", "--network=") for word in priors(network, temp)]
        words += options(
            genes=genes, perturbations=perturbations, cells_per_perturbation=cells_per_perturbation, controls=controls,
            overwrite=overwrite, **how,
        )  # fmt: skip
        run(*words, seed=seed)
        data = read_h5ad(path)
        edges = pd.read_csv(path.with_suffix(".truth") / "edges.tsv", sep="\t", float_precision="round_trip")
    data.uns["grn"] = {**dict(data.uns.get("grn", {})), "settings": {"preset": preset, **_plain(how)}}
    data.uns["truth"] = edges
    strength = edges["elasticity"].abs() if "elasticity" in edges else 1.0
    data.varp["grn"] = adjacency(edges.assign(weight=strength), list(data.var_names))
    return data


def de(
    data: Data,
    *,
    against: str = "control",
    test: str = "wilcoxon",
    mean: str = "geometric",
    fdr_scope: str = "target",
    cpm_filter: float | None = None,
    epsilon: float = 0.0,
    on_target: bool = False,
    output: str | os.PathLike[str] | None = None,
    **screen: Any,
) -> pd.DataFrame:
    """Tests every gene of every perturbation.

    Parameters
    ----------
    data
        Cells; counts are scaled to their median total and log1p is taken.
    against
        `"control"`, or `"rest"` for all other cells.
    test
        `"wilcoxon"` (mid-ranks, tie and continuity correction), `"t-test"` or `"welch"`.
    mean
        The mean of a fold change: `"geometric"` (expm1 of the mean of log1p) or `"arithmetic"`.
    fdr_scope
        Control the false discovery rate within each perturbation (`"target"`) or over all tests (`"table"`).
    cpm_filter
        Leave out genes with at most so many counts per million on both sides.
    epsilon
        Added to both means of a fold change.
    on_target
        Test only each perturbation's own target.
    output
        Also write the table there (`.csv`, `.tsv`, `.parquet`).
    screen
        The options of `grn.pp.read_screen`.

    Returns
    -------
    pdex's columns: `target`, `feature` (categories), `target_mean`, `ref_mean`, `target_membership`, `ref_membership`,
    `log2_fold_change`, `percent_change`, `p_value`, `statistic`, `fdr`; the numbers as computed, never through text.
    """
    with borrowed(data) as path:
        words = ["de", "--json", path, *screen_options(data, screen)]
        words += options(
            against=against, test=test, mean=mean, fdr_scope=fdr_scope, cpm_filter=cpm_filter, epsilon=epsilon,
            on_target=on_target, output=output,
        )  # fmt: skip
        return run(*words).frame()


def _learned(
    stack: ExitStack, temp: Path, data: Data | None, graph: GraphLike | None, screen: Mapping[str, Any]
) -> list[str]:
    """The screen and the graph that a model learns from."""
    words = [] if data is None else [stack.enter_context(borrowed(data)), *screen_options(data, screen)]
    return words + priors(graph, temp)


def _run(run: Run | str | os.PathLike[str]) -> Run:
    return run if isinstance(run, Run) else Run(run)


def _folds(folds: str | os.PathLike[str] | pd.DataFrame | None, temp: Path) -> Any:
    """A fold table as a path."""
    if not isinstance(folds, pd.DataFrame):
        return folds
    path = temp / "folds.tsv"
    folds[["target_gene", "fold"]].to_csv(path, sep="\t", index=False)
    return path


def _candidates(candidates: str | Sequence[str], temp: Path) -> str:
    if isinstance(candidates, (str, os.PathLike)):
        return os.fspath(candidates)
    path = temp / "candidates.txt"
    path.write_text("".join(f"{gene}\n" for gene in candidates), encoding="utf-8")
    return os.fspath(path)


def _state(name: str, value: Any, temp: Path, stack: ExitStack) -> list[str]:
    """A change or a state as an option."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        value = pd.Series(dict(value), dtype=float)
    if isinstance(value, pd.Series):
        place = temp / name
        place.mkdir()
        path = place / f"{_file_name(value.name)}.tsv"
        value.to_csv(path, sep="\t", header=False)
        return [f"--{name}={path}"]
    if isinstance(value, pd.DataFrame):
        obs = pd.DataFrame({"target_gene": [str(i) for i in value.index]}, index=[str(i) for i in value.index])
        var = pd.DataFrame(index=[str(c) for c in value.columns])
        value = AnnData(np.ascontiguousarray(value.to_numpy(dtype=np.float32)), obs=obs, var=var)
        value.uns["grn"] = {"quantity": "effect", "control_label": "control"}
    if isinstance(value, AnnData) and not value.isbacked and not _says_labels(value):
        obs = pd.DataFrame({"target_gene": value.obs_names.astype(str)}, index=value.obs_names)
        var = pd.DataFrame(index=value.var_names)
        value = AnnData(value.X, obs=obs, var=var, uns={"grn": {"quantity": "effect", "control_label": "control"}})
    return [f"--{name}={stack.enter_context(borrowed(value))}"]


def _says_labels(data: AnnData) -> bool:
    """Whether a column names the rows."""
    return any(name in data.obs.columns for name in ("target_gene", "perturbation", "condition", "gene"))


def _file_name(name: Any) -> str:
    """The name of a query: that of its file."""
    text = "query" if name is None else str(name)
    return "".join("_" if c in '/\\:*?"<>|\0' else c for c in text) or "query"


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as `uns` can keep them."""
    return {name: value if isinstance(value, (int, float, str, bool)) else str(value) for name, value in values.items()}
