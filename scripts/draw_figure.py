"""Draw one figure as SVG, PDF and PNG, and write the numbers that support it."""

import importlib
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from linear_networks_workflow import figures, logs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.figures import numbers, style


def read(files: Mapping[str, Sequence[str]], where: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The stages that a figure needs, reduced to the runs whose parameters have the given values."""
    tables = {stage: parquet.read(paths).to_pandas() for stage, paths in files.items()}
    if not where:
        return tables
    runs = tables["runs"]
    for axis, value in where.items():
        runs = runs[runs[axis].map(lambda found, value=value: np.array_equal(found, value))]
    of_runs = {name: table for name, table in tables.items() if "run" in table}
    return tables | {name: table[table["run"].isin(runs["run"])] for name, table in of_runs.items()}


def metadata(kind: ModuleType, ending: str) -> dict[str, str | None]:
    """What a figure of a kind shows, in words for those who do not see it; without dates, files repeat bit for bit."""
    what, how = inspect.getdoc(kind) or "", inspect.getdoc(kind.draw) or ""
    return {
        ".svg": {"Title": what, "Description": how, "Date": None},
        ".pdf": {"Title": what, "Subject": how, "CreationDate": None},
        ".png": {"Title": what, "Description": how},
    }[ending]


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        figure = json.loads(snakemake.params.figure)
        kind = importlib.import_module(f"linear_networks_workflow.figures.{figures.module_of(figure['kind'])}")
        options = {key: value for key, value in figure.items() if key not in ("kind", "experiment", "where")}
        needed = {stage: snakemake.input.get(stage) for stage in figures.NEEDS[figure["kind"]]}
        tables = read(needed, figure["where"])
        style.apply()
        drawing = kind.draw(tables, **options)
        for path in map(Path, (snakemake.output.svg, snakemake.output.pdf, snakemake.output.png)):
            with parquet.replacing(path) as temporary:
                drawing.savefig(temporary, metadata=metadata(kind, path.suffix))
        with parquet.replacing(snakemake.output.numbers) as temporary:
            temporary.write_text(numbers.restructured(kind.numbers(tables, **options)))
