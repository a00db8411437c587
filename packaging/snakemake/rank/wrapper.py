"""Snakemake wrapper for grn rank."""

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
seed = snakemake.params.get("seed", 0)
signature = snakemake.input.get("signature")
treated = snakemake.input.get("treated")
if bool(signature) == bool(treated):
    raise ValueError("expected one input of `signature` and `treated`, got both or none")
option, query = ("--signature", signature) if signature else ("--treated", treated)

shell(
    "grn rank --run {snakemake.input.run:q}"
    " {option} {query:q}"
    " --threads {snakemake.threads}"
    " --seed {seed}"
    " --no-config --no-progress"
    " {extra}"
    " -o {snakemake.output[0]:q}"
    " {log}"
)
