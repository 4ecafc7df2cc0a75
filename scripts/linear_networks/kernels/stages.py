"""Trial steps of an explicit Runge-Kutta method, compiled for the shapes of a state: each lane takes a step of its own.

All stages of a block of runs are computed while they are close to the processor, and nothing but what controls the step
leaves the kernel. What is written by hand are weighted sums and norms (`stage_code`); the velocity is derived
(`derived.evaluation`), and so is what turns states within a step back to the basis in which they are seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from llvmlite import ir

from linear_networks.arrays import Array, Index, Mask
from linear_networks.kernels import lanes
from linear_networks.kernels.derived import evaluation, of_matrices
from linear_networks.kernels.lanes import LANES, Code, Kernel
from linear_networks.kernels.stage_code import AT_ONCE, NUMBERS, TOLD, Function, Places, Tableau, Writer


class Told(NamedTuple):
    """What a trial step tells, each of shape (batch,): squared norms of the estimates of the error over the step size,
    of the velocity and the state at its end, and of the change of velocity over a nudge along the direction."""

    fifth: Array
    third: Array
    speed: Array
    size: Array
    bend: Array


class Seen(Protocol):
    """How states of a batch of problems are seen, which may be from another basis than they are integrated in."""

    def back(self, states: Array) -> Array:
        """States of all of them, shape (batch, entries), as they are seen."""

    def select(self, runs: Index | Mask) -> Self:
        """That of some of them; an index may repeat."""


@dataclass
class Stages:
    """Trial steps of a batch of runs, see `dormand_prince.Steps`.

    Attributes
    ----------
    method : Method
    seen : Seen
    workspace : ndarray, shape (blocks, size, LANES)
    asked : ndarray, shape (batch, 3)
        What `accept` was told, which is done before the next step, and the size of that.
    """

    method: "Method"
    seen: Seen
    workspace: Array
    asked: Array

    def attempt(self, step: Array) -> tuple[Array, Told]:
        """States at the end of a step, shape (batch, entries), for step sizes of shape (batch,)."""
        places, runs = self.method.places, len(step)
        self.asked[:, 2] = step
        lanes.pack(self.asked, self.workspace, places.numbers)
        self.method.kernel("attempt")(self.workspace)
        self.asked[:] = 0.0
        told = lanes.rows(self.workspace, places.numbers, len(NUMBERS), runs)[:, TOLD]
        ends = lanes.parts(self.workspace, places.ends, places.entries).reshape(-1, places.entries)
        return ends[:runs], Told(*told.T)

    def accept(self, accepted: Mask, turned: Array) -> None:
        """Make the end of the step the state where it is accepted, and what the velocity has changed by the direction,
        times `turned` where that is not 0."""
        self.asked[:, 0], self.asked[:, 1] = accepted, turned

    def select(self, kept: Mask | Index) -> "Stages":
        """The steps of some of the runs, in the memory of these, which are no more."""
        runs = len(self.asked)
        lanes.pack(self.asked, self.workspace, self.method.places.numbers)
        self.method.kernel("accept")(self.workspace)
        chosen = np.arange(runs)[kept]
        moved = np.flatnonzero(chosen != np.arange(len(chosen)))
        before = chosen[moved]
        for first, size in self.method.lasting:
            part = self.workspace[:, first : first + size]
            part[moved // LANES, :, moved % LANES] = part[before // LANES, :, before % LANES]
        workspace = self.workspace[: -(-len(chosen) // LANES)]
        return Stages(self.method, self.seen.select(chosen), workspace, np.zeros((len(chosen), 3)))

    def inside(self, passed: Mask, rows: Index, x: Array) -> Iterator[tuple[Index, Array]]:
        """States within the step, as they are seen: row i is at a fraction x[i] of that of a run which has passed a
        sample.

        Parameters
        ----------
        passed : ndarray of bool, shape (batch,)
        rows : ndarray of int, shape (samples,)
            Ascending, numbers among the runs that have passed.
        x : ndarray, shape (samples,)

        Yields
        ------
        now : ndarray of int
            Numbers of some of the rows.
        states : ndarray, shape (len(now), entries)
        """
        self.method.kernel("dense")(self.workspace)
        places, compute = self.method.places, self.method.kernel("inside")
        chosen = np.flatnonzero(passed)[rows]
        number = np.arange(len(rows)) - np.searchsorted(rows, rows)
        most = int(number.max()) + 1
        states = lanes.parts(self.workspace, places.inside, AT_ONCE * places.entries)
        states = states.reshape(*states.shape[:2], AT_ONCE, places.entries)
        for first in range(0, most, AT_ONCE):
            now = np.flatnonzero((number >= first) & (number < first + AT_ONCE))
            runs, sample = chosen[now], number[now] - first
            fractions = np.zeros((len(passed), AT_ONCE))
            fractions[runs, sample] = x[now]
            lanes.pack(fractions, self.workspace, places.fractions)
            compute(self.workspace, min(AT_ONCE, most - first))
            found = states[runs // LANES, runs % LANES, sample]
            yield now, found if self.method.shows else self.seen.select(runs).back(found)


def stages(
    velocity: Callable[[Any], Any],
    split: Callable[[Array], list[Array]],
    seen: Seen,
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
    seen : Seen
        Compiled too where it can be.
    state, start, direction : ndarray, shape (batch, entries)
        The state, its velocity, and the direction in which the curvature is measured.
    tableau : Tableau
    """
    matrices = split(state)
    made, shown = (evaluation(of_matrices(function), matrices) for function in (velocity, seen.back))
    if made is None:
        return None
    method = Method.of(Function.of(made), None if shown is None else Function.of(shown), tableau)
    places, workspace = method.places, lanes.workspace(len(state), method.places.size)
    laid = [(places.state, state), (places.direction, direction), (places.stages, start)]
    for step, first in (made, 0), (shown, places.seen):
        if step is not None:
            laid += [(first + step.layout().places[name], constant) for name, constant in step.constants.items()]
    for first, part in laid:
        lanes.pack(part, workspace, first)
    return Stages(method, seen, workspace, np.zeros((len(state), 3)))


class Method:
    """The code of steps along a velocity, whose states are seen as a function says; kernels are made when needed.

    Attributes
    ----------
    lasting : tuple of tuple of int
        Where what a block keeps from one step to the next lies, and its size.
    shows : bool
        Whether states are seen by compiled code.
    """

    def __init__(self, velocity: Function, seen: Function | None, tableau: Tableau) -> None:
        self.velocity, self.seen, self.tableau, self.shows = velocity, seen, tableau, seen is not None
        self.places = places = Places.of(velocity, seen, tableau)
        self.kernels: dict[str, Kernel] = {}
        shown = () if seen is None else seen.parts(seen.constants, places.seen)
        self.lasting = (places.state, 3 * places.entries), *velocity.parts(velocity.constants), *shown

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, velocity: Function, seen: Function | None, tableau: Tableau) -> "Method":
        return cls(velocity, seen, tableau)

    def kernel(self, name: str) -> Kernel:
        """That of a step, of what makes its end the next start, of what states within it need, or of these."""
        if name not in self.kernels:

            def write(code: Code, count: ir.Value) -> None:
                getattr(Writer(code, self.velocity, self.seen, self.places, self.tableau), name)(count)

            self.kernels[name] = Kernel(self.places.size, write)
        return self.kernels[name]
