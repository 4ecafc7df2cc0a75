"""Problems in the basis of Y's modes, where there is one, and back."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.dynamics.problem import Problem, join
from linear_networks.models.basis import Basis, turn
from linear_networks.models.model import Turn
from linear_networks.theory.limits import Limit


@dataclass(frozen=True)
class Modes:
    """The bases of a batch of problems.

    Parameters
    ----------
    problem : Problem
        As it is given.
    basis : Basis or None
        Without one, everything stays as it is.
    """

    problem: Problem
    basis: Basis | None

    def apart(self, limit: Limit, start: Array) -> tuple[Problem, Limit, Array]:
        """The problems, their limits and their start in these bases."""
        if self.basis is None:
            return self.problem, limit, start
        loss = replace(self.problem.loss, data=self.basis.diagonal(self.basis.values))
        state = self._turned(start, partial(turn, self.basis.left), partial(turn, self.basis.right))
        return replace(self.problem, loss=loss), limit.turned(self.basis), state

    def back(self, states: Array) -> Array:
        """States of all of the problems, shape (batch, entries), as they are given."""
        if self.basis is None:
            return states
        return self._turned(states, partial(np.matmul, self.basis.left), partial(np.matmul, self.basis.right))

    def select(self, runs: Index | Mask) -> Self:
        """Those of some of the runs; an index may repeat."""
        basis = self.basis and Basis(*(part[runs] for part in self.basis))
        return replace(self, problem=self.problem.select(runs), basis=basis)

    def _turned(self, states: Array, left: Turn, right: Turn) -> Array:
        return join(self.problem.model.turned(self.problem.split(states), left, right))
