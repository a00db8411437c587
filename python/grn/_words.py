"""Messages of the program in the words of Python: `--pert-col gene` becomes `pert_col="gene"`."""

from __future__ import annotations

import re
import tempfile

# Commands and the functions that run them.
_COMMANDS = {
    "data check": "grn.pp.check",
    "data presets": "grn.pp.presets",
    "data pseudobulk": "grn.pp.pseudobulk",
    "graph build": "grn.gr.build",
    "simulate": "grn.tl.simulate",
    "fit": "grn.tl.fit",
    "cv": "grn.tl.cv",
    "predict": "Run.predict",
    "rank": "grn.tl.rank",
    "de": "grn.tl.de",
    "score": "grn.metrics.score",
    "report": "Run.report",
}

# Options that are switches.
_SWITCHES = {"overwrite", "resume", "ceiling", "allow-discrete", "permuted", "nested", "halves", "on-target"}

# Options whose argument in Python has another name.
_OPTIONS = {"prior": "graph", "model": "model"}

_QUOTED = re.compile(r"`([^`\n]*)`")
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")


def _name(option: str) -> str:
    return _OPTIONS.get(option, option.replace("-", "_"))


def _value(word: str) -> str:
    return word if word.isupper() or re.fullmatch(r"-?\d+(\.\d+)?", word) else f'"{word}"'


def _quoted(match: re.Match[str]) -> str:
    code = match.group(1)
    for command, function in _COMMANDS.items():
        if code == f"grn {command}":
            return f"`{function}`"
    if not code.startswith("--"):
        return match.group(0)
    arguments: list[str] = []
    for part in re.split(r"\s+(?=--)", code):
        option, _, value = part[2:].partition(" ")
        value = value.strip().strip("'")
        shown = _value(value) if value else "True" if option in _SWITCHES else "..."
        arguments.append(f"{_name(option)}={shown}")
    return f"`{', '.join(arguments)}`"


# What has a new name each time and says nothing to the reader: folders of passing files, and data in memory.
_TEMPORARY = re.compile(re.escape(tempfile.gettempdir()) + r"[/\\]grn-\w{8}[/\\]")
_LENT = re.compile(r"\bAnnData:[0-9a-f]{8}\b")


def shown(text: str) -> str:
    """The same text, without names that differ from call to call."""
    return _LENT.sub("AnnData", _TEMPORARY.sub("", text))


def in_python(text: str) -> str:
    """The same message with options as arguments and commands as functions."""
    text = shown(text)
    text = _QUOTED.sub(_quoted, text)
    return _OPTION.sub(lambda m: _name(m.group(1)), text)
