"""Exceptions: each says what happened, what was expected and found, and carries a hint."""

from __future__ import annotations

from ._words import in_python


class GrnError(Exception):
    """An error of `grn`; every other one derives from it and from the exception of Python that fits.

    Attributes
    ----------
    message
        What happened, what was expected, what was found.
    hint
        What to try; `None` where there is nothing to say. Part of `str(error)` too.
    """

    message: str
    hint: str | None

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n\nhint: {self.hint}"

    def __reduce__(self) -> tuple[type[GrnError], tuple[str, str | None]]:
        return type(self), (self.message, self.hint)


class GrnValueError(GrnError, ValueError):
    """An argument, a setting or the content of a file that is not accepted."""


class GrnKeyError(GrnError, KeyError):
    """A gene, a perturbation or a column that is not there."""


class GrnFileNotFoundError(GrnError, FileNotFoundError):
    """A file or a run that is not there."""


class GrnIOError(GrnError, OSError):
    """The system refused to read or write."""


class GrnRuntimeError(GrnError, RuntimeError):
    """A fault of `grn` itself: please report it."""


_KINDS: dict[str, type[GrnError]] = {
    "value": GrnValueError,
    "key": GrnKeyError,
    "file": GrnFileNotFoundError,
    "system": GrnIOError,
    "bug": GrnRuntimeError,
}


def failure(kind: str, message: str, hint: str | None) -> BaseException:
    """The exception for a command that failed."""
    message = in_python(message)
    if kind == "interrupted":
        return KeyboardInterrupt(message)
    return _KINDS.get(kind, GrnError)(message, None if hint is None else in_python(hint))
