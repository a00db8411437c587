#!/usr/bin/env python3
"""CPU seconds per knockout of the stochastic equation of Aguirre et al. (2025, PLOS Comput Biol 21(9)), in numpy.

    dX = (sigmoid(alpha + B X) - lambda X) dt + s sqrt(X) dW,   s = 1e-4, dt = 0.01

written from the published equation, by Euler and Maruyama with a sparse B, as a user of numpy would. A knockout sets the
out-edges of one gene to 0. Needs numpy and scipy.

    aguirre.py EDGES NODES [--steps 5000] [--knockouts 2] [--log2-fold FILE]

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


def simulate(b, alpha, decay, steps, rng, dt=0.01, s=1e-4):
    """Mean over the second half of `steps` steps, from the levels without regulators."""
    x = 1 / (1 + np.exp(-alpha)) / decay
    total = np.zeros_like(x)
    for step in range(steps):
        drift = 1 / (1 + np.exp(-(alpha + b @ x))) - decay * x
        noise = s * np.sqrt(x * dt) * rng.standard_normal(x.size)
        x = np.maximum(x + drift * dt + noise, 0)
        if step >= steps // 2:
            total += x
    return total / (steps - steps // 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edges")
    parser.add_argument("nodes")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--knockouts", type=int, default=2, help="how many hubs are knocked out, largest first")
    parser.add_argument("--log2-fold")
    args = parser.parse_args()
    alpha, decay = np.loadtxt(args.nodes, skiprows=1, unpack=True)
    source, target, beta = np.loadtxt(args.edges, skiprows=1, unpack=True)
    source, target, n = source.astype(int), target.astype(int), alpha.size
    hubs = np.argsort(-np.bincount(source, minlength=n), kind="stable")[: args.knockouts]

    def run(gone, seed):
        kept = source != gone
        b = csr_matrix((beta[kept], (target[kept], source[kept])), shape=(n, n))
        before = time.process_time()
        x = simulate(b, alpha, decay, args.steps, np.random.default_rng(seed))
        return x, time.process_time() - before

    wild, baseline_s = run(-1, 0)
    runs = [run(hub, 1 + k) for k, hub in enumerate(hubs)]
    if args.log2_fold:
        np.savetxt(args.log2_fold, np.log2(runs[0][0] / wild), header=f"log2 fold change, knockout of {hubs[0]}")
    print(
        json.dumps(
            {
                "genes": n,
                "edges": int(beta.size),
                "steps": args.steps,
                "knocked_out": hubs.tolist(),
                "baseline_cpu_s": baseline_s,
                "cpu_s_per_knockout": float(np.mean([seconds for _, seconds in runs])),
            }
        )
    )


if __name__ == "__main__":
    main()
