"""Gradient descent, the explicit Euler discretization of gradient flow."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linear_networks.dynamics import Dynamics
from linear_networks.solvers.solution import DIVERGED, Observe, Progress, Solution
from linear_networks.theory.limits import Limit

Array = NDArray[np.float64]

# A relative error this many times larger than at the start (or than 1) counts as divergence.
DIVERGENCE = 1e8


def sample_steps(times: ArrayLike, step_size: float) -> NDArray[np.int64]:
    """Numbers of descent steps nearest to the given times, without repeats.

    Parameters
    ----------
    times : array_like, shape (samples,)
        Increasing, >= 0.
    step_size : float
        eta: n steps reach time n eta.

    Returns
    -------
    ndarray of int, shape (at most samples,)
    """
    return np.unique(np.rint(np.asarray(times) / step_size).astype(np.int64))


def descend(
    dynamics: Dynamics,
    start: Array,
    step_size: float,
    steps: NDArray[np.int64],
    observe: Observe,
    progress: Progress = lambda fraction: None,
    limit: Limit | None = None,
) -> Solution:
    """Descend with a fixed step size, observed after the given numbers of steps.

    Parameters
    ----------
    dynamics : Dynamics
        A batch of problems.
    start : ndarray, shape (batch, ...)
        States at t = 0.
    step_size : float
        eta > 0.
    steps : ndarray of int, shape (samples,)
        Increasing numbers of steps at which to observe.
    observe : callable
        (dynamics, states, runs) -> dict of arrays with a leading axis over runs, see `observables.observer`.
        The key `error` decides on divergence.
    progress : callable
        Called with the fraction of the steps done.
    limit : Limit, optional
        Where the flow of the runs ends.

    Returns
    -------
    Solution
        A run whose error is no longer finite, or has grown by `DIVERGENCE`, is observed no further. A run whose flow
        ends at a saddle says whether it is there or has left it, as steps of a size break the balance that holds it.
    """
    solution = Solution(len(start), len(steps))
    runs, state = np.arange(len(start)), start
    bound = DIVERGENCE * np.maximum(1.0, dynamics.error(start))
    done = 0
    # Divergence is a result: it overflows on its way to being noticed at the next sample.
    with np.errstate(over="ignore", invalid="ignore"):
        for sample, target in enumerate(steps):
            state = dynamics.descend(state, step_size, target - done)
            done = target
            solution.work[runs] = done
            alive = dynamics.error(state) <= bound[runs]
            if not alive.all():
                solution.outcome[runs[~alive]] = DIVERGED
                runs, state, dynamics = runs[alive], state[alive], dynamics.select(alive)
                if not runs.size:
                    break
            solution.record(runs, sample, observe(dynamics, state, runs))
            progress(done / steps[-1] if steps[-1] else 1.0)
        if limit is not None and runs.size:
            solution.outcome[runs] = limit.select(runs).outcome(dynamics, state, solution.outcome[runs])
    return solution
