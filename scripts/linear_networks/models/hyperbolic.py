"""The product U V^T on its own, of factors whose imbalance has two eigenvalues."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.kernels.spectra import singular_values
from linear_networks.models import tangent
from linear_networks.models.direct import Direct
from linear_networks.models.factored import Factored


@dataclass(frozen=True, eq=False)
class Hyperbolic(Direct):
    """X as it moves where P = R R^T has P J P = lambda0 P + tau^2 J: a force G moves it by A G + G B.

    There U U^T = lambda0/2 + A and V V^T = -lambda0/2 + B with A = sqrt(X X^T + h^2), B = sqrt(X^T X + h^2) and
    h^2 = lambda0^2/4 + tau^2, so that X moves on its own, and only h enters.

    Parameters
    ----------
    half : ndarray, shape (batch,)
        h, half the difference of the two eigenvalues of Q.
    """

    half: Array = field(default_factory=lambda: np.ones(1))

    name = "hyperbolic-metric"
    label = "one layer, as U Vᵀ moves"
    induced_by = Factored()

    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        left, right = self.sides(factors[0])
        return [left @ force + force @ right]

    def sides(self, product: Array) -> tuple[Array, Array]:
        """A and B, shapes (batch, m, m) and (batch, n, n); NaN where X is not finite."""
        finite = np.isfinite(product).all(axis=(1, 2), keepdims=True)
        left, x, right = np.linalg.svd(np.where(finite, product, 0.0), full_matrices=False)
        half = self.half[:, None]
        slope = x / np.maximum(np.hypot(x, half) + half, np.finfo(float).tiny)
        excess = np.where(finite, (x * slope)[:, None], np.nan)  # sqrt(x^2 + h^2) - h
        u, v = left, right.mT
        found = [(basis * excess) @ basis.mT + half[..., None] * np.eye(basis.shape[1]) for basis in (u, v)]
        return found[0], found[1]

    def spectra(self, product: Array) -> tuple[Array, Array]:
        """Eigenvalues of A and B, descending, shapes (batch, m) and (batch, n)."""
        x = singular_values(product)
        rows, columns = product.shape[1:]
        sides = [np.hypot(np.pad(x, ((0, 0), (0, side - x.shape[1]))), self.half[:, None]) for side in (rows, columns)]
        return sides[0], sides[1]

    def realized(self, left: Array, right: Array) -> tuple[Array, Array]:
        # With a = h + sqrt(x^2 + h^2), columns (sqrt(a) phi, (x / sqrt(a)) psi) have Q = 2 h I for m <= n, and
        # (x / sqrt(a)) phi, sqrt(a) psi have Q = -2 h I for m > n.
        u, x, v = np.linalg.svd(left @ right.mT, full_matrices=False)
        half = self.half[:, None]
        # At h = 0 the flow keeps the rank of X(0), which the rounding of U V^T would raise.
        sizes = [np.linalg.norm(factor, axis=(1, 2)) for factor in (left, right)]
        noise = (left.shape[1] + right.shape[1]) * np.finfo(float).eps * sizes[0] * sizes[1]
        x = np.where((half == 0.0) & (x <= noise[:, None]), 0.0, x)
        root = np.sqrt(half + np.hypot(x, half))
        rest = np.divide(x, root, out=np.zeros_like(x), where=root > 0.0)
        larger, smaller = (root, rest) if u.shape[1] <= v.shape[2] else (rest, root)
        return u * larger[:, None], v.mT * smaller[:, None]

    def tangent_kernel(self, factors: Sequence[Array]) -> Array:
        return tangent.coordinates(*self.sides(factors[0]))

    def select(self, runs: Index | Mask) -> Self:
        return replace(self, half=np.asarray(self.half[runs]))

    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        return of_loss * 2.0 * np.hypot(np.maximum(left * right, data), np.max(self.half))

    def operations(self, rows: int, columns: int, width: int) -> float:
        # Singular vectors; of small matrices calls take most of the time.
        return 1000.0 * rows * columns
