"""Reading a user's matrices and tables; every refusal names the file, the place in it and what to do."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from linear_networks.matrices import SOURCES
from linear_networks.matrices.table import one_hot
from linear_networks_workflow import grid
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
    targets, classes = one_hot(column)
    return features, targets, f"{len(frame)} samples, {len(classes)} classes of {target!r}: {classes}"


class Reader(NamedTuple):
    """How a file that a source reads is read.

    Attributes
    ----------
    read : callable
        From its path and the parameters of `keys`: the arrays by name, and a note for the log.
    formats : tuple of str
        Endings of the names of files.
    keys : tuple of str
        Parameters of a source that say what to read, besides `path`.
    """

    read: Callable[..., tuple[dict[str, np.ndarray], str]]
    formats: tuple[str, ...]
    keys: tuple[str, ...] = ()


def _matrix(path: Path) -> tuple[dict[str, np.ndarray], str]:
    values = read_matrix(path)
    return {"values": values}, "matrix of {} x {} numbers".format(*values.shape)


def _table(path: Path, target: str) -> tuple[dict[str, np.ndarray], str]:
    features, targets, note = read_table(path, target)
    return {"features": features, "targets": targets}, note


# By what a source `reads`.
READERS = {
    "matrix": Reader(_matrix, (".csv", ".npy", ".parquet")),
    "table": Reader(_table, (".csv", ".parquet"), ("target",)),
}


def resolve(point: Mapping[str, Any], folder: str | Path) -> tuple[dict[str, Any], str]:
    """The parameters of a point of `matrix` as its source takes them, with arrays where it reads a file.

    Parameters
    ----------
    point : mapping
    folder : path
        Where relative paths start.

    Returns
    -------
    parameters : dict
    note : str
        What was read, for the log; empty where nothing is.

    Raises
    ------
    InputError
        If a file does not hold what is needed.
    """
    parameters = {key: value for key, value in point.items() if key != "source"}
    reads = SOURCES[point["source"]].reads
    if reads is None:
        return parameters, ""
    reader = READERS[reads]
    path = Path(folder, parameters.pop("path"))
    arrays, note = reader.read(path, *(parameters.pop(key) for key in reader.keys))
    return parameters | arrays, f"{path}: {note}"


def shape(point: Mapping[str, Any], folder: str | Path) -> tuple[int, int]:
    """Rows and columns of the matrix of a point; a file is read once."""
    source = SOURCES[point["source"]]
    if source.reads is None:
        return source.shape(**resolve(point, folder)[0])
    return _of_file(tuple(point.items()), folder)[0]


def norm(point: Mapping[str, Any], folder: str | Path) -> float:
    """Spectral norm to expect of the matrix of a point; a file is read once."""
    source = SOURCES[point["source"]]
    if source.reads is None:
        return source.expected_norm(**resolve(point, folder)[0])
    return _of_file(tuple(point.items()), folder)[1]


def shapes(experiment: Mapping[str, Any], folder: str | Path) -> list[tuple[int, int]]:
    """Rows and columns of the matrices of an experiment, each once; files are read."""
    return list(dict.fromkeys(shape(point, folder) for point in grid.expand(experiment["matrix"])))


@cache
def _of_file(point: tuple[tuple[str, Any], ...], folder: str | Path) -> tuple[tuple[int, int], float]:
    """Shape and spectral norm of the matrix that is made of a file."""
    from scipy.linalg.interpolative import estimate_spectral_norm

    source = SOURCES[dict(point)["source"]]
    parameters, _ = resolve(dict(point), folder)
    # An estimate, as an exact norm of a large matrix takes longer than reading it.
    norm = estimate_spectral_norm(source.draw(**parameters).values, rng=np.random.default_rng(0))
    return source.shape(**parameters), float(norm)


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
