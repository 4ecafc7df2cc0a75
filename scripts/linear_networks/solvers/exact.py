"""The closed forms as a solver: observed like descent and flow, with no step in between."""

from dataclasses import dataclass

import numpy as np

from linear_networks.arrays import Array
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.solvers.solver import Solver
from linear_networks.theory.limits import Limit

# States of this many numbers are held in memory at once.
BLOCK = 2**23


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
        runs = np.arange(len(problem.data))
        solution = Solution(len(runs), times)
        block = max(1, BLOCK // (len(runs) * sum(problem.data.shape[1:]) ** 2))
        for first in range(0, len(times), block):
            view, states = limit.theory.closed_form(problem, times[first : first + block], start)
            for place in range(states.shape[1]):
                state = np.ascontiguousarray(states[:, place])
                solution.record(runs, first + place, observe(view, state, runs))
            progress(min(1.0, (first + block) / len(times)))
        solution.outcome = limit.outcome(view, state, solution.outcome)
        return solution

    @classmethod
    def seconds(cls, steps: float, samples: int, side: int, operations: float, of_loss: float) -> float:
        return samples * (4e-5 + side**3 / 1e9)
