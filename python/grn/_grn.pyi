"""The extension: what Python cannot do. Used by the package alone."""

from collections.abc import Callable
from typing import Any

__version__: str

_Column = tuple[str, str, Any]
_Frame = tuple[list[str], list[_Column]]
_Matrix = tuple[str, str, list[Any], tuple[int, int]]

def call(
    arguments: list[str], heard: Callable[..., None], /
) -> tuple[str, list[str], dict[str, tuple[str, bytearray, list[str] | None]] | None]: ...
def lend(
    name: str,
    n_cells: int,
    obs: list[_Column],
    var: _Frame,
    raw_var: _Frame | None,
    matrices: list[_Matrix],
    is_ours: bool,
    file: str | None,
    table: tuple[str, str] | None,
    /,
) -> int: ...
def release(loan: int, /) -> None: ...
