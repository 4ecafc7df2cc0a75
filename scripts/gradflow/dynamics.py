"""The dynamics: what each one's state is, how it moves, what it descends and what it conserves.

A dynamics is a batch of problems of one shape. `velocity` is minus the gradient of `loss`: gradient descent adds
step_size * velocity(state) to its state, gradient flow integrates d state / dt = velocity(state).
"""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dynamics:
    """A batch of problems.

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        Data matrices Y.
    """

    data: Array

    def select(self, runs: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The same dynamics for some of the runs, given by index or mask; an index may repeat."""
        return replace(self, **{field.name: getattr(self, field.name)[runs] for field in fields(self)})

    def start(self, factors: Array) -> Array:
        """State at t = 0 from the factors R(0), shape (batch, m + n, w)."""
        raise NotImplementedError

    def velocity(self, state: Array) -> Array:
        """Minus the gradient of the loss, of the state's shape."""
        raise NotImplementedError

    def product(self, state: Array) -> Array:
        """Product X of the state, shape (batch, m, n)."""
        raise NotImplementedError

    def imbalance(self, state: Array) -> Array | None:
        """The conserved matrix Q = U^T U - V^T V, shape (batch, w, w), or None where nothing is conserved."""
        raise NotImplementedError

    @staticmethod
    def curvature(data: float, left: float, right: float) -> float:
        """Estimate of the largest curvature that descent meets; it is stable for step sizes below 2 / curvature.

        Parameters
        ----------
        data, left, right : float
            Spectral norms of Y, U(0) and V(0).
        """
        raise NotImplementedError

    def loss(self, state: Array) -> Array:
        """The objective, shape (batch,)."""
        return 0.5 * squared_norm(self.data - self.product(state))

    def error(self, state: Array) -> Array:
        """Relative error ||Y - X||_F / ||Y||_F, shape (batch,)."""
        return np.sqrt(squared_norm(self.data - self.product(state)) / squared_norm(self.data))


class Linear(Dynamics):
    """One-layer linear model (2): the state is the product X, shape (batch, m, n), and dX/dt = Y - X."""

    def start(self, factors: Array) -> Array:
        rows = self.data.shape[1]
        return factors[:, :rows] @ factors[:, rows:].mT

    def velocity(self, state: Array) -> Array:
        return self.data - state

    def product(self, state: Array) -> Array:
        return state

    def imbalance(self, state: Array) -> None:
        return None

    @staticmethod
    def curvature(data: float, left: float, right: float) -> float:
        return 1.0


class Asymmetric(Dynamics):
    """Two-layer linear model (9): the state is R = [U; V], shape (batch, m + n, w), and (10) moves it:

    dU/dt = (Y - U V^T) V,  dV/dt = (Y - U V^T)^T U.
    """

    def start(self, factors: Array) -> Array:
        return factors

    def velocity(self, state: Array) -> Array:
        left, right = self.factors(state)
        residual = self.data - left @ right.mT
        velocity = np.empty_like(state)
        rows = self.data.shape[1]
        np.matmul(residual, right, out=velocity[:, :rows])
        np.matmul(residual.mT, left, out=velocity[:, rows:])
        return velocity

    def product(self, state: Array) -> Array:
        left, right = self.factors(state)
        return left @ right.mT

    def imbalance(self, state: Array) -> Array:
        left, right = self.factors(state)
        return left.mT @ left - right.mT @ right

    @staticmethod
    def curvature(data: float, left: float, right: float) -> float:
        # The Hessian of (9) at a minimum is E -> U U^T E + E V V^T: at the start ||U||^2 + ||V||^2 bounds it,
        # and balanced factors of Y end at ||U||^2 = ||V||^2 = ||Y||.
        return max(left**2 + right**2, 2.0 * data)

    def factors(self, state: Array) -> tuple[Array, Array]:
        """Views U (batch, m, w) and V (batch, n, w) of the state."""
        rows = self.data.shape[1]
        return state[:, :rows], state[:, rows:]


DYNAMICS: dict[str, type[Dynamics]] = {"linear": Linear, "asymmetric": Asymmetric}


def squared_norm(matrices: Array) -> Array:
    """Squared Frobenius norms, shape (batch,), of matrices of shape (batch, rows, columns)."""
    flat = matrices.reshape(len(matrices), -1)
    # One dot product a run: a sum over two axes would depend on how NumPy orders the batch.
    return np.vecdot(flat, flat)
