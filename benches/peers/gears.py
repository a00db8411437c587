"""GEARS (cell-gears 0.1.2) beside `grn fit --model gears`: one screen, one graph, one split, one thread.

    python gears.py theirs DATA WORK [--epochs 2] [--steps 4] [--predict 3]     (needs torch, cell-gears, scanpy)
    python gears.py ours DATA WORK [--grn target/release/grn]                   (needs anndata)

DATA holds `synth.h5ad` (obs `condition`, var `gene_name`, log1p CSR), `go_edges.csv` (source, target, importance),
`gene2go.tsv` and `split.json` (conditions of train, val and test). Both halves print one JSON object and add it to
WORK/theirs.json or WORK/ours.json: CPU seconds, peak memory in MB and the mean squared error of the change of expression
over the held-out conditions `val`.
"""
import argparse
import json
import os
import pathlib
import pickle
import resource
import shutil
import subprocess
import sys
import time

THREADS = {k: "1" for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "CANDLE_NUM_THREADS")}


def true_changes(data, conditions):
    """Mean log1p expression of each condition minus that of the control."""
    import anndata
    import numpy as np
    cells = anndata.read_h5ad(data / "synth.h5ad")
    mean = lambda c: np.asarray(cells.X[(cells.obs.condition == c).values].mean(0)).ravel()
    return np.stack([mean(c) for c in conditions]) - mean("ctrl")


def held_out_error(data, conditions, predicted):
    import numpy as np
    return float(np.mean((true_changes(data, conditions) - np.asarray(predicted)) ** 2))


# --- GEARS -----------------------------------------------------------------------------------------------------------


class Clock:
    """CPU seconds of this process per stage."""

    def __init__(self):
        self.stages = {}

    def run(self, name, work):
        start = time.process_time()
        result = work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.stages[name] = {"cpu_s": round(time.process_time() - start, 3), "peak_mb": round(peak)}
        print(name, self.stages[name], file=sys.stderr, flush=True)
        return result


def prepared(data, work, clock):
    """What GEARS does before it can train; files that it would download are put in their places."""
    import scanpy
    from gears import PertData, data_utils
    root = work / "data"
    (root / "screen" / "data_pyg").mkdir(parents=True, exist_ok=True)
    terms = (line.rstrip("\n").split("\t") for line in open(data / "gene2go.tsv"))
    with open(root / "gene2go_all.pkl", "wb") as f:
        pickle.dump({gene: set(rest) for gene, *rest in terms}, f)
    shutil.copy(data / "go_edges.csv", root / "go_essential_screen.csv")
    pert = PertData(str(root), default_pert_graph=False)
    pert.dataset_name, pert.dataset_path = "screen", str(root / "screen")
    cells = scanpy.read_h5ad(data / "synth.h5ad")
    cells = clock.run("prepare: differential expression", lambda: data_utils.get_DE_genes(cells, False))
    pert.adata = clock.run("prepare: tables", lambda: data_utils.get_dropout_non_zero_genes(cells))
    pert.set_pert_genes()
    pert.ctrl_adata, pert.gene_names = pert.adata[pert.adata.obs.condition == "ctrl"], pert.adata.var.gene_name
    clock.run("prepare: cell graphs", pert.create_dataset_file)
    pert.prepare_split(split="simulation", seed=1)
    pert.get_dataloader(batch_size=32, test_batch_size=128)
    expected = json.load(open(data / "split.json"))
    assert {k: sorted(map(str, v)) for k, v in pert.set2conditions.items()} == expected, "the split differs from split.json"
    return pert


