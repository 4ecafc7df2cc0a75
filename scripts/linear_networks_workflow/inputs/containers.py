"""Matrices in the formats of NumPy and MATLAB."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks.components import Refused
from linear_networks_workflow.errors import listed, short, unknown

ARCHIVES = (".npz", ".mat")
FORMATS = (".npy", *ARCHIVES)


def matrix(path: Path, key: str | None) -> np.ndarray:
    """A matrix of a file, that of a key where the file has several, shape (rows, columns)."""
    array = {".npy": _of_npy, ".npz": _of_npz, ".mat": _of_mat}[path.suffix.lower()](path, key)
    if not (isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind in "biuf"):
        shape, kind = getattr(array, "shape", ()), getattr(array, "dtype", type(array).__name__)
        raise Refused("path", f"shape {shape} of {kind}; a matrix has two axes of real numbers, and no zeros left out")
    return array


def _of_npy(path: Path, key: str | None) -> Any:
    with _reading("numpy.save(path, matrix)"), path.open("rb") as file:
        return np.load(file, allow_pickle=False)


def _of_npz(path: Path, key: str | None) -> Any:
    with _reading("numpy.savez(path, matrix)"), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return archive[_chosen(dict.fromkeys(archive.files, ""), key)]


def _of_mat(path: Path, key: str | None) -> Any:
    import scipy.io

    with _reading("MATLAB's save -v7, or scipy.io.savemat"), path.open("rb") as file:
        variables = {name: " x ".join(map(str, shape)) for name, shape, _ in scipy.io.whosmat(file)}
        chosen = _chosen(variables, key)
        return scipy.io.loadmat(file, variable_names=[chosen])[chosen]


def _chosen(arrays: Mapping[str, str], key: str | None) -> str:
    """The name of the array of a key, or of the only one; their shapes are told where they are known."""
    if key is None and len(arrays) == 1:
        return next(iter(arrays))
    if not arrays:
        raise Refused("path", "holds no array")
    if key is None:
        named = [f"{name} ({shape})" if shape else name for name, shape in arrays.items()]
        raise Refused("key", f"missing; the file holds {listed(named)}: name one")
    if key not in arrays:
        raise Refused("key", unknown("array", key, arrays))
    return key


@contextmanager
def _reading(advice: str) -> Iterator[None]:
    """Refuse a file that its library cannot read: of a damaged one, any exception may come."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused("path", f"cannot be read ({short(error)}); is it whole? Save it with {advice}") from None
