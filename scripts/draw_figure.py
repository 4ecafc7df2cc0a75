"""Draw one figure as SVG, PDF and PNG."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from experiments import datasets, figures, logs
from experiments.figures import style

# Without their dates, files repeat bit for bit.
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def draw(figure: Mapping[str, Any], files: Mapping[str, Sequence[str]]) -> Figure:
    """Figure of its kind from the files of the stages that it needs."""
    style.apply()
    options = {key: value for key, value in figure.items() if key not in ("kind", "experiment", "where")}
    kind = importlib.import_module(f"experiments.figures.{figures.module_of(figure['kind'])}")
    tables = {stage: datasets.read(paths).to_pandas() for stage, paths in files.items()}
    return kind.draw(chosen(tables, figure["where"]), **options)


def chosen(tables: dict[str, pd.DataFrame], where: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The tables, reduced to the runs whose parameters have the given values."""
    if not where:
        return tables
    runs = tables["runs"]
    for axis, value in where.items():
        runs = runs[runs[axis].map(lambda found, value=value: np.array_equal(found, value))]
    of_runs = {name: table for name, table in tables.items() if "run" in table}
    return tables | {name: table[table["run"].isin(runs["run"])] for name, table in of_runs.items()}


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        needed = figures.NEEDS[snakemake.params.figure["kind"]]
        figure = draw(snakemake.params.figure, {stage: snakemake.input.get(stage) for stage in needed})
        for path in snakemake.output:
            with datasets.replacing(path) as temporary:
                figure.savefig(temporary, metadata=UNDATED.get(Path(path).suffix))
