"""The annotations are complete."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import grn


def test_annotations_are_complete() -> None:
    pytest.importorskip("mypy")
    folder = Path(__file__).resolve().parents[1]
    words = [sys.executable, "-m", "mypy", "--config-file", str(folder / "pyproject.toml"), str(folder / "grn")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_everything_public_is_documented() -> None:
    for module in (grn, grn.pp, grn.gr, grn.tl, grn.metrics, grn.pl):
        assert module.__doc__
        for name in module.__all__:
            if not name.startswith("__") and not isinstance(getattr(module, name), grn.Settings):
                assert getattr(module, name).__doc__, f"{module.__name__}.{name}"
