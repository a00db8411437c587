"""The Python package beside scanpy, pdex and decoupler on the same generated cells: wall time and peak memory.

    target/python-venv/bin/pip install target/wheels/grn-*.whl scanpy pdex decoupler
    target/python-venv/bin/python benches/peers/python_speed.py [--cells 50000 --genes 5000 --perturbations 100]

Each measurement is a process of its own: it reads the cells with anndata, then works; time is that of the work, memory
the peak of the process less what it held when the cells were read. One run each: the table says on what.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

START = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import anndata
adata = anndata.read_h5ad(sys.argv[1])
def held(name):
    return int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1]) * 1024
"""
WORK = {
    ("de", "grn"): "import grn\ngrn.settings.progress = False",
    ("de", "scanpy"): "import scanpy as sc",
    # Compiled before it is timed.
    ("de", "pdex"): (
        "import pdex, scanpy as sc\n"
        'few = adata[(adata.obs["target_gene"] == "non-targeting") | (adata.obs["target_gene"] == adata.obs["target_gene"].iloc[-1])]\n'
        "few = few.copy(); sc.pp.normalize_total(few); sc.pp.log1p(few)\n"
        'pdex.pdex(few, groupby="target_gene", mode="ref", is_log1p=True)\n'
        "del few"
    ),
    ("pseudobulk", "grn"): "import grn\ngrn.settings.progress = False",
    ("pseudobulk", "scanpy"): "import scanpy as sc",
    ("pseudobulk", "decoupler"): "import decoupler as dc",
}
CALLS = {
    ("de", "grn"): "grn.tl.de(adata)",
    ("de", "scanpy"): (
        "sc.pp.normalize_total(adata); sc.pp.log1p(adata)\n"
        'sc.tl.rank_genes_groups(adata, "target_gene", reference="non-targeting", method="wilcoxon", tie_correct=True)'
    ),
    ("de", "pdex"): (
        "sc.pp.normalize_total(adata); sc.pp.log1p(adata)\n"
        'pdex.pdex(adata, groupby="target_gene", mode="ref", is_log1p=True)'
    ),
    ("pseudobulk", "grn"): "grn.pp.pseudobulk(adata)",
    ("pseudobulk", "scanpy"): (
        'sc.pp.normalize_total(adata); sc.pp.log1p(adata)\nsc.get.aggregate(adata, "target_gene", func=["mean", "var"])'
    ),
    (
        "pseudobulk",
        "decoupler",
    ): 'dc.pp.pseudobulk(adata, sample_col="target_gene", groups_col=None, mode="sum")',
}
END = """
before, began = held("VmRSS"), time.perf_counter()
open("/proc/self/clear_refs", "w").write("5")
{call}
print(json.dumps([time.perf_counter() - began, held("VmHWM") - before]))
"""


def make(path: Path, cells: int, genes: int, perturbations: int) -> None:
    """Counts of a simulated screen."""
    import grn

    controls = cells // 10
    each = (cells - controls) // perturbations
    grn.settings.progress = False
    grn.tl.simulate(
        path,
        random=True,
        genes=genes,
        perturbations=perturbations,
        cells_per_perturbation=each,
        controls=controls,
        seed=0,
    )


def measure(what: tuple[str, str], path: Path) -> tuple[float, float] | None:
    """Seconds and bytes; `None` where the peer is not installed."""
    if importlib.util.find_spec(what[1]) is None:
        return None
    script = START + WORK[what] + END.replace("{call}", CALLS[what])
    done = subprocess.run(
        [sys.executable, "-c", script, path],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{what}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    seconds, growth = json.loads(done.stdout.splitlines()[-1])
    return seconds, growth


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--genes", type=int, default=5_000)
    parser.add_argument("--perturbations", type=int, default=100)
    size = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "screen.h5ad"
        make(path, size.cells, size.genes, size.perturbations)
        shape = f"{size.cells} cells x {size.genes} genes, {size.perturbations} perturbations"
        print(f"{shape}; {os.cpu_count()} cores; one run\n")
        print(
            f"{'work':<12} {'package':<10} {'version':<10} {'seconds':>9} {'peak on top, MB':>16}"
        )
        for what in WORK:
            found = measure(what, path)
            version = importlib.metadata.version(what[1]) if found else "-"
            seconds, growth = (
                (f"{found[0]:.1f}", f"{found[1] / 1e6:.0f}") if found else ("-", "-")
            )
            print(
                f"{what[0]:<12} {what[1]:<10} {version:<10} {seconds:>9} {growth:>16}",
                flush=True,
            )


if __name__ == "__main__":
    main()
