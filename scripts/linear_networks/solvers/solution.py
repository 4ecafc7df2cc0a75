"""What a solver returns: observations of each run at each sample, and how each run ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linear_networks.arrays import Array, Index
from linear_networks.dynamics.problem import Problem
from linear_networks.outcomes import COMPLETED

Observe = Callable[[Problem, Array, Index], Mapping[str, Array]]
Progress = Callable[[float], None]

# A relative error this many times larger than at the start (or than 1) counts as divergence.
DIVERGENCE = 1e8


@dataclass
class Solution:
    """Observations of a batch of runs.

    Attributes
    ----------
    runs : int
        Size of the batch.
    times : ndarray, shape (samples,)
        At which each run is observed.
    outcome : ndarray of str, shape (runs,)
        `completed` (the horizon was reached), `converged` (the limit was reached earlier and is held from there on, and
        no direction escapes from it), `saddle` (where theory knows that the start ends at a saddle: it was reached),
        `escaped` (likewise, but rounding or finite steps led away from it), `stalled` (it rests, and is held, at a
        point from which a direction escapes that the start does not excite beyond rounding) or `diverged` (observed up
        to there).
    work : ndarray of int, shape (runs,)
        Descent steps, or evaluations of the velocity.
    steps : ndarray of int, shape (samples,), or None
        Of a method of fixed steps: their numbers at these times.
    observed : dict of ndarray, each of shape (runs, samples, ...)
        By name of the observable; NaN where a run was not observed.
    """

    runs: int
    times: Array
    outcome: NDArray[np.str_] = field(init=False)
    work: NDArray[np.int64] = field(init=False)
    observed: dict[str, Array] = field(init=False, default_factory=dict)
    steps: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        self.outcome = np.full(self.runs, COMPLETED)
        self.work = np.zeros(self.runs, dtype=np.int64)

    def record(self, runs: Index, samples: Index | int, observation: Mapping[str, Array]) -> None:
        """Keep an observation: row i is that of run `runs[i]` at sample `samples[i]`."""
        for name, values in observation.items():
            if name not in self.observed:
                self.observed[name] = np.full((self.runs, len(self.times), *values.shape[1:]), np.nan)
            self.observed[name][runs, samples] = values
