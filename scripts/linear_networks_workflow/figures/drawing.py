"""What a job reads to draw a figure, and what it writes beside the drawing."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import numbers
from linear_networks_workflow.figures.kind import Kind


def read(
    files: Mapping[str, Sequence[str]], columns: Mapping[str, list[str]], where: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    """Columns of the stages that a figure needs, of the runs that are `chosen`."""
    return chosen({stage: parquet.read(files[stage], some).to_pandas() for stage, some in columns.items()}, where)


def chosen(tables: dict[str, pd.DataFrame], where: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Tables by stage, reduced to the runs whose parameters have the given values.

    A run of a dynamics that does not have a parameter has every value of it.
    """
    if not where:
        return tables
    runs = tables["runs"]
    for axis, value in where.items():
        equal = np.array([np.array_equal(found, value) for found in runs[axis]], dtype=bool)
        runs = runs[equal | runs[axis].isna().to_numpy()]
    of_runs = {name: table for name, table in tables.items() if "run" in table}
    return tables | {name: table[table["run"].isin(runs["run"])] for name, table in of_runs.items()}


@contextmanager
def named(figure: str) -> Iterator[None]:
    """Give what cannot be drawn the place of its figure in the config."""
    try:
        yield
    except InputError as error:
        raise InputError(f"figures.{figure}: {error}") from None


# Begins the last line of a caption, a comment.
MADE_FROM = ".. made from "


def caption(kind: type[Kind], supporting: pd.DataFrame, made_from: str) -> str:
    """The caption of a figure of a kind, in reStructuredText, below it the numbers that support it, and a comment that
    says what the figure was made from."""
    return f"{inspect.cleandoc(kind.caption)}\n\n{numbers.restructured(supporting)}\n\n{MADE_FROM}{made_from}\n"


def made_from(caption: Path) -> str:
    """What a figure was made from, as its caption says; empty where it does not."""
    return caption.read_text(errors="replace").rpartition(MADE_FROM)[2].strip()


def metadata(kind: type[Kind], ending: str) -> dict[str, str | None]:
    """What a figure of a kind shows, in words for those who do not see it; without dates, files repeat bit for bit."""
    what, how = inspect.getdoc(kind) or "", inspect.getdoc(kind.draw) or ""
    said: dict[str, dict[str, str | None]] = {
        ".svg": {"Title": what, "Description": how, "Date": None},
        ".pdf": {"Title": what, "Subject": how, "CreationDate": None},
        ".png": {"Title": what, "Description": how},
    }
    return said[ending]
