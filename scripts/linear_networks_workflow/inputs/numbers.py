"""The numbers of a file's columns; what is none is refused with its place."""

import re
from typing import Any

import numpy as np
import pandas as pd

from linear_networks.components import Refused
from linear_networks.matrices.source import LARGEST
from linear_networks_workflow.errors import short

# Patterns of what is meant as a number and is none, and what to write instead.
DECIMAL_COMMA = r"[+-]?\d*,\d+(e[+-]?\d+)?"
GROUPED = r"(\d{1,3}([ .,'_\u00a0\u202f]\d{3})+|\d+)([.,]\d+)?"
MARKED = rf"[+-]?[$€£¥₹]? ?[+-]?{GROUPED} ?[%‰$€£¥₹]?"
MONTH = "(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
DAY = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{4}-\d{2}"
NAMED_DAY = rf"\d{{1,4}}[- ]{MONTH}[- ]\d{{2,4}}|{MONTH} \d{{1,2}},? \d{{4}}"
TIME = r"\d{1,2}:\d{2}(:\d{2}.*)?( ?[ap]m)?"
ADVICE = {
    DECIMAL_COMMA: "write decimals with a point",
    r"[+-]?(\d+\.?\d*|\.\d+)d[+-]?\d+": "write exponents with an e",
    MARKED: "write digits and a decimal point alone",
    rf"({DAY}|{NAMED_DAY})([t ]+{TIME})?|{TIME}": "write dates and times as numbers in a unit",
}


def finite(frame: pd.DataFrame, layout: str = "") -> np.ndarray:
    """A frame as an array, shape (rows, columns).

    Parameters
    ----------
    frame : DataFrame
        Its columns are named in messages where their names are text, and counted from 1 where they are numbers.
    layout : str
        How the file is laid out, for messages.

    Raises
    ------
    Refused
        If a cell is no finite number, or a number beyond LARGEST.
    """
    if not frame.size:
        raise Refused("path", f"holds no numbers{layout}")
    numbers = np.column_stack([_column(frame.iloc[:, place]) for place in range(frame.shape[1])])
    bad = np.argwhere(~(np.abs(numbers) <= LARGEST))
    if len(bad):
        row, column = bad[0]
        name = frame.columns[column]
        where = f"row {row + 1}, column {short(name) if isinstance(name, str) else column + 1}"
        raise Refused("path", f"{where}: {message(frame.iloc[row, column], numbers[row, column])}{layout}")
    return numbers


def _column(column: pd.Series) -> np.ndarray:
    """The numbers of a column, NaN where a cell is none."""
    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_numeric(column.astype(str), errors="coerce")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def message(cell: Any, number: float) -> str:
    """What is wrong with a cell that was read as a number."""
    if pd.isna(cell) or cell == "":
        return "no value; fill it in or drop the row"
    if np.isfinite(number):
        return f"{short(cell)} is past {LARGEST:g}, from where on products overflow; write it in another unit"
    if str(cell).startswith('"'):
        return f"{short(cell)} is not a finite number; is it the name of a row? A matrix has none"
    return f"{short(cell)} is not a finite number; {advice(str(cell)) or 'complete or remove it'}"


def advice(cell: str) -> str | None:
    """What to write instead of text that is meant as a number; None of other text."""
    found = (instead for pattern, instead in ADVICE.items() if re.fullmatch(pattern, cell, re.IGNORECASE))
    return next(found, None)
