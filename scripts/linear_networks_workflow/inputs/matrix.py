"""Reading a matrix of numbers that a user has in a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from linear_networks.components import Refused
from linear_networks_workflow.errors import listed
from linear_networks_workflow.inputs import columnar, containers, delimited, formats
from linear_networks_workflow.inputs.headings import check_headings
from linear_networks_workflow.inputs.numbers import finite


def read(path: Path, key: str | None = None) -> tuple[np.ndarray, str]:
    """A matrix, and what was read, for the log.

    Parameters
    ----------
    path : Path
        Of one of `formats.MATRIX`.
    key : str or None
        Name of the array in a file of several.

    Returns
    -------
    values : ndarray, shape (rows, columns)
    note : str

    Raises
    ------
    Refused
        If the file cannot be read, holds anything but finite numbers in rows of one length, or what looks like the
        headings or the index of a program that wrote it.
    """
    ending, layout = path.suffix.lower(), ""
    if key is not None and ending not in formats.ARCHIVES:
        raise Refused("key", f"only {' and '.join(formats.ARCHIVES)} files have keys; leave it out")
    if ending in formats.ARRAYS:
        frame = pd.DataFrame(containers.matrix(path, key))
    elif ending in formats.COLUMNS:
        frame = columnar.read(path)
        check_headings(frame.columns)
        _check_index(frame)
    else:
        text = delimited.matrix(path)
        _check_first_line(text)
        frame, layout = text.rows, text.layout
        _check_index(frame)
    values = finite(frame, layout)
    return values, "matrix of {} x {} numbers".format(*values.shape) + layout


def _check_first_line(text: delimited.Text) -> None:
    """Refuse a first line of names, or one that numbers the columns."""
    names = [cell.strip('"') for cell in text.first]
    names = names if names[0] else names[1:]
    message = "and a matrix has none: write to_csv(path, header=False, index=False) in pandas,"
    message += " or col.names = FALSE, row.names = FALSE in R"
    if not any(map(delimited.is_number, names)):
        message = f"holds headings ({listed(names)}), {message}"
    else:
        start = _start(names, text.rows)
        if start is None:
            return
        message = f"is {_counting(start, len(names))}, as headings are, {message}; or {start}.0 for a {start} of Y"
    raise Refused("path", f"line {text.line} {message}{text.layout}")


def _check_index(frame: pd.DataFrame) -> None:
    """Refuse a first column that numbers the rows."""
    rows, columns = frame.shape
    if columns < 2 or not pd.api.types.is_integer_dtype(frame.iloc[:, 0]):
        return
    start = _start(list(map(str, frame.iloc[:, 0])), frame)
    if start is not None:
        message = f"column 1 is {_counting(start, rows)}, as an index or names of rows are, and a matrix has none"
        message += ": write to_csv(path, header=False, index=False) in pandas, or row.names = FALSE in R"
        raise Refused("path", f"{message}; or {start}.0 for a {start} of Y")


def _start(names: Sequence[str], frame: pd.DataFrame) -> int | None:
    """Where names count from that number the columns or rows of a frame: 0, or beside decimals 1; None if none do."""
    decimals, several = any(map(pd.api.types.is_float_dtype, frame.dtypes)), len(names) > 1
    for start, sure in ((0, several or decimals), (1, several and decimals)):
        if sure and all(name == str(number) for number, name in enumerate(names, start)):
            return start
    return None


def _counting(start: int, count: int) -> str:
    numbers = [str(start + place) for place in range(min(count, 3))]
    return ", ".join(numbers) + ", …" * (count > 3)
