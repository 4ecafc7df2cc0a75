"""What a solver returns: observations of each run at each sample, and how each run ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from linear_networks.dynamics import Dynamics

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Observe = Callable[[Dynamics, Array, Index], Mapping[str, Array]]
Progress = Callable[[float], None]

COMPLETED, CONVERGED, DIVERGED = "completed", "converged", "diverged"
SADDLE, ESCAPED, STALLED = "saddle", "escaped", "stalled"


@dataclass
class Solution:
    """Observations of a batch of runs.

    Attributes
    ----------
    runs, samples : int
        Size of the batch, and number of times at which each run is observed.
    outcome : ndarray of str, shape (runs,)
        `completed` (the horizon was reached), `converged` (the limit was reached earlier and is held from there on, and
        no direction escapes from it), `saddle` (where theory knows that the start ends at a saddle: it was reached),
        `escaped` (likewise, but rounding or finite steps led away from it), `stalled` (it rests, and is held, at a
        point from which a direction escapes that the start does not excite beyond rounding) or `diverged` (observed up
        to there).
    work : ndarray of int, shape (runs,)
        Descent steps, or evaluations of the velocity.
    observed : dict of ndarray, each of shape (runs, samples, ...)
        By name of the observable; NaN where a run was not observed.
    """

    runs: int
    samples: int
    outcome: NDArray[np.str_] = field(init=False)
    work: NDArray[np.int64] = field(init=False)
    observed: dict[str, Array] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.outcome = np.full(self.runs, COMPLETED)
        self.work = np.zeros(self.runs, dtype=np.int64)

    def record(self, runs: Index, samples: Index | int, observation: Mapping[str, Array]) -> None:
        """Keep an observation: row i is that of run `runs[i]` at sample `samples[i]`."""
        for name, values in observation.items():
            if name not in self.observed:
                self.observed[name] = np.full((self.runs, self.samples, *values.shape[1:]), np.nan)
            self.observed[name][runs, samples] = values


def floor(solver: str, scale: float, rtol: float) -> float:
    """Distance to the limit below which a trajectory shows its solver rather than its dynamics.

    Parameters
    ----------
    solver : {"descent", "flow", "exact"}
    scale : float
        Norm of what is computed.
    rtol : float
        Tolerance of the flow, of which its errors rarely use more than a tenth.
    """
    return scale * max(0.1 * rtol if solver == "flow" else 0.0, 1e-13)
