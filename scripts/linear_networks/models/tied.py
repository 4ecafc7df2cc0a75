"""Two layers with tied weights."""

from collections.abc import Sequence

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.spectra import singular_values
from linear_networks.models import gauge, tangent
from linear_networks.models.model import Model, Turn


class Tied(Model):
    """X = U U^T, for symmetric Y (3)."""

    name = "tied"
    label = "two layers, tied"

    def shapes(self, rows: int, columns: int, size: int) -> list[tuple[int, int]]:
        return [(rows, size // rows)]

    def start(self, left: Array, right: Array) -> list[Array]:
        return [gauge.reduce(left)[0]]

    def product(self, factors: Sequence[Array]) -> Array:
        return factors[0] @ factors[0].mT

    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        return [2.0 * force @ factors[0]]

    def tangent_kernel(self, factors: Sequence[Array]) -> Array:
        return tangent.symmetric_coordinates(2.0 * self.product(factors))

    def spectrum(self, factors: Sequence[Array], product: Array) -> Array:
        values = singular_values(factors[0]) ** 2
        return np.pad(values, ((0, 0), (0, factors[0].shape[1] - values.shape[1])))

    def turned(self, factors: Sequence[Array], left: Turn, right: Turn) -> list[Array]:
        return [left(factors[0])]

    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        # The Hessian at U U^T = Y, in direction U itself, is 4 ||U||^2.
        return of_loss * 4.0 * max(left**2, data)
