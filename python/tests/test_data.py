"""Every way to hand cells over gives the same table, and none copies or changes the matrix."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import grn


def same(a: anndata.AnnData, b: anndata.AnnData) -> None:
    assert np.array_equal(a.X, b.X)
    assert set(a.layers) == set(b.layers)
    for layer in a.layers:
        assert np.array_equal(a.layers[layer], b.layers[layer]), layer
    assert list(a.obs["target_gene"]) == list(b.obs["target_gene"])
    assert list(a.obs["n_cells"]) == list(b.obs["n_cells"])
    assert list(a.var_names) == list(b.var_names)


def with_x(data: anndata.AnnData, x: object) -> anndata.AnnData:
    return anndata.AnnData(x, obs=data.obs, var=data.var)


def int64(x: sp.csr_matrix) -> sp.csr_matrix:
    x = x.copy()
    x.indptr, x.indices = x.indptr.astype(np.int64), x.indices.astype(np.int64)
    return x


LAYOUTS = {
    "csr": lambda x: x,
    "csr array": sp.csr_array,
    "csc": lambda x: x.tocsc(),
    "csc float64": lambda x: x.tocsc().astype(np.float64),
    "int32": lambda x: x.astype(np.int32),
    "uint16": lambda x: x.astype(np.uint16),
    "int64 indices": int64,
    "dense": lambda x: x.toarray(),
    "dense by columns": lambda x: np.asfortranarray(x.toarray()),
    "dense int64": lambda x: x.toarray().astype(np.int64),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_types_agree(screen: anndata.AnnData, screen_path: Path, layout: str) -> None:
    expected = grn.pp.pseudobulk(screen_path, halves=True)
    same(grn.pp.pseudobulk(with_x(screen, LAYOUTS[layout](screen.X)), halves=True), expected)


def test_rows_out_of_order_and_unsorted_columns_agree(screen: anndata.AnnData, screen_path: Path) -> None:
    x = screen.X.tocsc()
    for j in range(x.shape[1]):
        part = slice(x.indptr[j], x.indptr[j + 1])
        x.indices[part], x.data[part] = x.indices[part][::-1].copy(), x.data[part][::-1].copy()
    x.has_sorted_indices = False
    same(grn.pp.pseudobulk(with_x(screen, x)), grn.pp.pseudobulk(screen_path))


def test_views_and_steps(screen: anndata.AnnData) -> None:
    every_second = np.arange(0, screen.n_obs, 2)
    expected = grn.pp.pseudobulk(screen[every_second].copy())
    same(grn.pp.pseudobulk(screen[every_second]), expected)
    # A NumPy view with steps is borrowed as it is.
    dense = screen.X.toarray()[::2]
    assert not dense.flags.owndata
    same(grn.pp.pseudobulk(anndata.AnnData(dense, obs=screen.obs.iloc[::2], var=screen.var)), expected)


def test_backed_is_streamed_with_the_annotation_in_memory(screen_path: Path) -> None:
    backed = anndata.read_h5ad(screen_path, backed="r")
    try:
        same(grn.pp.pseudobulk(backed), grn.pp.pseudobulk(screen_path))
        backed.obs["moved"] = np.roll(backed.obs["target_gene"].astype(str).to_numpy(), 5)
        moved = grn.pp.pseudobulk(backed, pert_col="moved", control_pert="non-targeting")
        copy = backed.to_memory()
        same(moved, grn.pp.pseudobulk(copy, pert_col="moved", control_pert="non-targeting"))
        half = backed[: backed.n_obs // 2]
        same(grn.pp.pseudobulk(half), grn.pp.pseudobulk(half.to_memory()))
    finally:
        backed.file.close()


def test_backed_for_writing_is_refused_with_a_hint(screen_path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.h5ad"
    copy.write_bytes(screen_path.read_bytes())
    backed = anndata.read_h5ad(copy, backed="r+")
    try:
        with pytest.raises(grn.GrnValueError, match='backed="r"'):
            grn.pp.pseudobulk(backed)
    finally:
        backed.file.close()


def test_arrays_stay_where_and_as_they_are(screen: anndata.AnnData) -> None:
    x = screen.X
    before = [(a.ctypes.data, a.copy()) for a in (x.indptr, x.indices, x.data)]
    grn.pp.pseudobulk(screen)
    assert screen.X is x
    for (address, content), array in zip(before, (x.indptr, x.indices, x.data), strict=True):
        assert array.ctypes.data == address
        assert np.array_equal(array, content)


def test_counts_are_taken_from_layers_or_raw_where_x_cannot_be(screen: anndata.AnnData, screen_path: Path) -> None:
    expected = grn.pp.pseudobulk(screen_path)
    scaled = with_x(screen, screen.X.toarray() - 1.0)
    scaled.layers["counts"] = screen.X
    same(grn.pp.pseudobulk(scaled), expected)
    empty = anndata.AnnData(obs=screen.obs, var=screen.var)
    empty.layers["counts"] = screen.X
    same(grn.pp.pseudobulk(empty), expected)
    # What this package wrote is taken as it says, so that these cells say nothing.
    raw = with_x(screen, screen.X)
    raw.raw = raw.copy()
    raw = raw[:, :50].copy()
    raw.X = raw.X.toarray() - 1.0
    same(grn.pp.pseudobulk(raw), expected)


def test_columns_of_every_type_are_labels(screen: anndata.AnnData, screen_path: Path) -> None:
    expected = grn.pp.pseudobulk(screen_path, batch_col="batch")
    screen.obs["numbers"] = screen.obs["batch"].cat.codes.to_numpy()
    screen.obs["objects"] = screen.obs["batch"].astype(object)
    screen.obs["flags"] = (screen.obs["batch"].cat.codes == 0).to_numpy()
    screen.obs["floats"] = screen.obs["numbers"].astype(float)
    screen.obs["missing"] = screen.obs["objects"].where(screen.obs["numbers"] > 0, None)
    for column in ("numbers", "objects", "flags", "floats", "missing"):
        got = grn.pp.pseudobulk(screen, batch_col=column)
        if column == "objects":
            assert np.array_equal(got.X, expected.X)
    assert set(grn.pp.pseudobulk(screen, batch_col="floats").obs["batch"].astype(str)) <= {"0", "1", "2", "3"}


def test_a_pseudobulk_in_memory_is_the_table_it_is_on_disk(
    screen: anndata.AnnData, graph: grn.Graph, tmp_path: Path
) -> None:
    table = grn.pp.pseudobulk(screen, halves=True, output=tmp_path / "table.h5ad")
    runs = [
        grn.tl.fit(data, graph, model="linear", outdir=tmp_path / name)
        for name, data in (("memory", table), ("file", tmp_path / "table.h5ad"), ("cells", screen))
    ]
    models = [(run.path / "responses.h5ad").read_bytes() for run in runs]
    assert models[0] == models[1] == models[2]


def test_several_screens_are_merged(screen: anndata.AnnData) -> None:
    halves = [screen[: screen.n_obs // 2].copy(), screen[screen.n_obs // 2 :].copy()]
    assert list(grn.pp.pseudobulk(halves).obs["n_cells"]) == list(grn.pp.pseudobulk(screen).obs["n_cells"])


def test_read_screen_tells_what_was_found_and_remembers_it(screen: anndata.AnnData) -> None:
    screen.obs = screen.obs.rename(columns={"target_gene": "who"})
    found = grn.pp.read_screen(screen, pert_col="who")
    assert (found.pert_col, found.control, found.scale) == ("who", "non-targeting", "counts")
    assert (found.n_cells, found.n_genes, found.n_perturbations, found.n_control) == (320, 320, 10, 80)
    assert "10, in obs['who']; control 'non-targeting' (80 cells)" in repr(found)
    assert grn.pp.pseudobulk(found).n_obs == 11
    assert grn.pp.check(found)["usable"]


def test_what_cannot_be_read_is_refused_with_a_hint(screen: anndata.AnnData) -> None:
    with pytest.raises(grn.GrnValueError, match="expected an AnnData, a path or a Screen"):
        grn.pp.pseudobulk(pd.DataFrame())
    strange = with_x(screen, screen.X.toarray().astype(np.complex64))
    with pytest.raises(grn.GrnValueError, match="astype"):
        grn.pp.pseudobulk(strange)
    with pytest.raises(TypeError, match="unexpected argument `pert_cool`"):
        grn.pp.pseudobulk(screen, pert_cool="x")
    broken = with_x(screen, screen.X.copy())
    broken.X.data[7] = np.nan
    with pytest.raises(grn.GrnValueError, match="NaN"):
        grn.pp.pseudobulk(broken, scale="counts")


MEMORY = """
import anndata, numpy as np, pandas as pd, scipy.sparse as sp
import grn
grn.settings.progress, grn.settings.verbosity = False, 0
cells, genes, per_cell = 60_000, 2_000, 1_000
rng = np.random.default_rng(0)
one = np.sort(rng.permuted(np.tile(np.arange(genes, dtype=np.int32), (20, 1)), axis=1)[:, :per_cell], axis=1)
indices = np.tile(one, (cells // 20, 1)).ravel()
data = np.ones(len(indices), dtype=np.float32)
data[::3] = 4
indptr = np.arange(0, len(indices) + 1, per_cell)
x = sp.csr_matrix((data, indices, indptr), shape=(cells, genes), copy=False)
labels = pd.Categorical.from_codes(np.arange(cells) % 50, ["control", *(f"G{i}" for i in range(1, 50))])
obs = pd.DataFrame({"perturbation": labels}, index=[str(i) for i in range(cells)])
adata = anndata.AnnData(x, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(genes)]))
grn.pp.pseudobulk(adata[:100].copy())
# Peak memory counts from here on.
open("/proc/self/clear_refs", "w").write("5")
status = lambda name: int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) * 1024
before = status("VmRSS")
grn.pp.pseudobulk(adata)
matrix = sum(a.nbytes for a in (adata.X.data, adata.X.indices, adata.X.indptr))
print(matrix, status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_large_matrix_is_not_copied() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    matrix, growth = map(int, done.stdout.split())
    assert matrix > 450e6
    assert growth < 0.25 * matrix, f"{growth / 1e6:.0f} MB on top of a matrix of {matrix / 1e6:.0f} MB"
