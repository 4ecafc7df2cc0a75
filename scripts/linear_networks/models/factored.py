"""Two layers."""

from collections.abc import Sequence

from linear_networks.arrays import Array
from linear_networks.models import tangent
from linear_networks.models.model import Model, Turn


class Factored(Model):
    """X = U V^T (9). Of any loss of X, gradient flow conserves the imbalance Q = U^T U - V^T V."""

    name = "factored"
    label = "two layers"

    def shapes(self, rows: int, columns: int, size: int) -> list[tuple[int, int]]:
        width = size // (rows + columns)
        return [(rows, width), (columns, width)]

    def start(self, left: Array, right: Array) -> list[Array]:
        return [left, right]

    def product(self, factors: Sequence[Array]) -> Array:
        left, right = factors
        return left @ right.mT

    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        left, right = factors
        return [force @ right, force.mT @ left]

    def imbalance(self, factors: Sequence[Array]) -> Array:
        left, right = factors
        return left.mT @ left - right.mT @ right

    def tangent_kernel(self, factors: Sequence[Array]) -> Array:
        left, right = factors
        return tangent.coordinates(left @ left.mT, right @ right.mT)

    def turned(self, factors: Sequence[Array], left: Turn, right: Turn) -> list[Array]:
        return [left(factors[0]), right(factors[1])]

    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        # The Hessian at a minimum is E -> U U^T E + E V V^T: at the start ||U||^2 + ||V||^2 bounds it, and balanced
        # factors of Y end at ||U||^2 = ||V||^2 = ||Y||.
        return of_loss * max(left**2 + right**2, 2.0 * data)
