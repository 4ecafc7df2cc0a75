"""Gradient descent, the explicit Euler discretization of gradient flow."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.outcomes import DIVERGED
from linear_networks.solvers.solution import DIVERGENCE, Observe, Progress, Solution
from linear_networks.solvers.solver import Solver
from linear_networks.theory.limits import Limit

# Up to here, floating-point numbers count one by one.
MOST_STEPS = 2**53


@dataclass(frozen=True)
class Descent(Solver):
    """Gradient descent with a fixed step size eta, observed after the numbers of steps nearest to the times.

    A run whose error is no longer finite, or has grown by `DIVERGENCE`, is observed no further. A run whose flow ends
    at a saddle says whether it is there or has left it, as steps of a size break the balance that holds it.
    """

    step_size: float

    name = "descent"
    label = "descent"
    work = "steps"
    note = (
        "Predictions for descent are those of its linearized step: −log(1 − ηρ)/η, with ρ that of the flow, and "
        "−2 log(1 − ηρ/2)/η of what decays as a square; from general and spectral starts, of the factors at the "
        "end of the run, since descent moves Q. For the same reason it has no `bound`."
    )
    parameters = {"step_size": Parameter("step size η", above=0.0, symbol="η")}

    def solve(
        self, problem: Problem, start: Start, times: Array, observe: Observe, progress: Progress, limit: Limit
    ) -> Solution:
        steps = sample_steps(times, self.step_size)
        state = problem.start(start.factors)
        solution = Solution(len(state), np.float64(self.step_size) * steps, steps=steps)
        runs, bound, done = np.arange(len(state)), DIVERGENCE * np.maximum(1.0, problem.error(state)), 0
        descent = problem.descent(self.step_size)
        # Divergence is a result: it overflows on its way to being noticed at the next sample.
        with np.errstate(over="ignore", invalid="ignore"):
            for sample, target in enumerate(steps.tolist()):
                state = descent.descend(state, target - done)
                done = target
                solution.work[runs] = done
                alive = problem.error(state) <= bound[runs]
                if not alive.all():
                    solution.outcome[runs[~alive]] = DIVERGED
                    runs, state, problem = runs[alive], state[alive], problem.select(alive)
                    descent = problem.descent(self.step_size)
                    if not runs.size:
                        return solution
                solution.record(runs, sample, observe(problem, state, runs))
                progress(done / steps[-1] if steps[-1] else 1.0)
            solution.outcome[runs] = limit.select(runs).outcome(problem, state, solution.outcome[runs])
        return solution

    @staticmethod
    def check(horizon: float, *, step_size: float) -> None:
        if step_size > horizon:
            raise Refused("step_size", f"{step_size:g} is longer than the horizon {horizon:g}; no step would be taken")
        if horizon / step_size > MOST_STEPS:
            steps = f"{horizon / step_size:.1g} steps to the horizon {horizon:g}"
            raise Refused("step_size", f"{step_size:g} makes {steps}; more than {MOST_STEPS:.1g} cannot be counted")

    @classmethod
    def seconds(cls, steps: float, samples: int, side: int, operations: float, of_loss: float) -> float:
        return steps * (operations / 2e10 + of_loss)

    @property
    def step(self) -> float:
        return self.step_size


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
