"""Gene graphs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ._call import options, run
from ._errors import GrnFileNotFoundError, GrnKeyError, GrnValueError

if TYPE_CHECKING:
    import networkx

#: A graph, a path of a prior (STRING, TF-target table, gene sets, any edge list), a table of edges, or several of them.
GraphLike: TypeAlias = Union["Graph", str, "os.PathLike[str]", pd.DataFrame, Sequence[Any]]


class Graph:
    """A directed gene graph in a file; made by `grn.gr.build`, or from the path of any prior.

    Attributes
    ----------
    path
        The file: a table of `source`, `target`, `weight`, `sign`, `evidence`.
    summary
        Sizes, degrees and components, as `grn graph info` gives them.
    """

    def __init__(self, path: str | os.PathLike[str], *, _kept: Any = None) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise GrnFileNotFoundError(f"`{self.path}` does not exist")
        # A temporary folder lives as long as the graph that lies in it.
        self._kept = _kept

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Sizes, degrees and components."""
        found: dict[str, Any] = run("graph", "info", self.path, "--json").json()
        return found

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(self.genes)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self._edges)

    @property
    def genes(self) -> list[str]:
        """The genes, sorted."""
        return sorted(set(self._edges["source"]) | set(self._edges["target"]))

    @cached_property
    def _edges(self) -> pd.DataFrame:
        with open(self.path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        first = pd.read_csv(self.path, sep="\t", nrows=0, compression="gzip" if zipped else None)
        if list(first.columns[:4]) != ["source", "target", "weight", "sign"]:
            raise GrnValueError(
                f"`{self.path}` is a prior, not a graph of this package",
                "merge priors into a graph with `grn.gr.build`",
            )
        return pd.read_csv(
            self.path, sep="\t", compression="gzip" if zipped else None, float_precision="round_trip",
            keep_default_na=False, na_values={"weight": ["", "NaN"]},
        )  # fmt: skip

    def to_pandas(self) -> pd.DataFrame:
        """Edges: `source`, `target`, `weight`, `sign` (1, -1, 0 where it is not known), `evidence`."""
        edges = self._edges.copy()
        edges["sign"] = signs(edges["sign"])
        return edges

    def to_decoupler(self) -> pd.DataFrame:
        """Edges as decoupler takes them: `source`, `target`, `weight`, negative where the source represses."""
        return signed(self._edges)

    def to_networkx(self) -> networkx.DiGraph:
        """A `networkx.DiGraph` whose edges have `weight`, `sign` and `evidence`."""
        import networkx

        return networkx.from_pandas_edgelist(
            self.to_pandas(), edge_attr=["weight", "sign", "evidence"], create_using=networkx.DiGraph
        )

    def adjacency(self, genes: Sequence[str]) -> sp.csr_matrix:
        """Signed weights between these genes, n x n: row regulator, column target; what `varp["grn"]` holds."""
        return adjacency(self._edges, genes)

    def path_between(self, source: str, target: str) -> str:
        """The best way from one gene to another, as text (`A -> B -| C`)."""
        return run("graph", "path", self.path, source, target).output[-1]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Copies the table (`.tsv.gz`), or writes another format by its ending (graphml, gexf, sif, dot, cyjs)."""
        path = Path(path)
        if path.name.endswith((".tsv.gz", ".tsv")):
            ours = self.path.name.endswith(".gz") == path.name.endswith(".gz")
            if ours:
                shutil.copyfile(self.path, path)
            else:
                self._edges.to_csv(path, sep="\t", index=False)
            return path
        run("graph", "export", self.path, f"--format={path.suffix[1:]}", f"--output={path}")
        return path

    def __contains__(self, gene: object) -> bool:
        return gene in set(self._edges["source"]) or gene in set(self._edges["target"])

    def __repr__(self) -> str:
        return f"Graph of {self.n_genes} genes and {self.n_edges} edges ({self.path})"


def signs(column: pd.Series) -> np.ndarray:
    """Signs as numbers: 1, -1, 0 where it is not known."""
    known = {"+": 1, "-": -1, "1": 1, "-1": -1, "+1": 1, "activation": 1, "repression": -1}
    return column.astype(str).map(known).fillna(0).to_numpy(dtype=np.int8)


def new_graph(words: list[str], output: str | os.PathLike[str] | None, overwrite: bool, seed: int | None) -> Graph:
    """Runs `grn graph build`; the file is temporary where none is asked for."""
    kept = None
    if output is None:
        kept = tempfile.TemporaryDirectory(prefix="grn-")
        output = Path(kept.name) / "graph.tsv.gz"
    words = [*words, f"--output={os.fspath(output)}", *options(overwrite=overwrite)]
    answer = run("graph", "build", *words, "--json", seed=seed)
    graph = Graph(output, _kept=kept)
    graph.__dict__["summary"] = answer.json()["summary"]
    return graph


def priors(graph: GraphLike | None, temp: Path) -> list[str]:
    """Options for what a graph is learned from; tables become files in the folder."""
    if graph is None:
        return []
    if isinstance(graph, Graph):
        return [f"--prior={graph.path}"]
    if isinstance(graph, pd.DataFrame):
        return [f"--prior={_written(graph, temp)}"]
    if isinstance(graph, (str, os.PathLike)):
        path = Path(graph)
        if not path.exists():
            raise GrnFileNotFoundError(f"`{path}` does not exist")
        return [f"--prior={path}"]
    if isinstance(graph, Sequence):
        return [word for one in graph for word in priors(one, temp)]
    got = type(graph).__name__
    raise GrnValueError(f"graph\n  expected a Graph, a path, a DataFrame of edges or a list of them, got {got}")


def _written(edges: pd.DataFrame, temp: Path) -> Path:
    """A table of edges as a file."""
    missing = [name for name in ("source", "target") if name not in edges.columns]
    if missing:
        found = ", ".join(f"`{name}`" for name in list(edges.columns)[:12])
        raise GrnKeyError(f"column `{missing[0]}` not found in the table of edges\n  found {found}")
    wanted = [name for name in ("source", "target", "weight", "sign", "evidence") if name in edges.columns]
    path = temp / f"edges{len(list(temp.glob('edges*')))}.tsv"
    edges[wanted].to_csv(path, sep="\t", index=False)
    return path


def signed(edges: pd.DataFrame) -> pd.DataFrame:
    """`source`, `target`, `weight`, negative where the source represses."""
    weight = edges["weight"].where(signs(edges["sign"]) >= 0, -edges["weight"])
    return pd.DataFrame({"source": edges["source"], "target": edges["target"], "weight": weight})


def adjacency(edges: pd.DataFrame, genes: Sequence[str]) -> sp.csr_matrix:
    """Signed weights between these genes, n x n: row regulator, column target."""
    position = pd.Index(genes)
    edges = signed(edges)
    rows, columns = position.get_indexer(pd.Index(edges["source"])), position.get_indexer(pd.Index(edges["target"]))
    known = (rows >= 0) & (columns >= 0)
    values = edges["weight"].to_numpy(dtype=np.float32)[known]
    n = len(position)
    return sp.coo_matrix((values, (rows[known], columns[known])), shape=(n, n)).tocsr()
