"""The product itself."""

from collections.abc import Sequence

from linear_networks.arrays import Array
from linear_networks.models.model import Model, Turn


class Direct(Model):
    """One layer: the state is X, and moves with the force on it."""

    name = "direct"
    label = "one layer"
    has_factors = False

    def shapes(self, rows: int, columns: int, size: int) -> list[tuple[int, int]]:
        return [(rows, columns)]

    def start(self, left: Array, right: Array) -> list[Array]:
        return [left @ right.mT]

    def product(self, factors: Sequence[Array]) -> Array:
        return factors[0]

    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        return [force]

    def turned(self, factors: Sequence[Array], left: Turn, right: Turn) -> list[Array]:
        # The columns of X are the rows of its transpose.
        return [right(left(factors[0]).mT).mT]

    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        return of_loss

    def operations(self, rows: int, columns: int, width: int) -> float:
        # No products, but every entry is read and written.
        return 40.0 * rows * columns
