"""Matrices in the formats of NumPy and MATLAB."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks.components import Refused
from linear_networks_workflow.errors import listed, short
from linear_networks_workflow.inputs import matlab
from linear_networks_workflow.inputs.reading import reading

SPARSE = {"format", "shape", "data"}  # names in what scipy.sparse.save_npz writes


def matrix(path: Path, key: str | None) -> np.ndarray:
    """A matrix of a file, that of a key where the file has several, shape (rows, columns)."""
    array = {".npy": _of_npy, ".npz": _of_npz, ".mat": _of_mat}[path.suffix.lower()](path, key)
    if not (isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind in "biuf"):
        shape, kind = getattr(array, "shape", ()), getattr(array, "dtype", type(array).__name__)
        raise Refused("path", f"shape {shape} of {kind}; a matrix has two axes of real numbers")
    return array


def _of_npy(path: Path, key: str | None) -> Any:
    with reading("numpy.save(path, matrix)"), path.open("rb") as file:
        return np.load(file, allow_pickle=False)


def _of_npz(path: Path, key: str | None) -> Any:
    with reading("numpy.savez(path, matrix)"), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if set(archive.files) >= SPARSE:
            raise Refused("path", "is a sparse matrix of SciPy; write numpy.savez(path, matrix.toarray())")
        return archive[_chosen(dict.fromkeys(archive.files, ""), key)]


def _of_mat(path: Path, key: str | None) -> Any:
    with reading("MATLAB's save -v7, or scipy.io.savemat"):
        held = matlab.variables(path)
        chosen = _chosen({name: " x ".join(map(str, shape)) for name, shape, _ in held}, key)
        place, kind = next((place, kind) for place, (name, _, kind) in enumerate(held) if name == chosen)
        if kind not in matlab.NUMBERS:
            raise Refused("path", f"{short(chosen)} is {kind}; a matrix is full and of real numbers")
        return matlab.variable(path, place)


def _chosen(arrays: Mapping[str, str], key: str | None) -> str:
    """The name of the array of a key, or of the only one; their shapes are told where they are known."""
    if key is None and len(arrays) == 1:
        return next(iter(arrays))
    if not arrays:
        raise Refused("path", "holds no array")
    if key is None or key not in arrays:
        named = listed([f"{name} ({shape})" if shape else name for name, shape in arrays.items()])
        raise Refused(
            "key", f"{'missing' if key is None else f'no array {short(key)}'}; the file holds {named}: name one"
        )
    return key
