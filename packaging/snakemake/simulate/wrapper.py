"""Snakemake wrapper for grn simulate."""

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
seed = snakemake.params.get("seed", 0)

# Snakemake makes the folders of declared outputs beforehand, that of the truth too.
shell(
    "grn simulate"
    " --threads {snakemake.threads}"
    " --seed {seed}"
    " --no-config --no-progress --overwrite"
    " {extra}"
    " -o {snakemake.output.screen:q}"
    " {log}"
)
