"""Reading the rows of a figure from files: of a chunk after the other, those of the runs that are chosen."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from linear_networks_workflow import grid
from linear_networks_workflow.dataset import joining, parquet
from linear_networks_workflow.figures.tables import Rows

Files = Mapping[str, Sequence[str]]
Columns = Mapping[str, Sequence[str]]


def read(files: Files, columns: Columns, where: Mapping[str, Any]) -> dict[str, Rows]:
    """Tables of a figure.

    Parameters
    ----------
    files, columns : mapping
        By stage.
    where : mapping
        Values of parameters that the runs have, by column of `runs`.
    """
    return {stage: Rows(partial(_blocks, stage, files, columns, where)) for stage in columns if stage != "matrices"}


def chosen(runs: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The runs whose parameters have the given values.

    A run of a dynamics that does not have a parameter has every value of it.
    """
    for axis, value in where.items():
        found = runs[axis]
        equal = [np.array_equal(one, value) for one in found] if isinstance(value, list) else found == value
        runs = runs[np.asarray(equal, dtype=bool) | found.isna().to_numpy()]
    return runs


def _blocks(stage: str, files: Files, columns: Columns, where: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    for path in files[stage]:
        runs = chosen(_runs(_of_same_chunk(path, files["runs"]), columns["runs"]), where)
        if "matrices" in columns:
            runs = _with_matrices(runs, path, files["matrices"], columns["matrices"])
        yield from [runs] if stage == "runs" else joining.rows(path, columns[stage], runs)


def _of_same_chunk(path: str, files: Sequence[str]) -> list[str]:
    """The files of runs that a file of a stage is about; one of a stage without dynamics may be about any of them."""
    _, experiment, *names = grid.parts(path)
    found = ((file, grid.parts(file)[1:]) for file in files)
    return [file for file, parts in found if parts[0] == experiment and [*parts[1:]][-len(names) :] == names]


def _runs(files: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return joining.frame(parquet.read(files, [*columns]))


def _with_matrices(runs: pd.DataFrame, path: str, files: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Runs of a file with the columns of their matrices."""
    experiment = grid.parts(path)[1]
    (file,) = (file for file in files if grid.parts(file)[1] == experiment)
    wanted = pc.field("matrix").isin(pa.array(runs["matrix"].unique()))
    matrices = joining.frame(parquet.read([file], [*columns], wanted)).set_index("matrix").add_prefix("matrix_")
    return runs.join(matrices, on="matrix")
