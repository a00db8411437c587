"""Figures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path


class Figure:
    """A drawing: notebooks show it as it is; `save` writes SVG, PNG or PDF by the ending of the name.

    Attributes
    ----------
    svg
        The drawing as text.
    alt
        What it shows, in words.
    """

    def __init__(self, svg: str, alt: str, draw: Callable[[Path], object]) -> None:
        self.svg = svg
        self.alt = alt
        self._draw = draw

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the drawing: `.svg` keeps text as text, `.png` is for slides, `.pdf` for print; networks have more."""
        path = Path(path)
        if path.suffix == ".svg":
            path.write_text(self.svg, encoding="utf-8")
        else:
            self._draw(path)
        return path

    def _repr_svg_(self) -> str:
        return _fitted(self.svg)

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


#: Width of a notebook's page in pixels: wider drawings would run out of it.
_PAGE = 960


def _fitted(svg: str) -> str:
    """The drawing, shrunk to the page where it is wider: its view box scales what is in it."""
    size = re.match(r'<svg[^>]*? width="(\d+)" height="(\d+)"', svg)
    if size is None or int(size[1]) <= _PAGE:
        return svg
    width, height = int(size[1]), int(size[2])
    fitted = f'width="{_PAGE}" height="{round(height * _PAGE / width)}"'
    return svg.replace(f'width="{width}" height="{height}"', fitted, 1)
