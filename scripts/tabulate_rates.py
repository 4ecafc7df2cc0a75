"""Tabulate the rates of one experiment as Parquet, CSV, Markdown, LaTeX and HTML."""

from pathlib import Path

import pandas as pd

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import tables


def write(table: pd.DataFrame, title: str, path: str, page: Path) -> None:
    """Write the table in the format of the path's ending; `page` is the template of the HTML."""
    with parquet.replacing(path) as temporary:
        if path.endswith(".parquet"):
            table.to_parquet(temporary, index=False)
        elif path.endswith(".csv"):
            table.to_csv(temporary, index=False)
        elif path.endswith(".md"):
            temporary.write_text(tables.markdown(table, title))
        elif path.endswith(".tex"):
            temporary.write_text(tables.latex(table, title))
        else:
            temporary.write_text(tables.html(table, title, page))


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        runs, rates = (parquet.read(snakemake.input[stage]).to_pandas() for stage in ("runs", "rates"))
        table = tables.tabulate(runs, rates, snakemake.params.axes)
        for path in snakemake.output:
            write(table, snakemake.wildcards.experiment, path, Path(snakemake.input.page))
