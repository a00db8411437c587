"""Figures."""

from __future__ import annotations

import os
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
        # A wide drawing shrinks to the page instead of running out of it.
        return self.svg.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"
