#!/usr/bin/env python3
"""Side by side in one run: `grn score` against cell-eval, `grn de` against pdex. User CPU seconds and peak memory.

    make peers      # installs cell-eval and pdex into target/peers, builds, and runs the line below
    target/peers/bin/python benches/peers/compare.py [--grn target/release/grn] [--dir FOLDER] [--repeat 3]

Makes four pairs of files with make_pair.py (60 labels x 60 cells + 1,500 controls x 4,000 genes; twice the labels; twice
the genes; four times the controls) and prints one line per pair. Every command is a process of its own; numbers are of
the fastest of the repeats. `pdex warm` is the second call inside one process, on one thread, reading not included:
compilation and start-up are left out in its favour. `grn de` is the whole process, reading and writing included.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
CASES = {"base": [], "labels x 2": ["--labels", "120"], "genes x 2": ["--genes", "8000"], "controls x 4": ["--controls", "6000"]}
WARM = """
import json, sys, time, warnings
import anndata as ad, logging
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
from pdex import pdex
a = ad.read_h5ad(sys.argv[1])
times = []
for _ in range(3):
    start = time.process_time(); table = pdex(a, groupby="target_gene", mode="ref", threads=1, is_log1p=True); times.append(time.process_time() - start)
print(json.dumps([min(times[1:]), len(table)]))
"""


def measure(command, repeat):
    """Smallest user + system CPU seconds, and the largest peak memory in MB."""
    best, peak = None, 0
    for _ in range(repeat):
        pid = os.posix_spawn(command[0], command, {**os.environ, "PYTHONWARNINGS": "ignore"}, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"failed: {' '.join(command)}")
        cpu = usage.ru_utime + usage.ru_stime
        best, peak = cpu if best is None else min(best, cpu), max(peak, usage.ru_maxrss / 1024)
    return best, peak


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--grn", default="target/release/grn")
    p.add_argument("--dir", type=pathlib.Path)
    p.add_argument("--repeat", type=int, default=3)
    args = p.parse_args()
    folder = args.dir or pathlib.Path(tempfile.mkdtemp())
    grn, python = str(pathlib.Path(args.grn).resolve()), sys.executable
    cell_eval = str(pathlib.Path(python).parent / "cell-eval")
    print(f"{'case':<14}{'cell-eval CPU':>14}{'grn CPU':>9}{'ratio':>7}{'cell-eval MB':>14}{'grn MB':>8}{'ratio':>7}"
          f"{'pdex warm us/test':>19}{'grn us/test':>13}{'ratio':>7}{'grn de MB':>11}")
    for name, options in CASES.items():
        pair, out = folder / name.replace(" ", "_"), folder / "out"
        if not (pair / "pred.h5ad").exists():
            subprocess.run([python, str(HERE / "make_pair.py"), str(pair), *options], check=True)
        real, pred = str(pair / "real.h5ad"), str(pair / "pred.h5ad")
        shutil.rmtree(out, ignore_errors=True)
        theirs = measure([cell_eval, "run", "-ap", pred, "-ar", real, "--num-threads", "1", "--profile", "vcc", "-o", str(out)], args.repeat)
        ours = measure([grn, "score", "--pred", pred, "--real", real, "--only", "overlap_at_N,mae,discrimination_score_l1",
                        "-j", "1", "--outdir", str(folder / "grn"), "--overwrite"], args.repeat)
        warm, tests = json.loads(subprocess.run([python, "-c", WARM, real], check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        de = measure([grn, "de", real, "-j", "1", "-o", str(folder / "de.csv")], args.repeat)
        print(f"{name:<14}{theirs[0]:>14.2f}{ours[0]:>9.2f}{theirs[0] / ours[0]:>7.1f}{theirs[1]:>14.0f}{ours[1]:>8.0f}{theirs[1] / ours[1]:>7.1f}"
              f"{warm / tests * 1e6:>19.2f}{de[0] / tests * 1e6:>13.2f}{warm / de[0]:>7.1f}{de[1]:>11.0f}", flush=True)


if __name__ == "__main__":
    main()
