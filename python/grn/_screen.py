"""A screen: data, and how its cells are labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._call import options
from ._lend import Data

#: Arguments that say how cells are labelled and scaled, the same in every function that reads cells.
SCREEN = (
    "preset", "pert_col", "control_pert", "celltype_col", "batch_col", "scale", "target_sum", "aliases",
    "gene_metadata",
)  # fmt: skip


@dataclass(frozen=True)
class Screen:
    """Cells and what was found out about them; accepted wherever data is. Made by `grn.pp.read_screen`.

    Attributes
    ----------
    data
        The AnnData or the path.
    pert_col, control
        Column of the perturbations, label of the control.
    n_cells, n_genes, n_control, n_perturbations
        Numbers of cells, genes, control cells and perturbations.
    scale
        `"counts"` or `"log1p"`; `None` for a table with one row per perturbation.
    notices
        What was decided while looking.
    """

    data: Any
    pert_col: str
    control: str | None
    n_cells: int
    n_genes: int
    n_control: int
    n_perturbations: int
    scale: str | None
    evidence: str | None
    matrix: str | None
    rows: str
    notices: tuple[str, ...] = ()
    stated: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        control = "no control" if self.control is None else f"control {self.control!r} ({self.n_control} cells)"
        scale = f"{self.matrix}: {self.scale}" if self.scale else f"{self.matrix}: one row per perturbation"
        why = f" ({self.evidence})" if self.scale and self.evidence else ""
        return (
            f"Screen of {self.n_cells} {'rows' if self.rows == 'table' else 'cells'} x {self.n_genes} genes\n"
            f"  perturbations  {self.n_perturbations}, in obs[{self.pert_col!r}]; {control}\n"
            f"  values         {scale}{why}"
        )


def screen_options(data: Data, given: Mapping[str, Any]) -> list[str]:
    """The screen options in force: those of a `Screen`, above them what was given."""
    unknown = [name for name in given if name not in SCREEN]
    if unknown:
        raise TypeError(f"unexpected argument `{unknown[0]}`; those of a screen are {', '.join(SCREEN)}")
    stated = dict(data.stated) if isinstance(data, Screen) else {}
    stated.update({name: value for name, value in given.items() if value is not None})
    return options(**stated)
