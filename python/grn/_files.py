"""Files between the commands and Python: temporary unless asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import anndata
import pandas as pd
from anndata import AnnData


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that disappears."""
    with tempfile.TemporaryDirectory(prefix="grn-") as path:
        yield Path(path)


def target(stack: ExitStack, output: str | os.PathLike[str] | None, name: str) -> Path:
    """Where a command writes: the place asked for, else a file that disappears with the stack."""
    return stack.enter_context(folder()) / name if output is None else Path(output)


def read_h5ad(path: Path) -> AnnData:
    """An AnnData in memory."""
    return anndata.read_h5ad(path)


def read_tsv(path: Path) -> pd.DataFrame:
    """A table whose numbers are those that are written, to the last bit."""
    return pd.read_csv(path, sep="\t", float_precision="round_trip", keep_default_na=False, na_values=["", "NaN"])
