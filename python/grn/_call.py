"""Commands as calls: arguments, progress, notices, and what comes back."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import _grn
from ._settings import settings
from ._words import in_python

#: Notices come at `INFO`, what is being done at 15, details at `DEBUG`. With no handler of yours they go to stderr.
logger = logging.getLogger("grn")

_LEVELS = {"notice": logging.INFO, "step": 15, "detail": logging.DEBUG}
_LOUDNESS = {"notice": 1, "step": 2, "detail": 3}


class _Stderr(logging.Handler):
    """Writes to the stderr of the moment (notebooks change it), unless the program set up logging of its own."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            print(self.format(record), file=sys.stderr)


logging.addLevelName(15, "STEP")
logger.addHandler(_Stderr())
logger.setLevel(logging.DEBUG)


def say(kind: str, text: str) -> None:
    """Passes on what a command says, as far as `settings.verbosity` goes."""
    if settings.verbosity >= _LOUDNESS[kind]:
        logger.log(_LEVELS[kind], "%s%s", "notice: " if kind == "notice" else "", in_python(text))


class _Listener:
    """Hears one command: logs what it says, shows how far it is."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._bars: dict[str, Any] = {}
        self._tqdm: Any = None
        if settings.progress and settings.verbosity > 0:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return
            self._tqdm = tqdm

    def __call__(self, kind: str, *what: Any) -> None:
        if kind == "progress":
            self._progress(*what)
        elif kind == "finished":
            self._close(what[0])
        else:
            if kind == "step":
                self.steps.append(what[0])
            say(kind, what[0])

    def _progress(self, what: str, done: int, of: int, message: str) -> None:
        if self._tqdm is None:
            return
        bar = self._bars.get(what)
        if bar is None:
            bar = self._bars[what] = self._tqdm(total=of or None, desc=what, leave=False, delay=0.5)
        if of and bar.total != of:
            bar.total = of
        if message:
            bar.set_postfix_str(message, refresh=False)
        # Another pass over the same cells starts anew.
        bar.update(done - bar.n)

    def _close(self, what: str) -> None:
        bar = self._bars.pop(what, None)
        if bar is not None:
            bar.close()

    def close(self) -> None:
        for what in list(self._bars):
            self._close(what)


@dataclass
class Answer:
    """What a command gave."""

    status: str
    output: list[str]
    table: dict[str, tuple[str, bytearray, list[str] | None]] | None

    def json(self) -> Any:
        """The last piece of output, which is JSON."""
        return json.loads(self.output[-1])

    def frame(self) -> pd.DataFrame:
        """The table: numbers as they were computed, labels as categories."""
        columns: dict[str, Any] = {}
        for name, (kind, content, categories) in (self.table or {}).items():
            values: Any = np.frombuffer(content, dtype=kind)
            columns[name] = values if categories is None else pd.Categorical.from_codes(values, pd.Index(categories))
        return pd.DataFrame(columns, copy=False)


def option(name: str, value: Any) -> list[str]:
    """An argument of Python as options: `None` and `False` are left out, `True` is a switch, lists repeat it."""
    flag = "--" + name.replace("_", "-")
    if value is None or value is False:
        return []
    if value is True:
        return [flag]
    if isinstance(value, Mapping):
        return [word for key, item in value.items() for word in (flag, f"{key}={_text(item)}")]
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, os.PathLike)):
        return [word for item in value for word in (flag, _text(item))]
    # In one word: a value may begin with a minus.
    return [f"{flag}={_text(value)}"]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def options(**values: Any) -> list[str]:
    """Arguments of Python as options."""
    return [word for name, value in values.items() for word in option(name, value)]


def joined(values: str | Iterable[Any] | None) -> str | None:
    """A list in one option, separated by commas."""
    if values is None or isinstance(values, str):
        return values
    return ",".join(_text(value) for value in values) or None


def run(
    *words: str | Path,
    seed: int | None = None,
    device: str | None = None,
    settings_of_run: Mapping[str, Any] | None = None,
) -> Answer:
    """Runs a command of `grn`.

    Raises `GrnError` or one that derives from it; `KeyboardInterrupt` for Ctrl-C, which says how to go on where that
    is possible.
    """
    own = options(
        seed=settings.seed if seed is None else seed,
        device=settings.device if device is None else device,
        threads=settings.threads,
        config=settings.config,
        set=settings_of_run,
    )
    listener = _Listener()
    try:
        status, output, table = _grn.call([*map(str, words), *own], listener)
    finally:
        listener.close()
    if status == "interrupted":
        raise KeyboardInterrupt(_how_to_go_on(words, listener.steps))
    return Answer(status, output, table)


def _how_to_go_on(words: tuple[str | Path, ...], steps: list[str]) -> str:
    """What an interrupted command leaves behind."""
    if words[0] != "fit":
        return "interrupted"
    said = "\n".join(steps)
    found = re.search(r"--outdir (\S+) --resume`", said) or re.search(r"--outdir=(\S+) ", said)
    where = f"outdir={found.group(1)!r}, " if found else ""
    return f"interrupted; the state is saved. Continue with the same call and `{where}resume=True`"
