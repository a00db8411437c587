"""Generated data for all tests: a small simulated screen, a graph, a run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import anndata
import pytest

import grn

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    grn.settings.progress = False
    grn.settings.threads = 2


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("grn")


@pytest.fixture(scope="session")
def screen_path(place: Path) -> Path:
    """A screen of 10 perturbations and 320 genes as a file, with its truth beside it."""
    path = place / "screen.h5ad"
    grn.tl.simulate(path, genes=320, perturbations=10, cells_per_perturbation=24, controls=80, seed=3)
    return path


@pytest.fixture
def screen(screen_path: Path) -> anndata.AnnData:
    return anndata.read_h5ad(screen_path)


@pytest.fixture(scope="session")
def edges_path(screen_path: Path) -> Path:
    return screen_path.with_suffix(".truth") / "edges.tsv"


@pytest.fixture(scope="session")
def graph(edges_path: Path) -> grn.Graph:
    return grn.gr.build(edges_path)


@pytest.fixture(scope="session")
def run(place: Path, screen_path: Path, edges_path: Path) -> grn.Run:
    return grn.tl.fit(anndata.read_h5ad(screen_path), edges_path, model="linear", outdir=place / "run", seed=1)


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """The program `grn` of the same build, for what both must agree in."""
    named = [Path(os.environ["GRN_BIN"])] if "GRN_BIN" in os.environ else []
    found = [path for path in (*named, ROOT / "target/debug/grn", ROOT / "target/release/grn") if path.exists()]
    if not found:
        pytest.skip("the program grn is not built (cargo build)")

    def call(*words: str | Path) -> str:
        done = subprocess.run([found[0], *map(str, words), "-j", "2", "-q"], check=True, capture_output=True, text=True)
        return done.stdout

    return call
