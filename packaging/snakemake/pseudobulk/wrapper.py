"""Snakemake wrapper for grn data pseudobulk."""

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
megabytes = snakemake.resources.get("mem_mb")
memory = f"--memory {megabytes}M" if megabytes else ""

shell(
    "grn data pseudobulk {snakemake.input:q}"
    " --threads {snakemake.threads}"
    " {memory}"
    " --no-config --no-progress"
    " {extra}"
    " -o {snakemake.output[0]:q}"
    " {log}"
)
