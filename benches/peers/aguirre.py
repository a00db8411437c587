#!/usr/bin/env python3
"""CPU seconds per knockout of the stochastic equation of Aguirre et al. (2025, PLOS Comput Biol 21(9)), in numpy.

    dX = (sigmoid(alpha + B X) - lambda X) dt + s sqrt(X) dW,   s = 1e-4, dt = 0.01

written from the published equation, by Euler and Maruyama, as a user of numpy would. A knockout sets the out-edges of one
gene to 0 and starts from the unperturbed means. The published simulations drop 5,000 steps and average at least 2,000
more: the defaults. They multiply by a dense B, which is what `--matrix dense` costs; `sparse` is the kinder peer. One
thread. Needs numpy and scipy.

    aguirre.py EDGES NODES [--matrix dense] [--burn-in 5000] [--averaged 2000] [--knockouts 2] [--log2-fold FILE]

EDGES: source, target, beta (tab-separated, header line, genes counted from 0). NODES: alpha, lambda (header line).
Prints one JSON object; `--log2-fold` also writes gene, log2 fold change of the first knockout.
"""

import argparse
import json
import os
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from scipy.sparse import csr_matrix


def simulate(b, alpha, decay, x, burn_in, averaged, rng, dt=0.01, s=1e-4):
    """Mean over `averaged` steps after `burn_in`, from the levels x."""
    total = np.zeros_like(x)
    for step in range(burn_in + averaged):
        drift = 1 / (1 + np.exp(-(alpha + b @ x))) - decay * x
        noise = s * np.sqrt(x * dt) * rng.standard_normal(x.size)
        x = np.maximum(x + drift * dt + noise, 0)
        if step >= burn_in:
            total += x
    return total / averaged


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edges")
    parser.add_argument("nodes")
    parser.add_argument("--matrix", choices=["sparse", "dense"], default="sparse")
    parser.add_argument("--burn-in", type=int, default=5000)
    parser.add_argument("--averaged", type=int, default=2000)
    parser.add_argument("--knockouts", type=int, default=2, help="how many hubs are knocked out, largest first")
    parser.add_argument("--log2-fold")
    args = parser.parse_args()
    alpha, decay = np.loadtxt(args.nodes, skiprows=1, unpack=True)
    source, target, beta = np.loadtxt(args.edges, skiprows=1, unpack=True)
    source, target, n = source.astype(int), target.astype(int), alpha.size
    hubs = np.argsort(-np.bincount(source, minlength=n), kind="stable")[: args.knockouts]

    def run(gone, start, seed):
        kept = source != gone
        b = csr_matrix((beta[kept], (target[kept], source[kept])), shape=(n, n))
        b = b.toarray() if args.matrix == "dense" else b
        before = time.process_time()
        x = simulate(b, alpha, decay, start, args.burn_in, args.averaged, np.random.default_rng(seed))
        return x, time.process_time() - before

    wild, baseline_s = run(-1, 1 / (1 + np.exp(-alpha)) / decay, 0)
    runs = [run(hub, wild, 1 + k) for k, hub in enumerate(hubs)]
    if args.log2_fold:
        np.savetxt(args.log2_fold, np.log2(runs[0][0] / wild), header=f"log2 fold change, knockout of {hubs[0]}")
    print(
        json.dumps(
            {
                "genes": n,
                "edges": int(beta.size),
                "matrix": args.matrix,
                "steps": args.burn_in + args.averaged,
                "knocked_out": hubs.tolist(),
                "baseline_cpu_s": baseline_s,
                "cpu_s_per_knockout": float(np.mean([seconds for _, seconds in runs])),
            }
        )
    )


if __name__ == "__main__":
    main()
