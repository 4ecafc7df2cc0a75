"""Observations of states that are gathered until there are many: one of many takes little longer than one of few."""

from collections.abc import Callable, Mapping

import numpy as np

from linear_networks.arrays import Array, Index
from linear_networks.solvers.solution import Solution

Look = Callable[[Array, Index], Mapping[str, Array]]

MANY, OF_EACH = 1024, 16  # States that are gathered at most: in all, and of each run, on average.


class Sampling:
    """States at samples of a solution, looked at many at a time.

    Parameters
    ----------
    solution : Solution
        Takes what is observed.
    entries : int
        Of a state.
    look : callable
        (states, runs) -> dict of arrays with a leading axis over runs.
    """

    def __init__(self, solution: Solution, entries: int, look: Look) -> None:
        self.solution, self.look = solution, look
        room = min(MANY, OF_EACH * solution.runs)
        self.states, self.runs, self.samples = np.empty((room, entries)), *np.empty((2, room), dtype=np.intp)
        self.count = 0

    def add(self, runs: Index, samples: Index, states: Array) -> None:
        """States of runs at samples, all of shape (states, ...)."""
        done = 0
        while done < len(runs):
            some = slice(done, done + len(self.runs) - self.count)
            done += len(runs[some])
            there = slice(self.count, self.count + len(runs[some]))
            self.runs[there], self.samples[there], self.states[there] = runs[some], samples[some], states[some]
            self.count = there.stop
            if self.count == len(self.runs):
                self.finish()

    def finish(self) -> None:
        """Observe what waits."""
        if self.count:
            runs, samples = self.runs[: self.count], self.samples[: self.count]
            self.solution.record(runs, samples, self.look(self.states[: self.count], runs))
            self.count = 0
