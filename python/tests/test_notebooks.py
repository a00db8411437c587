"""The notebooks run without an error, within their time; their outputs are those that a run gives."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NEEDED = {"04_networks": ["networkx", "decoupler"], "05_simulation": ["matplotlib"]}


def runner() -> Any:
    for name in ("nbclient", "ipykernel"):
        pytest.importorskip(name)
    spec = importlib.util.spec_from_file_location("run_notebooks", NOTEBOOKS / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_notebooks_are_there_with_outputs() -> None:
    nbformat = pytest.importorskip("nbformat")
    paths = sorted(NOTEBOOKS.glob("*.ipynb"))
    assert [path.stem[:2] for path in paths] == ["01", "02", "03", "04", "05"]
    for path in paths:
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code), path.name
        figures = [o for cell in code for o in cell.outputs if "image/svg+xml" in o.get("data", {})]
        assert figures, f"{path.name} has no figure"
        assert path.stat().st_size < 1_000_000
        assert "/tmp/" not in path.read_text(encoding="utf-8"), f"{path.name} names a temporary file"


@pytest.mark.skipif("GRN_NOTEBOOKS" not in os.environ, reason="takes a minute or two: `make notebooks` runs them")
@pytest.mark.parametrize("name", ["01_quickstart", "02_vcc", "03_targets", "04_networks", "05_simulation"])
def test_a_notebook_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = runner()
    for package in NEEDED.get(name, []):
        pytest.importorskip(package)
    # The kernel finds the package where this test does.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    # `make notebooks` holds each to two minutes; a busy machine is no fault.
    book = run.execute(NOTEBOOKS / f"{name}.ipynb", seconds=600)
    assert all(output.output_type != "error" for cell in book.cells for output in cell.get("outputs", []))
