#!/usr/bin/env python3
"""Writes DIR/real.h5ad and DIR/pred.h5ad: labels x 60 cells + controls, log1p CSR float32, about 25 % non-zero.

    python make_pair.py DIR [--labels 60] [--cells 60] [--controls 1500] [--genes 4000] [--density 0.25] [--seed 1]

Each label changes in how many cells 5 % of the genes are expressed; the changes of the prediction are weaker. The size of
the 2025 challenge: --labels 150 --cells 1000 --controls 38176 --genes 18080. Needs numpy, scipy, anndata, h5py.
"""
import argparse
import pathlib

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

BLOCK = 500


def cells(rng, n, rate, density):
    """log1p of counts scaled to 10,000: each gene is expressed in a share `density` of n cells."""
    row, gene = np.nonzero(rng.random((n, len(rate)), dtype=np.float32) < density)
    counts = 1.0 + rng.poisson(rate[gene])
    total = np.bincount(row, counts, n)
    value = np.log1p(counts * (1e4 / total[row])).astype(np.float32)
    return value, gene.astype(np.int32), np.bincount(row, minlength=n)


def write_screen(path, args, rng, rate, density, effect):
    groups = [("non-targeting", args.controls, density)]
    groups += [(f"G{k:05d}", args.cells, np.clip(density * np.exp(effect[k]), 0, 1)) for k in range(args.labels)]
    labels = np.repeat([g[0] for g in groups], [g[1] for g in groups])
    obs = pd.DataFrame({"target_gene": pd.Categorical(labels)}, index=[f"c{i}" for i in range(len(labels))])
    var = pd.DataFrame(index=[f"G{g:05d}" for g in range(args.genes)])
    ad.AnnData(sp.csr_matrix((len(labels), args.genes), dtype=np.float32), obs=obs, var=var).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        x, indptr = file["X"], [0]
        for name, kind in [("data", "f4"), ("indices", "i4")]:
            del x[name]
            x.create_dataset(name, (0,), kind, maxshape=(None,), chunks=(1 << 14,))
        for _, n, expressed in groups:
            for start in range(0, n, BLOCK):
                value, gene, per_cell = cells(rng, min(BLOCK, n - start), rate, expressed)
                for name, part in [("data", value), ("indices", gene)]:
                    x[name].resize(x[name].shape[0] + len(part), 0)
                    x[name][-len(part):] = part
                indptr.extend(indptr[-1] + np.cumsum(per_cell))
        del x["indptr"]
        x["indptr"] = np.array(indptr, dtype="i8")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("dir", type=pathlib.Path)
    for name, value in [("labels", 60), ("cells", 60), ("controls", 1500), ("genes", 4000), ("seed", 1)]:
        p.add_argument(f"--{name}", type=int, default=value)
    p.add_argument("--density", type=float, default=0.25)
    args = p.parse_args()
    rng = np.random.default_rng(args.seed)
    rate = rng.gamma(1.0, 2.0, args.genes)
    density = args.density * (0.4 + 1.2 * rng.random(args.genes))
    effect = rng.normal(0, 1, (args.labels, args.genes)) * (rng.random((args.labels, args.genes)) < 0.05)
    args.dir.mkdir(parents=True, exist_ok=True)
    write_screen(args.dir / "real.h5ad", args, rng, rate, density, effect)
    write_screen(args.dir / "pred.h5ad", args, rng, rate, density, 0.6 * effect)


if __name__ == "__main__":
    main()
