"""The target column of a table: real values, or classes."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from linear_networks.components import Refused
from linear_networks.matrices.table import one_hot
from linear_networks_workflow.errors import listed, short
from linear_networks_workflow.inputs.numbers import advice, finite

# How writers spell that there is no value.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "null", "NULL")
# Spelled so by some of them, and the name of a class to others.
DOUBTFUL = ("?", ".", "None")
# So many different whole numbers are taken for classes without a doubt, and no more.
FEW = 20
# Entries that the indicators of classes may have: 400 MB.
MOST_ENTRIES = 5 * 10**7


class Target(NamedTuple):
    """A target, shape (samples, m), what it was taken for, and what may be meant otherwise."""

    values: np.ndarray
    note: str
    doubts: list[str]


def read(column: pd.Series, kind: str | None, layout: str = "") -> Target:
    """The target of a column.

    Parameters
    ----------
    column : Series
        Its name is that of the target.
    kind : {None, "classes", "real"}
        With None, floating-point numbers are real values; text, truth values and whole numbers are classes.
    layout : str
        How the file is laid out, for messages.

    Raises
    ------
    Refused
        If a value is missing, none that the kind may have, or classes are too many to compute with.
    """
    _check_values(column, kind, layout)
    if kind == "real" or (kind is None and pd.api.types.is_float_dtype(column)):
        values = finite(column.to_frame(), layout)
        return Target(values, f"real target {short(column.name)}", [] if kind else _doubts_of_real(column, values))
    labels = _labels(column)
    if kind is None:
        _check_text(labels, layout)
    count, samples = labels.nunique(), len(labels)
    if count * samples > MOST_ENTRIES:
        message = f"{count} classes of {samples} samples are more than can be computed with"
        raise Refused("target", f"{message}; write target_kind: real if {short(column.name)} holds values")
    indicators, classes = one_hot(labels)
    note = f"{count} classes of {short(column.name)}: {listed(list(map(str, classes)))}"
    return Target(indicators, note, [] if kind else _doubts_of_classes(labels))


def _check_values(column: pd.Series, kind: str | None, layout: str) -> None:
    """Refuse a column in which a value is missing."""
    nothing, cells = column.isna(), column.astype(str)
    doubtful = ~nothing & cells.isin(() if kind == "classes" else DOUBTFUL)
    missing = nothing | cells.isin(MISSING) | doubtful
    if missing.any():
        row = int(np.argmax(missing))
        message = "no value; fill it in or drop the row"
        if doubtful.iloc[row]:
            message = f"no value ({short(cells.iloc[row])}); fill it in, drop the row, or write target_kind: classes"
        raise Refused("path", f"column {short(column.name)}, row {row + 1}: {message}{layout}")


def _labels(column: pd.Series) -> pd.Series:
    """Labels that can be sorted: numbers, truth values or text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    return column if pd.api.types.is_numeric_dtype(column) else column.astype(str)


def _check_text(labels: pd.Series, layout: str) -> None:
    """Refuse text that is or is meant as numbers, unless it is whole numbers alone."""
    if pd.api.types.is_numeric_dtype(labels):
        return
    numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=np.float64)
    instead = labels.map({label: advice(label) for label in labels[np.isnan(numbers)].unique()})
    meant, other, decimal = instead.notna().to_numpy(), np.isnan(numbers), numbers != np.rint(numbers)
    if meant.any():
        row = int(np.argmax(meant))
        fault = f"is no number; {instead.iloc[row]}"
    elif other.any() and not other.all():
        row, fault = int(np.argmax(other)), "stands among numbers; mend it"
    elif decimal.any() and not other.any():
        row, fault = int(np.argmax(decimal)), "is a number in text; write target_kind: real if all are values"
    else:
        return
    where = f"column {short(labels.name)}, row {row + 1}: {short(labels.iloc[row])}"
    raise Refused("path", f"{where} {fault}, or write target_kind: classes if all are labels{layout}")


def _doubts_of_real(column: pd.Series, values: np.ndarray) -> list[str]:
    different = np.unique(values)
    if len(different) > FEW or (different % 1.0).any():
        return []
    message = f"{short(column.name)} has {len(different)} different values, all whole, and counts as real, since they"
    message += " are stored as decimals; write target_kind: classes if they are labels, or real if not"
    return [message]


def _doubts_of_classes(labels: pd.Series) -> list[str]:
    count, samples = labels.nunique(), len(labels)
    whole = pd.api.types.is_integer_dtype(labels)
    if 2 * count <= samples and not (whole and count > FEW):
        return []
    message = (
        f"{short(labels.name)} has {count} different values in {samples} samples, and counts as classes, since they"
    )
    if whole:
        message += " are whole numbers; write target_kind: real if they are values, or classes if not"
    else:
        message += " are text; write target_kind: classes if they are labels, and not names of the samples"
    return [message]
