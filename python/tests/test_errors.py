"""Errors are those of Python, say what was expected and found, and carry a hint in the words of Python."""

from __future__ import annotations

import pickle
from pathlib import Path

import anndata
import pytest

import grn
from grn._words import in_python


def test_a_missing_column_is_a_key_error(screen: anndata.AnnData) -> None:
    screen.obs = screen.obs.rename(columns={"target_gene": "who"})[["who", "batch"]]
    with pytest.raises(KeyError) as caught:
        grn.pp.pseudobulk(screen)
    error = caught.value
    assert isinstance(error, grn.GrnKeyError)
    assert isinstance(error, grn.GrnError)
    assert error.hint is not None
    assert "pert_col=" in error.hint
    assert "--" not in str(error)
    assert str(error).endswith(f"hint: {error.hint}")


def test_an_unknown_gene_is_a_key_error_with_close_spellings(run: grn.Run) -> None:
    with pytest.raises(KeyError, match="did you mean") as caught:
        run.predict([run.genes[0] + "X"])
    assert isinstance(caught.value, grn.GrnKeyError)


def test_unknown_models_and_values_are_value_errors(screen: anndata.AnnData, graph: grn.Graph, run: grn.Run) -> None:
    with pytest.raises(ValueError, match="did you mean `gears`"):
        grn.tl.fit(screen, graph, model="geers")
    with pytest.raises(grn.GrnValueError, match="sideways"):
        run.rank({run.genes[0]: 1.0}, mode="sideways")
    with pytest.raises(grn.GrnValueError, match="graph"):
        grn.tl.fit(screen, None)
    with pytest.raises(grn.GrnValueError, match="expected one of"):
        run.rank()


def test_what_is_not_there_is_a_file_not_found_error(tmp_path: Path, graph: grn.Graph) -> None:
    with pytest.raises(FileNotFoundError):
        grn.pp.pseudobulk(tmp_path / "nowhere.h5ad")
    with pytest.raises(grn.GrnFileNotFoundError, match="holds no run"):
        grn.Run(tmp_path)
    with pytest.raises(FileNotFoundError):
        grn.gr.build(tmp_path / "nowhere.tsv")
    with pytest.raises(FileNotFoundError):
        grn.tl.simulate(network=tmp_path / "nowhere.tsv")


def test_what_cannot_be_written_is_an_os_error(screen: anndata.AnnData) -> None:
    with pytest.raises(OSError):
        grn.pp.pseudobulk(screen, output="/proc/nowhere/table.h5ad")


def test_an_output_that_exists_is_kept(screen: anndata.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "table.h5ad"
    path.write_text("mine")
    with pytest.raises(grn.GrnValueError, match="overwrite=True"):
        grn.pp.pseudobulk(screen, output=path)
    assert path.read_text() == "mine"
    grn.pp.pseudobulk(screen, output=path, overwrite=True)


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(grn.GrnKeyError("no gene", "try another")))
    assert (error.message, error.hint, str(error)) == ("no gene", "try another", "no gene\n\nhint: try another")


@pytest.mark.parametrize(
    ("typed", "python"),
    [
        ("`--pert-col gene --control-pert non-targeting`", '`pert_col="gene", control_pert="non-targeting"`'),
        ("replace it with `--overwrite`", "replace it with `overwrite=True`"),
        ("name it with `--control-pert LABEL`", "name it with `control_pert=LABEL`"),
        ("make one with `grn fit`, or `--run DIR`", "make one with `grn.tl.fit`, or `run=DIR`"),
        ("--preset\n  expected a, got `b`", "preset\n  expected a, got `b`"),
        ("a -- b, x--y and `file--name`", "a -- b, x--y and `file--name`"),
    ],
)
def test_messages_are_in_the_words_of_python(typed: str, python: str) -> None:
    assert in_python(typed) == python
