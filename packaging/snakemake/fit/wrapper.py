"""Snakemake wrapper for grn fit."""

from shlex import quote

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
seed = snakemake.params.get("seed", 0)
megabytes = snakemake.resources.get("mem_mb")
memory = f"--memory {megabytes}M" if megabytes else ""
priors = snakemake.input.priors
priors = [priors] if isinstance(priors, str) else priors
prior_options = " ".join(f"--prior {quote(prior)}" for prior in priors)

# A run directory that an earlier attempt left is replaced, as Snakemake replaces its outputs.
shell(
    "grn fit {snakemake.input.screen:q}"
    " {prior_options}"
    " --threads {snakemake.threads}"
    " --seed {seed}"
    " {memory}"
    " --no-config --no-progress --overwrite"
    " {extra}"
    " --outdir {snakemake.output[0]:q}"
    " {log}"
)
