"""The closed forms as a solver: observed like descent and flow, with no step in between."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linear_networks.dynamics import Dynamics
from linear_networks.initializations import Start
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.theory.limits import Limit

Array = NDArray[np.float64]

# States of this many numbers are held in memory at once.
BLOCK = 2**23


def solve(
    dynamics: Dynamics,
    start: Start,
    times: ArrayLike,
    observe: Observe,
    progress: Progress = lambda fraction: None,
    limit: Limit | None = None,
) -> Solution:
    """Evaluate the closed form of gradient flow at the given times.

    Parameters
    ----------
    dynamics : Dynamics
        A batch of problems.
    start : Start
        Their starts, with factors of shape (batch, m + n, w).
    times : array_like, shape (samples,)
    observe : callable
        (dynamics, states, runs) -> dict of arrays with a leading axis over runs, see `observables.observer`.
        It is given the dynamics whose state the closed form is, such as the product.
    progress : callable
        Called with the fraction of the times done.
    limit : Limit, optional
        Where the runs end.

    Returns
    -------
    Solution
        A run that reaches a saddle at which its start ends says so.

    Raises
    ------
    ValueError
        If the dynamics has no closed form from this start.
    """
    times = np.asarray(times, dtype=np.float64)
    runs = np.arange(len(dynamics.data))
    solution = Solution(len(runs), len(times))
    block = max(1, BLOCK // (len(runs) * sum(dynamics.data.shape[1:]) ** 2))
    for first in range(0, len(times), block):
        view, states = dynamics.closed_form(times[first : first + block], start)
        for place in range(states.shape[1]):
            state = np.ascontiguousarray(states[:, place])
            solution.record(runs, first + place, observe(view, state, runs))
        progress(min(1.0, (first + block) / len(times)))
    if limit is not None:
        solution.outcome = limit.outcome(view, state, solution.outcome)
    return solution
