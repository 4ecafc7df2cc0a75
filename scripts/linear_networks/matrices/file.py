"""Matrices that a user has."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.matrices.source import Data, Source


class File(Source):
    """A matrix of numbers stored in a .csv, .npy or .parquet file."""

    name, label = "file", "matrix from a file"
    reads = "matrix"
    parameters = {"path": Parameter("file that Y is read from, relative to the config file", str)}

    @staticmethod
    def draw(values: Array) -> Data:
        return Data(values)

    @staticmethod
    def shape(*, values: Array) -> tuple[int, int]:
        rows, columns = values.shape
        return rows, columns

    @staticmethod
    def check_symmetric(*, values: Array) -> None:
        rows, columns = values.shape
        if rows != columns:
            raise Refused("path", f"is {rows} x {columns}; symmetric dynamics need a square matrix")
        if not np.array_equal(values, values.T):
            raise Refused("path", "differs from its transpose; for symmetric dynamics save (Y + Y.T) / 2")
