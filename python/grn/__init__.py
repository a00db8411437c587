"""Gene-regulatory networks and what a knockdown does to a transcriptome, for AnnData.

Four lines::

    import anndata, grn
    screen = grn.pp.read_screen("screen.h5ad")                 # or an AnnData in memory, which is not copied
    run = grn.tl.fit(screen, grn.gr.build("string.tsv"))
    run.predict(["KDM1A", "JAK2+STAT1"])                       # an AnnData: one row per perturbation

`pp` reads and reduces screens, `gr` builds gene graphs, `tl` fits, predicts, ranks, simulates and tests, `metrics`
scores, `pl` draws. Every function takes an AnnData, a path or a `Screen`, and runs the same command as the program
`grn`: the same input and seed give the same bits.
"""

from . import gr, metrics, pl, pp, tl
from ._call import logger
from ._errors import (
    GrnError,
    GrnFileNotFoundError,
    GrnIOError,
    GrnKeyError,
    GrnRuntimeError,
    GrnValueError,
)
from ._figure import Figure
from ._graph import Graph
from ._grn import __version__
from ._run import CrossValidation, Run
from ._screen import Screen
from ._settings import Settings, settings

__all__ = [
    "CrossValidation",
    "Figure",
    "Graph",
    "GrnError",
    "GrnFileNotFoundError",
    "GrnIOError",
    "GrnKeyError",
    "GrnRuntimeError",
    "GrnValueError",
    "Run",
    "Screen",
    "Settings",
    "__version__",
    "gr",
    "logger",
    "metrics",
    "pl",
    "pp",
    "settings",
    "tl",
]
