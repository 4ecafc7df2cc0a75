"""The closed forms as a solver: observed like descent and flow, with no step in between."""

from dataclasses import dataclass

import numpy as np

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.solvers.solver import Solver
from linear_networks.theory.limits import Limit

# States of this many numbers are observed at once.
BLOCK = 2**18


@dataclass(frozen=True)
class Exact(Solver):
    """Gradient flow in closed form, where there is one."""

    name = "exact"
    label = "closed form"
    closed_form = True

    def solve(
        self, problem: Problem, start: Start, times: Array, observe: Observe, progress: Progress, limit: Limit
    ) -> Solution:
        """Evaluate the closed form, observed as the problem whose state it is, such as the product.

        A run that reaches a saddle at which its start ends says so.

        Raises
        ------
        ValueError
            If there is no closed form from this start.
        """
        runs, numbers = len(problem.data), sum(problem.data.shape[1:]) ** 2
        solution = Solution(runs, times)
        some, samples = max(1, BLOCK // (len(times) * numbers)), max(1, BLOCK // numbers)
        for begin in range(0, runs, some):
            several = np.arange(begin, min(begin + some, runs))
            own, ends = problem.select(several), limit.select(several)
            for first in range(0, len(times), samples):
                part = np.arange(first, min(first + samples, len(times)))
                view, states = limit.theory.closed_form(own, times[part], start.select(several))
                each, sample = np.repeat(np.arange(len(several)), len(part)), np.tile(part, len(several))
                observed = observe(view.select(each), states.reshape(len(each), -1), several[each])
                solution.record(several[each], sample, observed)
                progress((begin + len(several) * (part[-1] + 1) / len(times)) / runs)
            solution.outcome[several] = ends.outcome(view, states[:, -1], solution.outcome[several])
        return solution

    @classmethod
    def seconds(cls, steps: float, samples: int, side: int, operations: float, of_loss: float) -> float:
        return samples * (2e-6 + side**3 / 1e9)
