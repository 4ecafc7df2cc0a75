"""Tabulate the rates of one experiment as Parquet, CSV, Markdown, LaTeX and HTML."""

from pathlib import Path

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import tables

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        runs, rates = (parquet.read(snakemake.input[stage]).to_pandas() for stage in ("runs", "rates"))
        table = tables.tabulate(runs, rates, snakemake.params.axes)
        title, page = snakemake.wildcards.experiment, Path(snakemake.input.page)
        for path in snakemake.output:
            tables.write(table, title, path, page, snakemake.params.notes)
