"""A problem is a loss, a model and penalties.

Its velocity is minus the gradient of its objective: gradient descent adds step_size * velocity(state) to its state,
gradient flow integrates d state / dt = velocity(state).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.kernels.derived import FlatDescent
from linear_networks.losses.loss import Loss
from linear_networks.models.model import Model
from linear_networks.penalties.penalty import Penalty


@dataclass(frozen=True)
class Problem:
    """A batch of problems of one shape. Their state is all entries of all factors, shape (batch, entries).

    Parameters
    ----------
    loss : Loss
    model : Model
    penalties : tuple of Penalty
    """

    loss: Loss
    model: Model
    penalties: tuple[Penalty, ...] = ()

    @property
    def data(self) -> Array:
        """Y, shape (batch, m, n)."""
        return self.loss.data

    def select(self, runs: Index | Mask) -> Self:
        """The problems of some of the runs, given by index or mask; an index may repeat."""
        penalties = tuple(penalty.select(runs) for penalty in self.penalties)
        return replace(self, loss=self.loss.select(runs), model=self.model.select(runs), penalties=penalties)

    def start(self, factors: Array) -> Array:
        """State at t = 0 from the factors R(0) = [U(0); V(0)], shape (batch, m + n, w)."""
        rows = self.data.shape[1]
        return join(self.model.start(factors[:, :rows], factors[:, rows:]))

    def split(self, state: Array) -> list[Array]:
        """Views of the factors of a state, each of shape (batch, rows, columns)."""
        shapes = self.model.shapes(self.data.shape[1], self.data.shape[2], state.shape[1])
        ends = accumulate(rows * columns for rows, columns in shapes)
        return [
            state[:, end - rows * columns : end].reshape(-1, rows, columns)
            for (rows, columns), end in zip(shapes, ends, strict=True)
        ]

    def pull(self, factors: Sequence[Array]) -> list[Array]:
        """Velocities of the factors, written with operators only as far as loss, model and penalties are."""
        velocities = self.model.pull(factors, self.loss.force(self.model.product(factors)))
        for penalty in self.penalties:
            velocities = [sum_ + part for sum_, part in zip(velocities, penalty.pull(factors), strict=True)]
        return velocities

    def velocity(self, state: Array) -> Array:
        """Minus the gradient of the objective, of the state's shape."""
        return join(self.pull(self.split(state)))

    def descend(self, state: Array, step_size: float, count: int) -> Array:
        """State after `count` steps of gradient descent, state + step_size * velocity(state)."""
        return self.descent(step_size).descend(state, count)

    def descent(self, step_size: float) -> FlatDescent:
        """Gradient descent, as often as its steps are wanted, while the problem stays as it is."""
        return FlatDescent(self.velocity, self.split, step_size)

    def product(self, state: Array) -> Array:
        """Product X of the state, shape (batch, m, n)."""
        return self.model.product(self.split(state))

    def spectrum(self, state: Array, product: Array | None = None) -> Array:
        """Singular values of X, descending, shape (batch, min(m, n)); eigenvalues where X is symmetric throughout.

        Here and below, `product` is X of the state where that is known already.
        """
        factors = self.split(state)
        return self.model.spectrum(factors, self.model.product(factors) if product is None else product)

    def imbalance(self, state: Array) -> Array | None:
        """The conserved matrix Q = U^T U - V^T V, shape (batch, w, w), or None where nothing is conserved."""
        return None if self.penalties else self.model.imbalance(self.split(state))

    def tangent_kernel(self, state: Array) -> Array | None:
        """Coordinates of the map by which X moves under a force, shape (batch, numbers); None where it is constant."""
        return self.model.tangent_kernel(self.split(state))

    def objective(self, state: Array, product: Array | None = None) -> Array:
        """Loss and penalties, shape (batch,)."""
        value = self.loss.value(self.product(state) if product is None else product)
        for penalty in self.penalties:
            value = value + penalty.value(self.split(state))
        return value

    def error(self, state: Array, product: Array | None = None) -> Array:
        """Relative error ||Y - X||_F / ||Y||_F, shape (batch,)."""
        product = self.product(state) if product is None else product
        return np.sqrt(squared_norm(self.data - product) / squared_norm(self.data))


def join(factors: Sequence[Array]) -> Array:
    """A state, shape (batch, entries), of its factors."""
    return np.concatenate([factor.reshape(len(factor), -1) for factor in factors], axis=1)
