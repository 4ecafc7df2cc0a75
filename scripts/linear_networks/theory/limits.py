"""Where runs end, as far as theory knows: at the limit of generic starts, or at a saddle that theirs cannot leave."""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from linear_networks.dynamics import Dynamics, squared_norm
from linear_networks.initializations import Start
from linear_networks.models.basis import Basis
from linear_networks.solvers.solution import ESCAPED, SADDLE
from linear_networks.theory.reach import EQUAL

Array = NDArray[np.float64]

NEAR = 1e-10  # An error of this, relative to Y, is none.
GONE = 1e-8  # Below the loss of its limit by this change of X, in units of Y, a run has left it.


@dataclass(frozen=True)
class Limit:
    """Limits of a batch of runs.

    Attributes
    ----------
    product : ndarray, shape (batch, m, n)
        X(inf); NaN where it is not known.
    gramian : ndarray, shape (batch, m + n, m + n), or None
        R R^T (inf), where its convergence is a question of its own.
    values : ndarray, shape (batch, min(m, n))
        The singular values of Y that X(inf) keeps, in their order; NaN where they are not known.
    saddle : ndarray of bool, shape (batch,)
        Whether other starts of the same width leave this limit.
    size, loss : ndarray, shape (batch,)
        ||Y||_F, and 1/2 ||Y - X(inf)||_F^2.
    """

    product: Array
    gramian: Array | None
    values: Array
    saddle: NDArray[np.bool_]
    size: Array
    loss: Array

    @classmethod
    def of(cls, dynamics: Dynamics, widths: Array, start: Start | None = None) -> Self:
        """Limits of runs of widths k, shape (batch,), from their start, or from generic ones."""
        batch, rows, columns = dynamics.data.shape
        unknown = np.full((batch, min(rows, columns)), np.nan)
        generic, values = dynamics.limit(widths), dynamics.kept(widths, start)
        product, basis, ranks = generic, dynamics.basis(), widths
        if start is not None and generic is not None and basis is not None:
            ranks = np.minimum(widths, np.linalg.matrix_rank(start.factors))
            product = dynamics.limit(ranks) if values is None else basis.part(dynamics.data, values)
        if generic is None or product is None:
            generic = product = np.full(dynamics.data.shape, np.nan)
        size = np.sqrt(squared_norm(dynamics.data))
        return cls(
            product=product,
            gramian=dynamics.gramian_limit(ranks),
            values=unknown if values is None else values,
            saddle=np.sqrt(squared_norm(product - generic)) > EQUAL * size,
            size=size,
            loss=0.5 * squared_norm(dynamics.data - product),
        )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the limit of a run is known, shape (batch,)."""
        known = np.isfinite(self.loss)
        return known if self.gramian is None else known & np.isfinite(self.gramian).all(axis=(1, 2))

    def select(self, runs: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The limits of some of the runs, given by index or mask."""
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {name: None if part is None else part[runs] for name, part in parts.items()}
        return replace(self, **chosen)

    def turned(self, dynamics: Dynamics, basis: Basis) -> Self:
        """The limits in the singular basis."""
        left, right = (partial(np.matmul, part.mT) for part in (basis.left, basis.right))
        product, gramian = left(right(self.product.mT).mT), self.gramian
        if gramian is not None:
            gramian = dynamics.turned(dynamics.turned(gramian, left, right).mT, left, right).mT
        return replace(self, product=product, gramian=gramian)

    def is_near(self, dynamics: Dynamics, state: Array, tolerance: float, unit: Array) -> NDArray[np.bool_]:
        """Whether states are within a tolerance of the limit, in units of X; of the Gramian, in those of its limit."""
        near = np.sqrt(squared_norm(dynamics.product(state) - self.product)) <= tolerance * unit
        gramian = dynamics.gramian(state)
        if gramian is not None and self.gramian is not None:
            near &= squared_norm(gramian - self.gramian) <= tolerance**2 * squared_norm(self.gramian)
        return near

    def is_left(self, dynamics: Dynamics, state: Array) -> NDArray[np.bool_]:
        """Whether runs have gone on from the saddle at which their start ends: the loss there is their least."""
        error = squared_norm(dynamics.data - dynamics.product(state))
        # ||E||^2 falls by 2 ||E|| dX.
        known = self.saddle & np.isfinite(self.values).all(axis=1)
        return known & (error < 2.0 * self.loss - 2.0 * GONE * self.size * np.sqrt(2.0 * self.loss))

    def outcome(self, dynamics: Dynamics, state: Array, otherwise: NDArray[np.str_]) -> NDArray[np.str_]:
        """How runs that stop at these states have ended, where their start ends at a saddle."""
        found = np.where(self.saddle & self.is_near(dynamics, state, NEAR, self.size), SADDLE, otherwise)
        return np.where(self.is_left(dynamics, state), ESCAPED, found)
