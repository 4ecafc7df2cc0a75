"""Observations of states that are gathered until there are many."""

from collections.abc import Callable, Mapping

import numpy as np

from linear_networks.arrays import Array, Index
from linear_networks.solvers.solution import Solution

Look = Callable[[Array, Index], Mapping[str, Array]]

MANY = 1000  # An observation of so many states costs little more than what each of them does.


class Sampling:
    """States at samples of a solution, looked at many at a time.

    Parameters
    ----------
    solution : Solution
        Takes what is observed.
    look : callable
        (states, runs) -> dict of arrays with a leading axis over runs.
    """

    def __init__(self, solution: Solution, look: Look) -> None:
        self.solution, self.look = solution, look
        self.waiting: list[tuple[Index, Index, Array]] = []

    def add(self, runs: Index, samples: Index, states: Array) -> None:
        """States of runs at samples, all of shape (states, ...)."""
        self.waiting.append((runs, samples, states))
        if sum(len(runs) for runs, _, _ in self.waiting) >= MANY:
            self.finish()

    def finish(self) -> None:
        """Observe what waits."""
        if self.waiting:
            runs, samples, states = map(np.concatenate, zip(*self.waiting, strict=True))
            self.waiting.clear()
            self.solution.record(runs, samples, self.look(states, runs))
