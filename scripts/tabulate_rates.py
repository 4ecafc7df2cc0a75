"""Tabulate the rates of one experiment: as Parquet, and for people as CSV, Markdown, LaTeX and HTML."""

from pathlib import Path

from linear_networks_workflow import logs, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.stages import tables

if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        seals.check(snakemake.input, snakemake.config)
        rates = tables.beside_runs(zip(snakemake.input.runs, snakemake.input.rates, strict=True))
        axes, title, page = snakemake.params.axes, snakemake.wildcards.experiment, Path(snakemake.input.page)
        table = tables.tabulate(rates, axes)
        dataset, *summaries = snakemake.output
        for path in summaries:
            tables.write(tables.shown(table, axes), title, path, page, snakemake.params.notes)
        parquet.write(parquet.of_frame(table, parquet.TABLES), dataset, provenance.metadata(snakemake.config, dataset))
