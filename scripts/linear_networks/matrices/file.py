"""Matrices that a user has."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.matrices.source import Data, Source, check_size


class File(Source):
    """A matrix of numbers from a file: text (.csv, .tsv, .txt, each also .gz), .npy, .npz, .mat or .parquet."""

    name, label = "file", "matrix from a file"
    reads = "matrix"
    parameters = {
        "path": Parameter("file that Y is read from, relative to the config file", str),
        "key": Parameter("name of Y in a .npz or .mat file that holds several arrays", str, None, column="matrix_key"),
    }

    @staticmethod
    def draw(values: Array) -> Data:
        return Data(values)

    @staticmethod
    def shape(*, values: Array) -> tuple[int, int]:
        rows, columns = values.shape
        return rows, columns

    @staticmethod
    def expected_norm(*, values: Array) -> float:
        from scipy.linalg.interpolative import estimate_spectral_norm

        # An exact norm of a large matrix takes longer than reading it.
        return float(estimate_spectral_norm(values, rng=np.random.default_rng(0)))

    @staticmethod
    def check(*, values: Array) -> None:
        if not values.any():
            raise Refused("path", "every entry is 0, and the relative error of a zero matrix is undefined")
        check_size("path", float(np.max(np.abs(values))))

    @staticmethod
    def check_symmetric(*, values: Array) -> None:
        rows, columns = values.shape
        if rows != columns:
            raise Refused("path", f"is {rows} x {columns}; symmetric dynamics need a square matrix")
        if not np.array_equal(values, values.T):
            raise Refused("path", "differs from its transpose; for symmetric dynamics save (Y + Y.T) / 2")
