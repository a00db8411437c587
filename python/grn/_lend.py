"""What a function is given as data: a path, or an AnnData whose arrays are lent without a copy."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata import AnnData

from . import _grn
from ._call import say
from ._errors import GrnFileNotFoundError, GrnValueError

if TYPE_CHECKING:
    from ._screen import Screen

#: An AnnData (in memory or backed), a path of any format that `grn` reads, or a `Screen`.
Data: TypeAlias = Union[AnnData, str, "os.PathLike[str]", "Screen"]

# Layers that are read: counts, and those of a table of this package.
_LAYERS = ("counts", "var", "third", "fraction", "half_a", "half_b", "significant")
# Columns of `var` that name genes otherwise than its index.
_NAMES = (
    "gene_symbols",
    "gene_symbol",
    "gene_name",
    "feature_name",
    "symbol",
    "gene_names",
    "gene_short_name",
    "gene_ids",
)


@contextmanager
def borrowed(data: Data, name: str | None = None) -> Iterator[str]:
    """The name under which a command finds the data: a path, or that of a loan that ends with the context.

    While it lasts, the arrays of the AnnData must not be written to. `name` is the one that a run knows the data by.
    """
    from ._screen import Screen

    if isinstance(data, Screen):
        data = data.data
    if isinstance(data, (str, os.PathLike)):
        yield _existing(os.fspath(data))
        return
    if not isinstance(data, AnnData):
        raise GrnValueError(f"data\n  expected an AnnData, a path or a Screen, got {type(data).__name__}")
    with ExitStack() as stack:
        if data.isbacked and data.is_view:
            say("notice", "a view of a backed AnnData is read into memory")
            data = data.to_memory()
        # Never the name of other data: runs remember it.
        name = name or f"AnnData:{uuid.uuid4().hex[:8]}"
        stack.callback(_grn.release, lend(data, name))
        yield name


def in_memory(data: Data | None) -> AnnData | None:
    """The AnnData of data that does not lie in a file of its own."""
    from ._screen import Screen

    data = data.data if isinstance(data, Screen) else data
    return data if isinstance(data, AnnData) else None


def _existing(path: str) -> str:
    if not os.path.exists(path):
        raise GrnFileNotFoundError(f"`{path}` does not exist")
    return path


def _backed(data: AnnData) -> str | None:
    """The file of a backed AnnData, whose matrix is streamed from there; `None` for one in memory."""
    if not data.isbacked:
        return None
    if getattr(data.file, "_filemode", "r") == "r+":
        raise GrnValueError(
            f"`{data.filename}` is opened for writing\n  expected an AnnData that is backed for reading",
            'open it with `anndata.read_h5ad(path, backed="r")`',
        )
    return str(data.filename)


def lend(data: AnnData, name: str) -> int:
    """Lends an AnnData under a name; returns the number of the loan, which the caller ends with `_grn.release`."""
    about = data.uns.get("grn")
    table: tuple[str, str] | None = None
    if isinstance(about, dict) and "quantity" in about:
        table = (str(about["quantity"]), str(about.get("control_label", "control")))
    file = _backed(data)
    matrices: list[tuple[str, str, list[np.ndarray], tuple[int, int]]] = []
    if file is None and data.X is not None:
        matrices.append(_matrix("X", data.X))
    wanted = _LAYERS if table else _LAYERS[:1]
    if file is None:
        matrices += [_matrix(f"layers/{name}", data.layers[name]) for name in wanted if name in data.layers]
    raw = data.raw if file is None else None
    raw_var = None
    if raw is not None:
        matrices.append(_matrix("raw/X", raw.X))
        raw_var = _frame(raw.var)
    obs = [_column(str(name), data.obs[name]) for name in data.obs.columns]
    try:
        return _grn.lend(name, data.n_obs, obs, _frame(data.var), raw_var, matrices, about is not None, file, table)
    except (TypeError, ValueError) as error:
        raise GrnValueError(str(error), "cast it, for example with `adata.X = adata.X.astype('float32')`") from None


def _frame(frame: Any) -> tuple[list[str], list[tuple[str, str, Any]]]:
    columns = [_column(name, frame[name]) for name in _NAMES if name in frame.columns]
    return [str(name) for name in frame.index], columns


def _column(name: str, values: pd.Series) -> tuple[str, str, Any]:
    """A column as its kind and arrays: codes and categories, or numbers."""
    kind = values.dtype
    if isinstance(kind, pd.CategoricalDtype):
        coded = values.cat
        return (
            name,
            "labels",
            (_ints(coded.codes, np.int32), [_label(c) for c in coded.categories], bool(coded.ordered)),
        )
    if pd.api.types.is_bool_dtype(kind) and not values.hasnans:
        return name, "booleans", np.ascontiguousarray(values.to_numpy(dtype=bool))
    if pd.api.types.is_integer_dtype(kind) and not values.hasnans:
        return name, "integers", _ints(values, np.int64)
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return name, "floats", np.ascontiguousarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    codes, labels = pd.factorize(values)
    return name, "labels", (_ints(codes, np.int32), [_label(label) for label in labels], False)


def _ints(values: Any, kind: type) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(values, dtype=kind))


def _label(label: Any) -> str:
    """A label as a file has it: no `.0` behind whole numbers, `true` and `false` in lower case."""
    if isinstance(label, (bool, np.bool_)):
        return "true" if label else "false"
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _matrix(at: str, x: Any) -> tuple[str, str, list[np.ndarray], tuple[int, int]]:
    """A matrix as its arrays: those of SciPy or NumPy themselves, not copies."""
    if sp.issparse(x):
        if x.format not in ("csr", "csc"):
            say("notice", f"`{at}` is a sparse matrix in the layout `{x.format}`: it is copied into compressed rows")
            x = x.tocsr()
        arrays = [np.asarray(part) for part in (x.indptr, x.indices, x.data)]
        return at, x.format, [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays], _shape(x)
    if isinstance(x, np.ndarray):
        x = np.asarray(x)
        if x.ndim != 2:
            raise GrnValueError(f"`{at}`: expected two dimensions, got {x.ndim}")
        if any(step < 0 or step % x.itemsize for step in x.strides):
            say("notice", f"`{at}` runs backward through memory: it is copied")
            x = np.ascontiguousarray(x)
        return at, "dense", [x], _shape(x)
    got = f"{type(x).__module__}.{type(x).__name__}"
    raise GrnValueError(
        f"`{at}`: expected a SciPy CSR or CSC matrix or a NumPy array, got {got}",
        "bring it into memory first (`adata = adata.to_memory()`, `.compute()` for dask), or give the path of the file",
    )


def _shape(x: Any) -> tuple[int, int]:
    return int(x.shape[0]), int(x.shape[1])
