"""Reading a user's matrices and tables; every refusal names the file, the place in it and what to do."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from linear_networks import matrices
from linear_networks_workflow.errors import InputError


def read_matrix(path: str | Path) -> np.ndarray:
    """Matrix of a .csv (numbers only, no header), .npy or .parquet file, shape (rows, columns).

    Raises
    ------
    InputError
        If the file cannot be read, or holds anything but finite numbers in rows of one length.
    """
    if Path(path).suffix == ".npy":
        try:
            matrix = np.load(path, allow_pickle=False)
        except ValueError as error:
            raise InputError(f"{path}: not a plain array ({error}); save it with numpy.save(path, matrix)") from None
        if matrix.ndim != 2 or matrix.dtype.kind not in "iuf":
            raise InputError(f"{path}: shape {matrix.shape} of {matrix.dtype}; a matrix has two axes of real numbers")
        frame = pd.DataFrame(matrix)
    else:
        frame = _read_frame(path, header=None)
    matrix = _numbers(frame, path)
    if not matrix.any():
        raise InputError(f"{path}: every entry is 0, and the relative error of a zero matrix is undefined")
    return matrix


def read_table(path: str | Path, target: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Features and targets of a .csv (with a header) or .parquet table.

    Returns
    -------
    features : ndarray, shape (samples, n)
        Every column but the target.
    targets : ndarray, shape (samples, m)
        The target column, or indicators of its classes if it holds text, truth values or whole numbers.
    note : str
        What was read, for the log.

    Raises
    ------
    InputError
        If the target is no column, or a feature holds anything but finite numbers.
    """
    frame = _read_frame(path, header=0)
    if target not in frame:
        raise InputError(f"{path}: no column {target!r} for the target; there is {', '.join(map(str, frame.columns))}")
    column = frame.pop(target)
    if column.isna().any():
        raise InputError(
            f"{path}: column {target!r}, row {_first(column.isna())}: no value; fill it in or drop the row"
        )
    features = _numbers(frame, path)
    if pd.api.types.is_float_dtype(column):
        return features, _numbers(column.to_frame(), path), f"{len(frame)} samples, real target {target!r}"
    targets, classes = matrices.one_hot(column)
    return features, targets, f"{len(frame)} samples, {len(classes)} classes of {target!r}: {classes}"


@cache
def shape(path: str | Path, target: str | None = None) -> tuple[int, int]:
    """Rows and columns of the data matrix that a file holds, or that a table with this target gives."""
    if target is None:
        rows, columns = read_matrix(path).shape
        return rows, columns
    features, targets, _ = read_table(path, target)
    return targets.shape[1], features.shape[1]


def _read_frame(path: str | Path, header: int | None) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if Path(path).suffix == ".parquet" else pd.read_csv(path, header=header)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(f"{path}: {reason}; every row needs the same number of columns") from None


def _numbers(frame: pd.DataFrame, path: str | Path) -> np.ndarray:
    """The frame as an array of finite numbers."""
    numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    bad = np.argwhere(~np.isfinite(numbers))
    if len(bad):
        row, column = bad[0]
        value, name = frame.iloc[row, column], frame.columns[column]
        raise InputError(
            f"{path}: row {row + 1}, column {repr(name) if isinstance(name, str) else column + 1}: "
            f"{str(value)!r} is not a finite number; complete or remove it"
        )
    if not numbers.size:
        raise InputError(f"{path}: holds no numbers")
    return numbers


def _first(mask: pd.Series) -> int:
    return int(np.argmax(mask.to_numpy())) + 1
