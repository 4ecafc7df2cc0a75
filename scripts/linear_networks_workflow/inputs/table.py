"""Reading a table of features and a target that a user has in a file."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from linear_networks.components import Refused
from linear_networks_workflow.errors import listed, short
from linear_networks_workflow.inputs import columnar, delimited, formats, target
from linear_networks_workflow.inputs.headings import check_headings
from linear_networks_workflow.inputs.numbers import finite


class Table(NamedTuple):
    """What was read of a table.

    Attributes
    ----------
    features : ndarray, shape (samples, n)
        Every column but the target.
    targets : ndarray, shape (samples, m)
        The target column, or indicators of its classes.
    note : str
        What was read, for the log.
    doubts : tuple of pairs of str
        What may be meant otherwise, with the key that it is about.
    """

    features: np.ndarray
    targets: np.ndarray
    note: str
    doubts: tuple[tuple[str, str], ...]


def read(path: Path, name: str, kind: str | None = None) -> Table:
    """A table with headings.

    Parameters
    ----------
    path : Path
        Of one of `formats.TABLE`.
    name : str
        Heading of the target.
    kind : {None, "classes", "real"}
        What the target holds; None if its type is to say so.

    Raises
    ------
    Refused
        If the file cannot be read, headings do not fit the rows, the target is no column, or a feature holds anything
        but finite numbers.
    """
    frame, layout = _read(path)
    if name not in frame:
        message = f"no column {short(name)}; there is {listed(list(frame))}"
        raise Refused("target", f"{message}{layout}")
    read = target.read(frame.pop(name), kind, layout)
    if frame.columns.empty:
        raise Refused("path", f"holds no column beside the target {short(name)}{layout}")
    features = finite(frame, layout)
    doubts = tuple(("target_kind", doubt) for doubt in read.doubts)
    doubts += tuple(("path", doubt) for doubt in _doubts(frame.columns, features))
    return Table(features, read.values, f"{len(frame)} samples, {read.note}{layout}", doubts)


def _read(path: Path) -> tuple[pd.DataFrame, str]:
    """Columns by heading, and how the file is laid out."""
    if path.suffix.lower() in formats.COLUMNS:
        frame, layout = columnar.read(path), ""
    else:
        text = delimited.table(path)
        _check_first_line(text)
        frame, layout = text.rows.set_axis(text.first, axis=1), text.layout
    check_headings(frame, layout)
    for heading, count in Counter(frame).items():
        if count > 1:
            message = f"{count} columns have the heading {short(heading)}"
            raise Refused("path", f"{message}; rename or remove all but one{layout}")
    for heading, column in frame.select_dtypes(exclude=["number", "bool"]).items():
        frame[heading] = _bare(column)
    return frame, layout


def _bare(column: pd.Series) -> pd.Series:
    """A column without the blanks around what is text in it."""
    values = column.cat.categories if isinstance(column.dtype, pd.CategoricalDtype) else column
    return column.astype(values.dtype).str.strip() if pd.api.types.is_string_dtype(values) else column


def _check_first_line(text: delimited.Text) -> None:
    """Refuse a line of headings that does not fit the rows, or that is a row itself."""
    headings, fields = len(text.first), text.rows.shape[1]
    if fields != headings:
        message = f"line {text.line} has {headings} headings, and the row below it {fields} fields"
        if fields > headings:
            message += "; is there an index, or names of rows? Leave them out:"
            message += " to_csv(path, index=False) in pandas, row.names = FALSE in R"
        raise Refused("path", message + text.layout)
    numbered = [str(place) for place in range(headings)]
    if text.first != numbered and all(map(delimited.is_number, text.first)):
        message = f"line {text.line} holds numbers ({listed(text.first)}), and a table has headings"
        raise Refused("path", f"{message}: write them above it{text.layout}")


def _doubts(headings: pd.Index, features: np.ndarray) -> list[str]:
    """Features that number the samples."""
    found = []
    samples = len(features)
    for place, heading in enumerate(headings):
        for start in (0, 1):
            if samples > 2 and np.array_equal(features[:, place], np.arange(start, start + samples)):
                message = f"column {short(heading)} numbers the rows from {start} on, and counts as a feature"
                found.append(message + "; leave it out if it is an index")
    return found
