"""Calls leave the interpreter free, can be interrupted, and tell how far they are."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anndata
import pytest

import grn


def test_other_threads_run_meanwhile(screen: anndata.AnnData) -> None:
    counted, done = 0, threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    began = time.monotonic()
    try:
        while time.monotonic() - began < 0.5:
            grn.tl.de(screen)
    finally:
        done.set()
        thread.join()
    assert counted > 50, f"{counted} in {time.monotonic() - began:.2f} s"


def test_several_threads_call_at_once(screen: anndata.AnnData) -> None:
    expected = grn.pp.pseudobulk(screen).X
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(grn.pp.pseudobulk(screen).X)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all((x == expected).all() for x in found)


def test_notices_are_logged(screen: anndata.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="grn"):
        grn.pp.pseudobulk(screen)
        assert any("values are read as counts" in r.message for r in caplog.records)
        caplog.clear()
        grn.settings.verbosity = 0
        try:
            grn.pp.pseudobulk(screen)
        finally:
            grn.settings.verbosity = 1
        assert not caplog.records


def test_progress_is_shown_by_tqdm(screen: anndata.AnnData, monkeypatch: pytest.MonkeyPatch) -> None:
    tqdm_auto = pytest.importorskip("tqdm.auto")
    bars: list[str] = []

    class Bar(tqdm_auto.tqdm):  # type: ignore[misc]
        def __init__(self, *args: object, **how: object) -> None:
            bars.append(str(how["desc"]))
            super().__init__(*args, **{**how, "disable": True})

    monkeypatch.setattr(tqdm_auto, "tqdm", Bar)
    grn.settings.progress = True
    try:
        grn.tl.de(screen)
    finally:
        grn.settings.progress = False
    assert "reading" in bars
    assert "testing" in bars


INTERRUPTED = """
import sys, anndata, grn
grn.settings.progress = False
grn.settings.verbosity = 3
data, edges, place = sys.argv[1:]
screen = anndata.read_h5ad(data)
class Told(grn.logger.handlers[0].__class__):
    def emit(self, record):
        pass
print("started", flush=True)
try:
    {call}
except KeyboardInterrupt as stopped:
    print("stopped:", stopped, flush=True)
"""


def interrupted(call: str, *words: Path, after: float) -> str:
    script = INTERRUPTED.replace("{call}", call)
    work = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert work.stdout is not None
    assert work.stdout.readline().strip() == "started"
    time.sleep(after)
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=120)
    assert work.returncode == 0, err
    return out


def test_an_interrupted_fit_saves_its_state_and_says_how_to_go_on(
    screen_path: Path, edges_path: Path, tmp_path: Path
) -> None:
    call = 'grn.tl.fit(screen, edges, model="gears", outdir=place, settings={"models.gears.steps": 100000})'
    out = interrupted(call, screen_path, edges_path, tmp_path / "run", after=10.0)
    assert "stopped: interrupted; the state is saved" in out
    assert "resume=True" in out
    assert '"interrupted"' in (tmp_path / "run" / "manifest.json").read_text()
    assert any((tmp_path / "run" / "checkpoints").iterdir())


def test_an_interrupted_table_leaves_nothing(screen_path: Path, edges_path: Path, tmp_path: Path) -> None:
    # Long enough for the signal to find it at work, as a rule: the same cells many times.
    call = 'grn.pp.pseudobulk([screen] * 800, output=place + "/table.h5ad")'
    out = interrupted(call, screen_path, edges_path, tmp_path, after=0.7)
    assert "stopped:" in out
    left = list(tmp_path.iterdir())
    # Work that was done before it saw the signal leaves the whole table; nothing is ever left in part.
    assert left == [] or [anndata.read_h5ad(path).n_obs > 0 for path in left] == [True]