def time_steps(gears, pert, n):
    """CPU seconds of training batches, the first one left out."""
    import numpy as np
    import torch
    from gears import utils
    gears.model.train()
    adam = torch.optim.Adam(gears.model.parameters(), lr=1e-3, weight_decay=5e-4)
    seconds = []
    for batch, _ in zip(pert.dataloader["train_loader"], range(n + 1)):
        start = time.process_time()
        adam.zero_grad()
        loss = utils.loss_fct(gears.model(batch), batch.y, batch.pert, ctrl=gears.ctrl_expression, dict_filter=gears.dict_filter, direction_lambda=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_value_(gears.model.parameters(), 1.0)
        adam.step()
        seconds.append(time.process_time() - start)
    return float(np.median(seconds[1:]))


def time_evaluation(gears, pert, n=2):
    import numpy as np
    import torch
    gears.model.eval()
    seconds = []
    with torch.no_grad():
        for batch, _ in zip(pert.dataloader["train_loader"], range(n)):
            start = time.process_time()
            gears.model(batch)
            seconds.append(time.process_time() - start)
    return float(np.median(seconds))


def predicted_changes(model, pert, conditions):
    """Output minus input: a function of the perturbation only. The first graph of a batch stands aside, since the
    co-expression layer acts on it alone."""
    import torch
    from torch_geometric.data import Batch
    graphs = [pert.dataset_processed[c][0] for c in conditions]
    batch = Batch.from_data_list([graphs[0], *graphs])
    model.eval()
    with torch.no_grad():
        out = model(batch)
    return (out - batch.x.reshape(out.shape))[1:].numpy()


def theirs(args):
    os.environ.update(THREADS)
    sys.path.pop(0)  # this file is called as the package is
    import torch
    from gears import GEARS, utils
    torch.set_num_threads(1)
    clock, record = Clock(), {}
    args.work.mkdir(parents=True, exist_ok=True)
    os.chdir(args.work)
    pert = prepared(args.data, args.work, clock)
    gears = GEARS(pert, device="cpu")
    of = dict(network_type="co-express", adata=pert.adata, threshold=0.4, k=20, data_path=str(args.work / "data"), data_name="screen",
              split="simulation", seed=1, train_gene_set_size=0.75, set2conditions=pert.set2conditions)
    clock.run("co-expression graph", lambda: utils.get_similarity_network(**of))
    gears.model_initialize(hidden_size=64)
    step, evaluation = time_steps(gears, pert, args.steps), time_evaluation(gears, pert)
    n_train, n_val = len(pert.dataloader["train_loader"]), len(pert.dataloader["val_loader"])
    record["batch_step_cpu_s"], record["batch_forward_cpu_s"] = step, evaluation
    record["epoch_cpu_s"] = n_train * step + (n_train + n_val) * evaluation
    print(record, file=sys.stderr, flush=True)
    if args.predict:
        names = [[g] for g in gears.pert_list[:args.predict]]
        clock.run(f"predict {args.predict}", lambda: gears.predict(names))
    if args.epochs:
        gears.model_initialize(hidden_size=64)
        clock.run(f"train {args.epochs} epochs", lambda: gears.train(epochs=args.epochs, lr=1e-3))
        val = sorted(pert.set2conditions["val"])
        record["val_mse"] = held_out_error(args.data, val, predicted_changes(gears.best_model, pert, val))
        gears.save_model(str(args.work / "model"))
    return {**record, "stages": clock.stages}


# --- grn -------------------------------------------------------------------------------------------------------------


def measure(command):
    """CPU seconds (user + system) and peak memory in MB of a command."""
    pid = os.posix_spawn(command[0], command, {**os.environ, **THREADS})
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return {"cpu_s": round(usage.ru_utime + usage.ru_stime, 3), "peak_mb": round(usage.ru_maxrss / 1024)}


def ours(args):
    args.work.mkdir(parents=True, exist_ok=True)
    grn, work = str(pathlib.Path(args.grn).resolve()), args.work
    screen, table, graph, run = str(args.data / "synth.h5ad"), str(work / "table.h5ad"), str(work / "graph.tsv.gz"), str(work / "run")
    split = json.load(open(args.data / "split.json"))
    folds, names = work / "folds.tsv", work / "names.txt"
    label = lambda c: "+".join(sorted(g for g in c.split("+") if g != "ctrl"))
    rows = [f"{label(c)}\t{'train' if part == 'train' else 'test'}" for part, all_ in split.items() for c in all_ if c != "ctrl"]
    folds.write_text("target_gene\tfold\n" + "\n".join(rows) + "\n")
    names.write_text("\n".join(f"G{i:04d}" for i in range(100)) + "\n")
    common = ["-j", "1", "-q", "--device", "cpu", "--overwrite", *(x for s in args.set for x in ("--set", s))]
    record = {"prepare": measure([grn, "data", "pseudobulk", screen, "--scale", "log1p", "-o", table, *common])}
    record["graph with co-expression"] = measure([grn, "graph", "build", "--prior", str(args.data / "go_edges.csv"), "--coexpression", screen, "-o", graph, *common])
    # GEARS has no calibrated intervals, so that grn makes none either (they take five fits more).
    common += ["--calibrate", "none"]
    fit = lambda *more: measure([grn, "fit", table, "--prior", graph, "--model", "gears", "--split", str(folds), "--outdir", run, *common, *more])
    steps = lambda n: fit("--set", f"models.gears.steps={n}", "--set", "models.gears.validation=0.0")
    predict = lambda out, *what: measure([grn, "predict", *what, "--run", run, "--format", "h5ad", "-o", str(work / out), *common])
    val = sorted(split["val"])
    held_out = [x for c in val for x in ("--pert", label(c))]
    record["fit of 10 steps"], record["fit of 20 steps"] = steps(10), steps(20)
    predict("val20.h5ad", *held_out)
    record["pass_cpu_s"] = (steps(30)["cpu_s"] - record["fit of 10 steps"]["cpu_s"]) / 20
    record["fit"] = fit()
    predict("val.h5ad", *held_out)
    record["predict 100"] = predict("predicted.h5ad", "--perts", str(names))
    import anndata  # not before: the peak memory of a child is never below that of the process it comes from
    for name, out in [("val_mse of 20 steps", "val20.h5ad"), ("val_mse", "val.h5ad")]:
        predicted = anndata.read_h5ad(work / out)
        of = {str(t): row for t, row in zip(predicted.obs["target_gene"], predicted.X)}
        record[name] = held_out_error(args.data, val, [of[label(c)] for c in val])
    record["val_mse of no change"] = held_out_error(args.data, val, 0 * predicted.X[: len(val)])
    return record


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("side", choices=["theirs", "ours"])
    p.add_argument("data", type=lambda s: pathlib.Path(s).resolve())
    p.add_argument("work", type=lambda s: pathlib.Path(s).resolve())
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--steps", type=int, default=4)
    p.add_argument("--predict", type=int, default=3)
    p.add_argument("--grn", default="target/release/grn")
    p.add_argument("--set", action="append", default=[], help="a setting for grn, for example models.gears.loss=mse")
    args = p.parse_args()
    record = theirs(args) if args.side == "theirs" else ours(args)
    (args.work / f"{args.side}.json").write_text(json.dumps(record, indent=1))
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
