"""The product U U^T on its own."""

from collections.abc import Sequence

from linear_networks.arrays import Array
from linear_networks.models import tangent
from linear_networks.models.direct import Direct
from linear_networks.models.model import Turn, eigenvalues
from linear_networks.models.tied import Tied


class Metric(Direct):
    """Symmetric X in the metric that X = U U^T induces: a force E moves it by 2 (E X + X E^T).

    It starts from U U^T and stays positive semidefinite and of the same rank; from other starts it can escape to
    infinity in finite time.
    """

    name = "metric"
    label = "one layer, as U Uᵀ moves"
    induced_by = Tied()

    def start(self, left: Array, right: Array) -> list[Array]:
        return [left @ left.mT]

    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        half = 2.0 * force @ factors[0]
        return [half + half.mT]

    def tangent_kernel(self, factors: Sequence[Array]) -> Array:
        return tangent.symmetric_coordinates(2.0 * factors[0])

    def spectrum(self, factors: Sequence[Array], product: Array) -> Array:
        return eigenvalues(product)

    def turned(self, factors: Sequence[Array], left: Turn, right: Turn) -> list[Array]:
        return [left(left(factors[0]).mT).mT]

    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        return of_loss * 4.0 * max(left**2, data)

    def operations(self, rows: int, columns: int, width: int) -> float:
        return 6.0 * rows * columns * width
