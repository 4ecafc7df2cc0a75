"""Reading a user's matrices and tables; every refusal names the file, the place in it and what to do."""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from linear_networks.components import Refused
from linear_networks.matrices import SOURCES
from linear_networks_workflow import grid
from linear_networks_workflow.errors import ConfigError
from linear_networks_workflow.inputs import formats

Doubts = tuple[tuple[str, str], ...]


class Reader(NamedTuple):
    """How a file that a source reads is read.

    Attributes
    ----------
    read : callable
        From its path and the parameters of `keys`: the arrays by name, a note for the log, and doubts.
    formats : tuple of str
        Endings of the names of files.
    keys : tuple of str
        Parameters of a source that say what to read, besides `path`.
    """

    read: Callable[..., tuple[dict[str, np.ndarray], str, Doubts]]
    formats: tuple[str, ...]
    keys: tuple[str, ...]


def _matrix(path: Path, key: str | None) -> tuple[dict[str, np.ndarray], str, Doubts]:
    from linear_networks_workflow.inputs import matrix

    values, note = matrix.read(path, key)
    return {"values": values}, note, ()


def _table(path: Path, target: str, kind: str | None) -> tuple[dict[str, np.ndarray], str, Doubts]:
    from linear_networks_workflow.inputs import table

    features, targets, note, doubts = table.read(path, target, kind)
    return {"features": features, "targets": targets}, note, doubts


# By what a source `reads`. What reads is loaded where there is something to read: most matrices are drawn.
READERS = {
    "matrix": Reader(_matrix, formats.MATRIX, ("key",)),
    "table": Reader(_table, formats.TABLE, ("target", "target_kind")),
}


class Resolved(NamedTuple):
    """The parameters of a point of `matrix` as its source takes them.

    Attributes
    ----------
    parameters : dict
        With arrays where the source reads a file.
    note : str
        What was read, for the log; empty where nothing is.
    doubts : tuple of pairs of str
        What may be meant otherwise, with the key below `matrix` that it is about.
    """

    parameters: dict[str, Any]
    note: str = ""
    doubts: Doubts = ()


def resolve(point: Mapping[str, Any], folder: str | Path) -> Resolved:
    """Read and judge the file of a point of `matrix`, if it has one.

    Parameters
    ----------
    point : mapping
    folder : path
        Where relative paths start.

    Raises
    ------
    InputError
        If a file does not hold what is needed.
    """
    source = SOURCES[point["source"]]
    parameters = {key: value for key, value in point.items() if key != "source"}
    if source.reads is None:
        return Resolved(parameters)
    reader, path = READERS[source.reads], parameters.pop("path")
    try:
        arrays, note, doubts = reader.read(Path(folder, path), *(parameters.pop(key, None) for key in reader.keys))
        source.check(**arrays)
    except Refused as refused:
        raise ConfigError(f"matrix.{refused.key}", f"{path}: {refused.message}") from None
    return Resolved(parameters | arrays, f"{path}: {note}", tuple((key, f"{path}: {doubt}") for key, doubt in doubts))


class Seen(NamedTuple):
    """What is remembered of a matrix when jobs are planned: rows and columns, spectral norm to expect, and doubts."""

    shape: tuple[int, int]
    norm: float
    doubts: Doubts


def shape(point: Mapping[str, Any], folder: str | Path) -> tuple[int, int]:
    """Rows and columns of the matrix of a point; a file is read once."""
    return _look(point, folder).shape


def norm(point: Mapping[str, Any], folder: str | Path) -> float:
    """Spectral norm to expect of the matrix of a point."""
    return _look(point, folder).norm


def shapes(experiment: Mapping[str, Any], folder: str | Path) -> list[tuple[int, int]]:
    """Rows and columns of the matrices of an experiment, each once; files are read."""
    return list(dict.fromkeys(shape(point, folder) for point in grid.expand(experiment["matrix"])))


def doubts(experiment: Mapping[str, Any], folder: str | Path) -> list[tuple[str, str]]:
    """What may be meant otherwise in the files of an experiment, with the key that it is about."""
    found = (doubt for point in grid.expand(experiment["matrix"]) for doubt in _look(point, folder).doubts)
    return list(dict.fromkeys((f"matrix.{key}", message) for key, message in found))


def contents(experiment: Mapping[str, Any], folder: str | Path) -> list[str]:
    """Digests of the files that the matrices of an experiment are read from."""
    paths = [Path(folder, point["path"]) for point in grid.expand(experiment["matrix"]) if "path" in point]
    return [sha256(path.read_bytes()).hexdigest() for path in paths]


def _look(point: Mapping[str, Any], folder: str | Path) -> Seen:
    source = SOURCES[point["source"]]
    if source.reads is None:
        return _seen(point, folder)
    # Of a file that has changed, nothing is remembered.
    version = Path(folder, point["path"]).stat()
    return _look_into_file(tuple(point.items()), folder, (version.st_mtime_ns, version.st_size))


@cache
def _look_into_file(point: tuple[tuple[str, Any], ...], folder: str | Path, version: tuple[int, int]) -> Seen:
    return _seen(dict(point), folder)


def _seen(point: Mapping[str, Any], folder: str | Path) -> Seen:
    source, (parameters, _, doubts) = SOURCES[point["source"]], resolve(point, folder)
    return Seen(source.shape(**parameters), source.expected_norm(**parameters), doubts)
