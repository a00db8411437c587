#!/usr/bin/env python3
"""Runs the notebooks, each in a folder of its own: an error or more than two minutes fails.

    notebooks/run.py [--write] [NAME...]

`--write` keeps the outputs in the files, without what differs from run to run (times, machine, Python). Needs the package
`grn`, nbclient, ipykernel, ipywidgets, and what the notebooks import: networkx, decoupler, matplotlib.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

HERE = Path(__file__).resolve().parent
SECONDS = 120
BYTES = 1_000_000
STYLE = re.compile(r"<style scoped>.*?</style>\n?", re.DOTALL)


def execute(path: Path, seconds: int = SECONDS) -> nbformat.NotebookNode:
    """The notebook with its outputs; an error in a cell is raised with the cell."""
    book = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="grn-notebook-") as folder:
        client = NotebookClient(book, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": folder}})
        client.execute()
    return book


def tidy(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leaves out what says when, where and by whom it was run."""
    book.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    book.metadata["language_info"] = {"name": "python"}
    for cell in book.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "data" in output:
                output.metadata = {}
                # The drawing says it all; style sheets of tables are those of the page.
                if "image/svg+xml" in output.data:
                    output.data = {"image/svg+xml": output.data["image/svg+xml"]}
                elif "text/html" in output.data:
                    output.data["text/html"] = STYLE.sub("", output.data["text/html"])
    return book


def main() -> int:
    """Runs what is asked for; the number of notebooks that failed."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("names", nargs="*", help="notebooks (default: all)")
    arguments.add_argument("--write", action="store_true", help="keep the outputs in the files")
    asked = arguments.parse_args()
    paths = [HERE / f"{Path(name).stem}.ipynb" for name in asked.names] or sorted(HERE.glob("*.ipynb"))
    failed = 0
    for path in paths:
        start = time.monotonic()
        try:
            book = tidy(execute(path))
        except (CellExecutionError, CellTimeoutError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        seconds = time.monotonic() - start
        text = nbformat.writes(book) + "\n"
        print(f"{path.name}: {seconds:.0f} s, {len(text) // 1000} kB")
        if seconds > SECONDS or len(text) > BYTES:
            print(f"{path.name}: expected at most {SECONDS} s and {BYTES // 1000} kB", file=sys.stderr)
            failed += 1
        if asked.write:
            part = path.with_suffix(".part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    return failed


if __name__ == "__main__":
    sys.exit(main())
