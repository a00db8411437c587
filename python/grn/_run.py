"""Fitted runs and cross-validations: folders, and what can be done with them."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from anndata import AnnData

from ._call import joined, options, run
from ._errors import GrnFileNotFoundError
from ._files import folder, read_h5ad, read_tsv, target
from ._graph import Graph
from ._lend import Data, borrowed


class Run:
    """A fitted model in its folder; made by `grn.tl.fit`, or from the path of one: `grn.Run("runs/mine")`."""

    def __init__(self, path: str | os.PathLike[str], *, _data: Any = None) -> None:
        self.path = Path(path)
        # What it was fitted on, where that lies in memory: ranking and drawing cells go back to its control cells.
        self._data = _data
        if not (self.path / "manifest.json").exists():
            raise GrnFileNotFoundError(
                f"`{self.path}` holds no run", "name a folder that `grn.tl.fit` or `grn fit` has written"
            )

    @property
    def manifest(self) -> dict[str, Any]:
        """What the run was: model, versions, seed, inputs with hashes, sizes, seconds, summary, notices."""
        found: dict[str, Any] = json.loads((self.path / "manifest.json").read_text(encoding="utf-8"))
        return found

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.manifest["model"])

    @property
    def summary(self) -> pd.Series:
        """What the fit reports, by name."""
        return pd.Series(dict(self.manifest["summary"]), name=self.model, dtype=float)

    @cached_property
    def genes(self) -> list[str]:
        """The measured genes: those that are predicted."""
        return (self.path / "genes.tsv").read_text(encoding="utf-8").split("\n")[1:-1]

    @cached_property
    def graph(self) -> Graph:
        """The graph it was fitted with."""
        return Graph(self.path / "graph.tsv.gz")

    @property
    def responses(self) -> AnnData:
        """The table it was fitted on: one row per condition."""
        return read_h5ad(self.path / "responses.h5ad")

    @property
    def config(self) -> str:
        """The settings that repeat the run (TOML)."""
        return (self.path / "config.toml").read_text(encoding="utf-8")

    def metrics(self) -> pd.DataFrame:
        """Values recorded while it was fitted, a row each: `step`, `name`, `value`; none of a model without steps."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return pd.DataFrame([json.loads(line) for line in lines], columns=["t", "step", "split", "name", "value"])

    def predict(
        self,
        perturbations: str | Iterable[str],
        *,
        level: float = 0.9,
        calibrate: str | None = None,
        cells: int | None = None,
        controls: Data | None = None,
        with_controls: bool = False,
        output: str | os.PathLike[str] | None = None,
        seed: int | None = None,
    ) -> AnnData:
        """Predicts what perturbations do.

        Parameters
        ----------
        perturbations
            Genes, or pairs joined by `+`: `"KDM1A"`, `["KDM1A", "JAK2+STAT1"]`.
        level
            Level of the intervals.
        calibrate
            What effects are scaled for: `"mae"`, `"balanced"`, `"rank"`, `"none"`; by default as chosen with the fit.
        cells, controls, with_controls
            Draw so many cells per perturbation instead of mean changes, from the control cells of this screen (by
            default the file the run was fitted on), and those control cells too.
        output
            Where to keep the file (`.h5ad`).

        Returns
        -------
        An AnnData, one row per perturbation: `X` is the change of mean log1p expression, layers `lower` and `upper` the
        interval; `obs` has `target_gene` and `basis` (`graph`, or `fallback` for genes that the graph does not know);
        `var` the level `control`; `varp["grn"]` the signed graph between the genes; `uns["grn"]` version, model, seed,
        settings.

        Raises
        ------
        GrnKeyError
            A gene that neither the screen nor the graph knows; the hint names close spellings.
        """
        asked = [perturbations] if isinstance(perturbations, str) else list(perturbations)
        with ExitStack() as stack:
            temp = stack.enter_context(folder())
            path = target(stack, output, "predictions.h5ad")
            (temp / "perturbations.txt").write_text("".join(f"{p}\n" for p in asked), encoding="utf-8")
            words = [
                "predict",
                f"--run={self.path}",
                f"--perts={temp / 'perturbations.txt'}",
                f"--output={path}",
                "--format=h5ad",
            ]
            words += options(level=level, calibrate=calibrate, cells=cells, with_controls=with_controls)
            if controls is not None:
                words += options(controls=stack.enter_context(borrowed(controls)))
            if cells is not None:
                self.lend(stack)
            run(*words, seed=seed)
            return self._described(read_h5ad(path))

    def interactions(self, pairs: str | Iterable[str], *, calibrate: str | None = None) -> pd.DataFrame:
        """Scores of genetic interaction of pairs (`"A+B"`), with intervals where the run is calibrated."""
        asked = [pairs] if isinstance(pairs, str) else list(pairs)
        with folder() as temp:
            path = temp / "interactions.tsv"
            words = ["predict", f"--run={self.path}", "--gi", "--format=tsv", f"--output={path}"]
            run(*words, *options(pert=asked, calibrate=calibrate))
            return read_tsv(path)

    def rank(self, signature: Any = None, **how: Any) -> pd.DataFrame:
        """Ranks the upstream genes that explain a change: `grn.tl.rank` with this run."""
        from .tl import rank

        return rank(self, signature, **how)

    def report(self, perturbations: Sequence[str] = (), *, output: str | os.PathLike[str] | None = None) -> Path:
        """Writes the report as one HTML file, by default `report.html` in the run; returns its path."""
        run("report", f"--run={self.path}", *options(pert=list(perturbations), output=output))
        return self.path / "report.html" if output is None else Path(output)

    def lend(self, stack: ExitStack) -> None:
        """Lends the cells that the run was fitted on until the stack ends, where they lie in memory."""
        if self._data is not None:
            stack.enter_context(borrowed(self._data, self.manifest["data"]))

    def _described(self, data: AnnData) -> AnnData:
        """Adds what the run knows of the genes and of itself."""
        about = dict(data.uns.get("grn", {}))
        about.setdefault("model", self.model)
        about.update(run=os.fspath(self.path), settings=self.config)
        data.uns["grn"] = about
        data.varp["grn"] = self.graph.adjacency(list(data.var_names))
        return data

    def __repr__(self) -> str:
        m = self.manifest
        state = "" if m["status"] == "complete" else f", {m['status']}"
        return (
            f"Run {self.path}: model {m['model']}, {m['n_perturbations']} perturbations x {m['n_genes']} genes, "
            f"seed {m['seed']}{state}"
        )

    def _repr_html_(self) -> str:
        m = self.manifest
        facts = {
            "model": m["model"], "status": m["status"], "data": m["data"], "perturbations": m["n_perturbations"],
            "genes": m["n_genes"], "seed": m["seed"], "seconds": round(m["wall_secs"], 2),
        }  # fmt: skip
        rows = "".join(f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>" for name, value in facts.items())
        return f"<b>Run</b> <code>{html.escape(os.fspath(self.path))}</code><table>{rows}</table>"


class CrossValidation:
    """A cross-validation in its folder; made by `grn.tl.cv`."""

    def __init__(self, path: str | os.PathLike[str], *, _kept: Any = None) -> None:
        self.path = Path(path)
        if not (self.path / "cv.tsv").exists():
            raise GrnFileNotFoundError(f"`{self.path}` holds no cross-validation")
        self._kept = _kept

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per model and metric: mean over held-out perturbations with its 95 % interval."""
        return read_tsv(self.path / "cv.tsv")

    @cached_property
    def per_perturbation(self) -> pd.DataFrame:
        """A row per model and held-out perturbation."""
        return read_tsv(self.path / "per_perturbation.tsv")

    @cached_property
    def paired(self) -> pd.DataFrame:
        """A row per pair of models and metric: the mean difference with its interval."""
        return read_tsv(self.path / "paired.tsv")

    @property
    def folds(self) -> pd.DataFrame:
        """The fold of each perturbation."""
        return read_tsv(self.path / "folds.tsv")

    def predictions(self, model: str) -> AnnData:
        """What a model predicted for each perturbation while it was held out: `X` is the change."""
        path = self.path / model / "predictions.h5ad"
        if not path.exists():
            raise GrnFileNotFoundError(f"`{self.path}` has no predictions of `{model}`")
        data = read_h5ad(path)
        data.uns["grn"] = {**dict(data.uns.get("grn", {})), "model": model}
        if (self.path / "graph.tsv.gz").exists():
            data.varp["grn"] = Graph(self.path / "graph.tsv.gz").adjacency(list(data.var_names))
        return data

    def report(self, *, output: str | os.PathLike[str] | None = None) -> Path:
        """Writes the report as one HTML file, by default `report.html` in the folder; returns its path."""
        run("report", f"--run={self.path}", *options(output=output))
        return self.path / "report.html" if output is None else Path(output)

    def __repr__(self) -> str:
        models = joined(dict.fromkeys(self.table["model"]))
        return f"CrossValidation of {models} ({self.path})"

    def _repr_html_(self) -> str:
        return (
            f"<b>Cross-validation</b> <code>{html.escape(os.fspath(self.path))}</code>{self.table.to_html(index=False)}"
        )
