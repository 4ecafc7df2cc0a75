"""Where runs end, as far as theory knows: at the limit of generic starts, or at a saddle that theirs cannot leave."""

from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from linear_networks import theory as theories
from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.models.basis import Basis
from linear_networks.outcomes import ESCAPED, SADDLE
from linear_networks.theory.reach import EQUAL
from linear_networks.theory.theory import Theory

NEAR = 1e-10  # An error of this, relative to Y, is none.
TINY = float(np.finfo(np.float64).tiny)
GONE = 1e-8  # Below the loss of its limit by this change of X, in units of Y, a run has left it.


@dataclass(frozen=True)
class Limit:
    """Limits of a batch of runs.

    Attributes
    ----------
    theory : Theory
        What knows them.
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

    theory: Theory
    product: Array
    gramian: Array | None
    values: Array
    saddle: Mask
    size: Array
    loss: Array

    @classmethod
    def of(cls, problem: Problem, widths: Array, start: Start | None = None) -> Self:
        """Limits of runs of widths k, shape (batch,), from their start, or from generic ones."""
        batch, rows, columns = problem.data.shape
        unknown = np.full((batch, min(rows, columns)), np.nan)
        theory = theories.of(problem)
        generic, values = theory.limit(problem, widths), theory.kept(problem, widths, start)
        product, basis, ranks = generic, theory.basis(problem), widths
        if start is not None and generic is not None and basis is not None:
            ranks = np.minimum(widths, start.rank)
            product = theory.limit(problem, ranks) if values is None else basis.part(problem.data, values)
        if generic is None or product is None:
            generic = product = np.full(problem.data.shape, np.nan)
        size = np.sqrt(squared_norm(problem.data))
        return cls(
            theory=theory,
            product=product,
            gramian=theory.gramian_limit(problem, ranks),
            values=unknown if values is None else values,
            saddle=np.sqrt(squared_norm(product - generic)) > EQUAL * size,
            size=size,
            loss=0.5 * squared_norm(problem.data - product),
        )

    @property
    def known(self) -> Mask:
        """Whether the limit of a run is known, shape (batch,)."""
        known = np.isfinite(self.loss)
        return known if self.gramian is None else known & np.isfinite(self.gramian).all(axis=(1, 2))

    def select(self, runs: Index | Mask) -> Self:
        """The limits of some of the runs, given by index or mask."""
        parts: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen: dict[str, Any] = {name: part[runs] for name, part in parts.items() if isinstance(part, np.ndarray)}
        return replace(self, **chosen)

    def turned(self, basis: Basis) -> Self:
        """The limits in the singular basis."""
        left, right = (partial(np.matmul, part.mT) for part in (basis.left, basis.right))
        product, gramian, rows = left(right(self.product.mT).mT), self.gramian, self.product.shape[1]
        for _ in range(2 * (gramian is not None)):
            assert gramian is not None
            gramian = np.concatenate([left(gramian[:, :rows]), right(gramian[:, rows:])], axis=1).mT
        return replace(self, product=product, gramian=gramian)

    def distances(self, problem: Problem, state: Array, product: Array) -> tuple[Array, Array]:
        """How far states of these products X are from the limit: X, and the Gramian in units of its limit, which is 0
        where its convergence is no question of its own."""
        gramian, far = self.theory.gramian(problem, state), np.zeros(len(state))
        if gramian is not None and self.gramian is not None:
            far = np.sqrt(squared_norm(gramian - self.gramian)) / np.maximum(np.sqrt(squared_norm(self.gramian)), TINY)
        return np.sqrt(squared_norm(product - self.product)), far

    def is_near(self, problem: Problem, state: Array, tolerance: float, unit: Array) -> Mask:
        """Whether states are within a tolerance of the limit, in units of X; of the Gramian, in those of its limit."""
        distance, far = self.distances(problem, state, problem.product(state))
        near: Mask = (distance <= tolerance * unit) & (far <= tolerance)
        return near

    def is_left(self, problem: Problem, state: Array) -> Mask:
        """Whether runs have gone on from the saddle at which their start ends: the loss there is their least."""
        error = squared_norm(problem.data - problem.product(state))
        # ||E||^2 falls by 2 ||E|| dX.
        known = self.saddle & np.isfinite(self.values).all(axis=1)
        return known & (error < 2.0 * self.loss - 2.0 * GONE * self.size * np.sqrt(2.0 * self.loss))

    def outcome(self, problem: Problem, state: Array, otherwise: NDArray[np.str_]) -> NDArray[np.str_]:
        """How runs that stop at these states have ended, where their start ends at a saddle."""
        found = np.where(self.saddle & self.is_near(problem, state, NEAR, self.size), SADDLE, otherwise)
        return np.where(self.is_left(problem, state), ESCAPED, found)
