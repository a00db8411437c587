"""Building gene graphs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from ._call import options
from ._files import folder
from ._graph import Graph, GraphLike, new_graph, priors
from ._lend import Data, borrowed
from ._screen import screen_options

__all__ = ["build"]


def build(
    prior: GraphLike | None = None,
    *,
    coexpression: Data | None = None,
    genes_of: Data | None = None,
    min_score: float | None = None,
    min_correlation: float | None = None,
    max_cells: int | None = None,
    top: int | None = None,
    without_channels: Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    seed: int | None = None,
    **screen: Any,
) -> Graph:
    """Merges priors, and co-expression where asked for, into one directed graph.

    Parameters
    ----------
    prior
        Paths (STRING links, a TF-target table, gene sets, any edge list), tables of edges with the columns `source`,
        `target` and, where known, `weight` and `sign`, graphs, or a list of them.
    coexpression
        A screen: genes that are correlated in its control cells are joined.
    genes_of
        A screen: only its genes are kept, measured or perturbed.
    min_score
        Drop STRING edges with a smaller combined score (0 to 1000).
    min_correlation, max_cells
        Keep larger absolute correlations (0.4), over at most so many control cells (10,000).
    top
        Keep the strongest edges out of and into each gene.
    without_channels
        Evidence to leave out, for example `["string.coexpression"]`.
    output
        Where to keep the table (`.tsv.gz`); by default it disappears with the graph.
    screen
        The options of `grn.pp.read_screen`, for the screens.
    """
    with folder() as temp, ExitStack() as stack:
        words = priors(prior, temp)
        for name, data in (("coexpression", coexpression), ("genes_of", genes_of)):
            if data is not None:
                words += options(**{name: stack.enter_context(borrowed(data))})
        described = coexpression if coexpression is not None else genes_of
        if described is not None:
            words += screen_options(described, screen)
        words += options(
            min_score=min_score, min_correlation=min_correlation, max_cells=max_cells, top=top,
            without_channel=list(without_channels),
        )  # fmt: skip
        return new_graph(words, output, overwrite, seed)
