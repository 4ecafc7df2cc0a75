"""Matrices with normal entries."""

from typing import Any

import numpy as np

from linear_networks.arrays import gaussian_norm
from linear_networks.matrices.source import Data, Drawn


class Gaussian(Drawn):
    """Independent standard normal entries; with `symmetric`, (A + Aᵀ)/√2, with variance 1 off the diagonal."""

    name, label = "gaussian", "Gaussian matrix"

    @staticmethod
    def draw(rng: np.random.Generator, rows: int, columns: int, symmetric: bool = False) -> Data:
        normals = rng.standard_normal((rows, columns))
        return Data((normals + normals.T) / np.sqrt(2.0) if symmetric else normals)

    @staticmethod
    def expected_norm(*, rows: int, columns: int, **_: Any) -> float:
        return gaussian_norm(rows, columns)
