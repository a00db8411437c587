"""Snakemake wrapper for grn predict."""

from shlex import quote

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
perturbations = snakemake.params.get("perturbations", [])
perturbations = [perturbations] if isinstance(perturbations, str) else perturbations
what = " ".join(f"--pert {quote(label)}" for label in perturbations)
listed = snakemake.input.get("perturbations")
if listed:
    what += f" --perts {quote(listed)}"

shell(
    "grn predict --run {snakemake.input.run:q}"
    " {what}"
    " --threads {snakemake.threads}"
    " --no-config --no-progress"
    " {extra}"
    " -o {snakemake.output[0]:q}"
    " {log}"
)
