"""Steps of Dormand and Prince's method of order 8(5,3), in 12 stages, and its dense output of order 7 in 3 stages more.

See II.5 and II.6 of Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, Protocol, Self

import numpy as np

from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.kernels import stages
from linear_networks.kernels.stage_code import Tableau
from linear_networks.solvers import dop853

STAGES, DENSE_STAGES = 12, 16
NUDGE = 1e-7  # Finite difference for the curvature, in units of the state.
TINY = 1e-300  # Makes 0 / 0 a 0.


def _rows(*sums: dict[int, float]) -> Array:
    """Weights of all stages in sums, shape (sums, stages)."""
    return np.array([[weights.get(stage, 0.0) for stage in range(DENSE_STAGES)] for weights in sums])


# Row s of WEIGHTS makes the state at which stage s is evaluated; row 12 is the step itself.
WEIGHTS, (FIFTH, THIRD) = _rows(*dop853.STATES), _rows(dop853.FIFTH, dop853.THIRD)[:, :STAGES]
# Row p of DENSE is the weight of each stage in what x, x (1 - x), x^2 (1 - x), ... multiply at a fraction x of a step.
CHANGE, BEGIN, END = WEIGHTS[12], np.eye(DENSE_STAGES)[0], np.eye(DENSE_STAGES)[STAGES]
DENSE = np.vstack([CHANGE, BEGIN - CHANGE, 2.0 * CHANGE - BEGIN - END, _rows(*dop853.DENSE)])
TABLEAU = Tableau(
    tuple(map(tuple, WEIGHTS.tolist())), STAGES, tuple(FIFTH), tuple(THIRD), tuple(map(tuple, DENSE.tolist())), NUDGE
)


class Steps(Protocol):
    """Trial steps of a batch of runs from their states, each with its own size."""

    def attempt(self, step: Array) -> tuple[Array, stages.Told]:
        """States at the end of steps of these sizes, shape (batch,), and what is told of them."""

    def inside(self, passed: Mask, rows: Index, x: Array) -> Iterable[tuple[Index, Array]]:
        """States within the step that was tried, as they are seen: row i is at a fraction x[i] of that of run rows[i]
        of those that have passed a sample. Numbers of some of the rows, and their states, come at a time.

        Parameters
        ----------
        passed : ndarray of bool, shape (batch,)
        rows : ndarray of int, shape (samples,)
            Ascending.
        x : ndarray, shape (samples,)
        """

    def accept(self, accepted: Mask, turned: Array) -> None:
        """Go on from the end of the step where it is accepted, and turn the direction of the largest curvature to the
        change of the velocity times `turned`, where that is not 0. Both have shape (batch,)."""

    def select(self, kept: Mask | Index) -> Self:
        """Those of some of the runs, after which these are no more."""


def steps(problem: Problem, seen: stages.Seen, state: Array, velocity: Array, direction: Array) -> Steps:
    """Trial steps from states, with the velocity there and a first guess of the direction of the largest curvature.

    Compiled where the velocity is. All have shape (batch, entries).
    """
    compiled = stages.stages(problem.velocity, problem.split, seen, state, velocity, direction, TABLEAU)
    return Plain(problem, seen, state, velocity, direction) if compiled is None else compiled


def error(step: Array, told: stages.Told) -> Array:
    """Norm of the error of steps of these sizes, both shapes (batch,)."""
    return step * told.fifth / np.sqrt(told.fifth + 0.01 * told.third + TINY)


def weights_within(x: Array, step: Array) -> Array:
    """Weights of the stages, shape (samples, stages), in the change of state at fractions x of steps, (samples,)."""
    weights, factor = np.zeros((len(x), DENSE_STAGES)), step
    for place, terms in enumerate(DENSE):
        factor = factor * (1.0 - x if place % 2 else x)
        weights += factor[:, None] * terms
    return weights


class Trial(NamedTuple):
    """A step that was tried."""

    step: Array
    end: Array
    stages: Array
    change: Array


@dataclass
class Plain:
    """Steps in NumPy, for velocities of any kind."""

    problem: Problem
    seen: stages.Seen
    state: Array
    velocity: Array
    direction: Array
    tried: Trial = field(init=False, repr=False)

    def attempt(self, step: Array) -> tuple[Array, stages.Told]:
        changes = np.empty((len(step), DENSE_STAGES, self.state.shape[1]))
        changes[:, 0] = self.velocity
        end = self.state
        for s in range(1, STAGES + 1):
            end = self.state + step[:, None] * _weigh(WEIGHTS[s, :s], changes[:, :s])
            changes[:, s] = self.problem.velocity(end)
        velocity, size = changes[:, STAGES], squared_norm(end)
        # One power iteration: the change of velocity along the direction turns it to that of the largest curvature.
        nudge = NUDGE * np.sqrt(size)[:, None]
        change = (self.problem.velocity(end + nudge * self.direction) - velocity) / nudge
        self.tried = Trial(step, end, changes, change)
        fifth, third = (_weigh(weights, changes[:, :STAGES]) for weights in (FIFTH, THIRD))
        fifth, third, speed = map(squared_norm, (fifth, third, velocity))
        return end, stages.Told(fifth, third, speed, size, bend=squared_norm(change))

    def inside(self, passed: Mask, rows: Index, x: Array) -> Iterable[tuple[Index, Array]]:
        problem, states = self.problem.select(passed), self.state[passed]
        step, changes = self.tried.step[passed, None], self.tried.stages[passed]
        for s in range(STAGES + 1, DENSE_STAGES):
            changes[:, s] = problem.velocity(states + step * _weigh(WEIGHTS[s, :s], changes[:, :s]))
        inside, weights = states[rows][:, None], weights_within(x, step[rows, 0])
        ends = np.searchsorted(rows, np.arange(len(states) + 1))
        for run, (first, last) in enumerate(pairwise(ends)):
            # One product of a vector and a matrix a sample: it does not depend on the others.
            inside[first:last] += weights[first:last, None] @ changes[run]
        chosen = np.flatnonzero(passed)[rows]
        return [(np.arange(len(rows)), self.seen.select(chosen).back(inside[:, 0]))]

    def accept(self, accepted: Mask, turned: Array) -> None:
        moved, turning = accepted[:, None], (turned > 0.0)[:, None]
        self.state = np.where(moved, self.tried.end, self.state)
        self.velocity = np.where(moved, self.tried.stages[:, STAGES], self.velocity)
        self.direction = np.where(turning, self.tried.change * turned[:, None], self.direction)

    def select(self, kept: Mask | Index) -> Self:
        problem, seen = self.problem.select(kept), self.seen.select(kept)
        return type(self)(problem, seen, self.state[kept], self.velocity[kept], self.direction[kept])


def _weigh(weights: Array, changes: Array) -> Array:
    """Weighted sum over the stages, shape (batch, entries), of stages of shape (batch, stages, entries)."""
    # One product of a vector and a matrix a run: it does not depend on the size of the batch.
    return weights @ changes
