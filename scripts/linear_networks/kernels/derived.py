"""Descent along a velocity that is written in plain NumPy, by a compiled step that is derived from it.

So is the evaluation of the velocity on its own, of which the stages of a flow are made (`stages`).

This is the door to what compiles: the velocity is written once, as a function of the matrices of a state, and whatever
changes it changes its descent. It is called with symbols (`tracing`), what it computes of them is turned into products
of small matrices (`lowering`), and these are compiled (`products`, `lanes`). It is called anew whenever it descends, so
that nothing is remembered of a velocity but what the same code was found to compute. A velocity that does more than
multiply and add matrices, that might do anything else than compute (`purity`), or that a derived step was found not to
follow, descends by plain steps; so do matrices that are large enough for BLAS.

Steps are compiled by LLVM from code that is written here. It was measured against numba, with the batch innermost and
its sizes fixed: from generated source, numba's steps are 0.97 to 1.06 times as fast, but take 4 to 24 s to compile for
a shape instead of 0.06 to 0.21 s; a step composed of jitted parts is 4.9 to 8 times slower.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from types import CodeType
from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.lowering import Recipe, recipe
from linear_networks.kernels.products import Step
from linear_networks.kernels.tracing import Velocity, trace

# Steps are tried at states of these sizes, with a step so long that only the velocity is seen.
SIZES = (1.0, 0.05)
LONG_STEP = 2.0**40
TOLERANCE = 1e-10

# Names of functions that write to their arguments, and of the keyword that makes others do so.
WRITERS = frozenset(("out", "copyto", "put", "place", "putmask", "fill_diagonal", "setitem", "iadd", "isub", "imul"))

# The recipe of the step that some code was traced to; None where it does not follow its velocity.
_recipes: dict[Any, Recipe | None] = {}
MOST_RECIPES = 1000


class Descent:
    """Gradient descent of states that are lists of matrices, state + step_size * velocity(state) again and again.

    Parameters
    ----------
    velocity : callable
        velocity(state) -> list of the velocity of each matrix of a state, of its shape. It does not write to what it is
        given. It is compiled if it is made of `@`, `.mT`, `+`, `-`, and `*` by numbers, or by arrays of shape
        (batch, 1, 1), and other arrays that it uses are constants; what writes to attributes, items or lists, or in
        place by `+=`, is not. What else it reads stays the same from its first descent on.
    step_size : float
    """

    def __init__(self, velocity: Velocity, step_size: float) -> None:
        self.velocity, self.step_size = velocity, step_size
        self._steps: dict[tuple[tuple[int, ...], ...], Step | None] = {}

    def descend(self, state: Sequence[Array], count: int) -> list[Array]:
        """State after so many steps.

        Parameters
        ----------
        state : sequence of ndarray, each of shape (batch, rows, columns)
        count : int

        Returns
        -------
        list of ndarray, of the shapes of the state
        """
        matrices = list(state)
        step = self.step(matrices) if count else None
        if step is not None:
            return step.repeat(count)
        for _ in range(count):
            moves = self.velocity(list(matrices))
            matrices = [matrix + self.step_size * move for matrix, move in zip(matrices, moves, strict=True)]
        return matrices

    def step(self, state: list[Array]) -> Step | None:
        """The compiled step from a state; None where there is none."""
        if any(matrix.dtype != np.float64 for matrix in state):
            return None
        shapes = tuple(matrix.shape for matrix in state)
        if shapes not in self._steps:
            self._steps[shapes] = derive(self.velocity, state, self.step_size)
        step = self._steps[shapes]
        return step and replace(step, state=dict(zip(step.state, state, strict=True)))


class FlatDescent:
    """Gradient descent of states that hold the entries of all of their matrices, shape (batch, entries).

    Parameters
    ----------
    velocity : callable
        velocity(state) -> velocity, of the state's shape, as for a Descent: it may cut a state into its matrices, as
        `split` does, and put them together again by `numpy.concatenate`, and operators as of matrices.
    split : callable
        split(state) -> list of its matrices, each of shape (batch, rows, columns).
    step_size : float
    """

    def __init__(self, velocity: Callable[[Any], Any], split: Callable[[Array], list[Array]], step_size: float) -> None:
        self.velocity, self.split, self.step_size = velocity, split, step_size
        self._of_matrices = Descent(of_matrices(velocity), step_size)

    def descend(self, state: Array, count: int) -> Array:
        """State after so many steps."""
        step = self._of_matrices.step(self.split(state)) if count else None
        if step is not None:
            return np.concatenate([matrix.reshape(len(matrix), -1) for matrix in step.repeat(count)], axis=1)
        for _ in range(count):
            state = state + self.step_size * self.velocity(state)
        return state

    def is_compiled(self, state: Array) -> bool:
        """Whether states of this shape descend by compiled steps."""
        return self._of_matrices.step(self.split(state)) is not None


def descend(velocity: Velocity, state: Sequence[Array], step_size: float, count: int) -> list[Array]:
    """State, a list of matrices, after so many steps of a Descent."""
    return Descent(velocity, step_size).descend(state, count)


def derive(velocity: Velocity, state: list[Array], step_size: float) -> Step | None:
    """The step of descent along a velocity, from a state; None where it is not to be compiled."""
    return _derive(velocity, state, step_size, steps=True)


def evaluation(velocity: Velocity, state: list[Array]) -> Step | None:
    """What evaluates a velocity: its results are the velocity of each matrix of the state. None as for `derive`."""
    return _derive(velocity, state, 1.0, steps=False)


def of_matrices(velocity: Callable[[Any], Any]) -> Velocity:
    """The velocity of each matrix, where that of a state is one of all of its entries, shape (batch, entries)."""

    def moves(matrices: list[Any]) -> list[Any]:
        found = velocity(np.concatenate([matrix.reshape(len(matrix), -1) for matrix in matrices], axis=1))
        ends = [0, *accumulate(matrix.shape[1] * matrix.shape[2] for matrix in matrices)]
        return [
            found[:, begin:end].reshape(-1, *matrix.shape[1:])
            for matrix, (begin, end) in zip(matrices, pairwise(ends), strict=True)
        ]

    return moves


def _derive(velocity: Velocity, state: list[Array], step_size: float, *, steps: bool) -> Step | None:
    """The step along a velocity, or its evaluation."""
    if any(matrix.ndim != 3 or not matrix.size for matrix in state):
        return None
    traced = trace(velocity, state)
    if traced is None or any(map(_may_write, traced.codes)):
        return None
    key = traced.tape, traced.velocities, traced.codes, steps
    if key in _recipes:
        made = _recipes[key]
        return made and made.step(state, traced.constants, step_size)
    made = recipe(traced.tape, traced.velocities, steps)
    step = made.step(state, traced.constants, step_size)
    if not step.is_small():
        return None
    if len(_recipes) >= MOST_RECIPES:
        _recipes.clear()
    followed = follows(made, velocity, state, traced.constants, steps)
    _recipes[key] = made if followed else None
    return step if followed else None


def _may_write(code: CodeType) -> bool:
    """Whether code names what writes to an array that it is given, of which NumPy tells no one that watches."""
    keywords = (text for constant in code.co_consts if isinstance(constant, tuple) for text in constant)
    return not WRITERS.isdisjoint({*code.co_names, *keywords})


def follows(made: Recipe, velocity: Velocity, state: list[Array], constants: list[Array], steps: bool = True) -> bool:
    """Whether a derived step, or evaluation, does as the velocity does, to rounding, wherever it is tried."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for size in SIZES:
            drawn = [size * rng.standard_normal(matrix.shape) for matrix in state]
            found = made.step(drawn, constants, LONG_STEP).repeat(1)
            moves = velocity([matrix.copy() for matrix in drawn])
            for one, matrix, move in zip(found, drawn, moves, strict=True):
                expected = matrix * steps + LONG_STEP * move
                finite = np.isfinite(expected)
                scale = np.abs(np.where(finite, expected, 0.0)).max(axis=(1, 2), keepdims=True)
                if not np.where(finite, np.abs(one - expected) <= TOLERANCE * scale, ~np.isfinite(one)).all():
                    return False
    return True
