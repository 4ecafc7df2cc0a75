"""Gradient flow, by adaptive steps."""

from dataclasses import dataclass

from linear_networks.arrays import Array
from linear_networks.components import Parameter
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.solvers.dop853 import REACH
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.solvers.solver import ROUNDING, Solver
from linear_networks.theory.limits import Limit


@dataclass(frozen=True)
class Flow(Solver):
    """Gradient flow by an adaptive Runge-Kutta method, see `runge_kutta`."""

    rtol: float = 1e-8

    name = "flow"
    label = "flow"
    work = "evaluations"
    stages = 60
    parameters = {"rtol": Parameter("relative tolerance of X(t)", default=1e-8, above=0.0, most=0.1)}

    def solve(
        self, problem: Problem, start: Start, times: Array, observe: Observe, progress: Progress, limit: Limit
    ) -> Solution:
        from linear_networks.solvers.runge_kutta import integrate

        return integrate(problem, problem.start(start.factors), times, observe, self.rtol, progress, limit)

    @classmethod
    def seconds(cls, steps: float, samples: int, side: int, operations: float, of_loss: float) -> float:
        return 1500 * (2e-6 + operations / 5e9 + of_loss)

    def steps(self, horizon: float, curvature: float) -> float:
        return horizon * curvature / REACH

    def floor(self, scale: float) -> float:
        # Of the tolerance, errors rarely use more than a tenth.
        return scale * max(0.1 * self.rtol, ROUNDING)
