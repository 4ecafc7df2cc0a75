"""Trial steps of an explicit Runge-Kutta method, compiled for the shapes of a state: each lane takes a step of its own.

All stages of a block of runs are computed while they are close to the processor, and nothing but what controls the step
leaves the kernel. What is written by hand are weighted sums and norms (`stage_code`); the velocity is derived
(`derived.evaluation`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir

from linear_networks.arrays import Array, Index, Mask
from linear_networks.kernels import lanes
from linear_networks.kernels.derived import evaluation, of_matrices
from linear_networks.kernels.lanes import Code, Kernel
from linear_networks.kernels.products import Layout
from linear_networks.kernels.stage_code import AT_ONCE, NUMBERS, TOLD, Places, Tableau, Writer


class Told(NamedTuple):
    """What a trial step tells, each of shape (batch,): squared norms of the estimates of the error over the step size,
    of the velocity and the state at its end, and of the change of velocity over a nudge along the direction."""

    fifth: Array
    third: Array
    speed: Array
    size: Array
    bend: Array


@dataclass
class Stages:
    """Trial steps of a batch of runs, see `dormand_prince.Steps`.

    Attributes
    ----------
    method : Method
    given : int
        Numbers of a block that belong to the matrices that the velocity is given.
    accepted : ndarray, shape (batch, 2)
        What `accept` was told, which is done before the next step.
    """

    method: "Method"
    given: int
    workspace: Array
    accepted: Array

    def attempt(self, step: Array) -> tuple[Array, Told]:
        """States at the end of a step, shape (batch, entries), for step sizes of shape (batch,)."""
        places, runs = self.method.places, len(step)
        lanes.pack(np.column_stack([self.accepted, step]), self.workspace, places.numbers)
        self.method.kernel("attempt")(self.workspace)
        self.accepted = np.zeros((runs, 2))
        told = lanes.rows(self.workspace, places.numbers, len(NUMBERS), runs)[:, TOLD]
        return lanes.parts(self.workspace, places.ends, places.entries)[:runs], Told(*told.T)

    def accept(self, accepted: Mask, turned: Array) -> None:
        """Make the end of the step the state where it is accepted, and what the velocity has changed by the direction,
        times `turned` where that is not 0."""
        self.accepted = np.column_stack([accepted, turned])

    def select(self, kept: Mask | Index) -> "Stages":
        """The steps of some of the runs."""
        places, runs = self.method.places, len(self.accepted)
        lanes.pack(self.accepted, self.workspace, places.numbers)
        self.method.kernel("accept")(self.workspace)
        chosen = np.arange(runs)[kept]
        workspace = lanes.workspace(len(chosen), places.size)
        for first, size in (0, self.given), (places.state, 3 * places.entries):
            lanes.pack(lanes.rows(self.workspace, first, size, runs)[chosen], workspace, first)
        return Stages(self.method, self.given, workspace, np.zeros((len(chosen), 2)))

    def inside(self, passed: Mask, rows: Index, weights: Array) -> Array:
        """States within the step: row i of runs that have passed a sample, by the weights[i] of the stages.

        Parameters
        ----------
        passed : ndarray of bool, shape (batch,)
        rows : ndarray of int, shape (samples,)
            Ascending, numbers among the runs that have passed.
        weights : ndarray, shape (samples, stages)
        """
        self.method.kernel("dense")(self.workspace)
        places, stages = self.method.places, weights.shape[1]
        compute = self.method.kernel("inside")
        chosen = np.flatnonzero(passed)[rows]
        number = np.arange(len(rows)) - np.searchsorted(rows, rows)
        most = int(number.max()) + 1
        found = np.empty((len(rows), places.entries))
        for first in range(0, most, AT_ONCE):
            now = np.flatnonzero((number >= first) & (number < first + AT_ONCE))
            place = chosen[now], number[now] - first
            spread = np.zeros((len(passed), AT_ONCE, stages))
            spread[place] = weights[now]
            lanes.pack(spread, self.workspace, places.weights)
            compute(self.workspace, min(AT_ONCE, most - first))
            states = lanes.parts(self.workspace, places.inside, AT_ONCE * places.entries)
            found[now] = states.reshape(len(states), AT_ONCE, -1)[place]
        return found


def stages(
    velocity: Callable[[Any], Any],
    split: Callable[[Array], list[Array]],
    state: Array,
    start: Array,
    direction: Array,
    tableau: Tableau,
) -> Stages | None:
    """Trial steps along a velocity that is compiled; None where it is not.

    Parameters
    ----------
    velocity, split : callable
        As for a `derived.FlatDescent`.
    state, start, direction : ndarray, shape (batch, entries)
        The state, its velocity, and the direction in which the curvature is measured.
    tableau : Tableau
    """
    matrices = split(state)
    made = evaluation(of_matrices(velocity), matrices)
    if made is None:
        return None
    layout = made.layout()
    method = Method.of(layout, tuple(made.state), made.results, tableau)
    given = sum(int(np.prod(layout.shapes[name])) for name in (*made.state, *made.constants))
    workspace = lanes.workspace(len(state), method.places.size)
    for name, constant in made.constants.items():
        lanes.pack(constant, workspace, layout.places[name])
    places = method.places
    for first, part in ((places.state, state), (places.direction, direction), (places.stages, start)):
        lanes.pack(part, workspace, first)
    return Stages(method, given, workspace, np.zeros((len(state), 2)))


class Method:
    """The code of steps along the velocity that the operations of a layout compute; kernels are made when needed."""

    def __init__(self, layout: Layout, places: Places, tableau: Tableau) -> None:
        self.layout, self.places, self.tableau = layout, places, tableau
        self.kernels: dict[str, Kernel] = {}

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, layout: Layout, state: tuple[str, ...], velocities: tuple[str, ...], tableau: Tableau) -> "Method":
        return cls(layout, Places.of(layout, state, velocities, len(tableau.weights)), tableau)

    def kernel(self, name: str) -> Kernel:
        """That of a step, of what makes its end the next start, of what states within it need, or of these."""
        if name not in self.kernels:

            def write(code: Code, count: ir.Value) -> None:
                getattr(Writer(code, self.layout, self.places, self.tableau), name)(count)

            self.kernels[name] = Kernel(self.places.size, write)
        return self.kernels[name]
