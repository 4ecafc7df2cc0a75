"""What every model says of itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.components import Component
from linear_networks.kernels.spectra import singular_values

Turn = Callable[[Array], Array]


class Model(Component, ABC):
    """A map from factors to X. A model defines `shapes`, `start`, `product`, `pull`, `turned` and `curvature`.

    Its velocity is the force on X, pulled back: `product` and `pull` are written with operators only, so that the
    compiled steps of descent can be derived from them.

    Attributes
    ----------
    has_factors : bool
        Whether the state is made of factors of X, not of X itself.
    induced_by : Model or None
        The model whose product its own moves as, where its state does not move along the gradient.
    """

    has_factors: ClassVar[bool] = True
    induced_by: ClassVar["Model | None"] = None

    @abstractmethod
    def shapes(self, rows: int, columns: int, size: int) -> list[tuple[int, int]]:
        """Shapes of the factors of a state of so many numbers, for X of shape (rows, columns)."""

    @abstractmethod
    def start(self, left: Array, right: Array) -> list[Array]:
        """Factors at t = 0 from U(0) and V(0), shapes (batch, m, w) and (batch, n, w)."""

    @abstractmethod
    def product(self, factors: Sequence[Array]) -> Array:
        """X, shape (batch, m, n)."""

    @abstractmethod
    def pull(self, factors: Sequence[Array], force: Array) -> list[Array]:
        """Velocities of the factors under a force on X, shape (batch, m, n)."""

    @abstractmethod
    def turned(self, factors: Sequence[Array], left: Turn, right: Turn) -> list[Array]:
        """Factors in other bases of the rows and of the columns of X, into which `left` and `right` turn."""

    @abstractmethod
    def curvature(self, of_loss: float, data: float, left: float, right: float) -> float:
        """Estimate of the largest curvature that descent meets; it is stable for step sizes below 2 / curvature.

        Parameters
        ----------
        of_loss : float
            Curvature of the loss in X.
        data, left, right : float
            Spectral norms of Y, U(0) and V(0).
        """

    def realized(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Factors of the model that induces it, with the product of U and V, which move it as its own does."""
        return left, right

    def select(self, runs: Index | Mask) -> Self:
        """The model of some of the runs of a batch, given by index or mask; an index may repeat."""
        return self

    def imbalance(self, factors: Sequence[Array]) -> Array | None:
        """What every flow of a loss of X conserves, Q = U^T U - V^T V, shape (batch, w, w); None where nothing."""
        return None

    def tangent_kernel(self, factors: Sequence[Array]) -> Array | None:
        """Coordinates, shape (batch, numbers), of the map by which X moves under a force; None where it is constant."""
        return None

    def spectrum(self, factors: Sequence[Array], product: Array) -> Array:
        """Singular values of X, descending, shape (batch, min(m, n)); eigenvalues where X is symmetric throughout."""
        return singular_values(product)

    def operations(self, rows: int, columns: int, width: int) -> float:
        """Operations of a step of descent, of factors with so many columns."""
        return 6.0 * rows * columns * width


def eigenvalues(product: Array) -> Array:
    """Eigenvalues of symmetric X, descending, shape (batch, m)."""
    return np.flip(np.linalg.eigvalsh(product), axis=1)
