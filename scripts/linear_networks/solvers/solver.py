"""What every solver says of itself."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from linear_networks.arrays import Array
from linear_networks.components import Component
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.theory.limits import Limit

ROUNDING = 1e-13  # Distance to a limit that is rounding, relative to the norm of what is computed.


@dataclass(frozen=True)
class Solver(Component, ABC):
    """A way to compute trajectories; its fields are its parameters. A solver defines `solve` and `seconds`.

    Attributes
    ----------
    work : str
        Column that counts what it spends: `steps` or `evaluations`; empty where it spends neither.
    closed_form : bool
        Whether it evaluates a closed form, which not every problem has, and goes through no states.
    stages : int
        States that it holds of a run at a time.
    """

    work: ClassVar[str] = ""
    closed_form: ClassVar[bool] = False
    stages: ClassVar[int] = 10

    @abstractmethod
    def solve(
        self, problem: Problem, start: Start, times: Array, observe: Observe, progress: Progress, limit: Limit
    ) -> Solution:
        """Observe a batch of runs.

        Parameters
        ----------
        problem : Problem
        start : Start
            With factors of shape (batch, m + n, w).
        times : ndarray, shape (samples,)
            Increasing from 0 to the horizon.
        observe : callable
            (problem, states, runs) -> dict of arrays with a leading axis over runs, see `observables.observer`. A run
            occurs in `runs` as often as it is observed.
        progress : callable
            Called with the fraction done.
        limit : Limit
            Where the flow of the runs ends.
        """

    @classmethod
    @abstractmethod
    def seconds(cls, steps: float, samples: int, side: int, operations: float, of_loss: float) -> float:
        """Seconds that a run takes on a core.

        Parameters
        ----------
        steps : float
            Horizon / step size, of a solver that has one.
        samples : int
        side : int
            m + n.
        operations : float
            Of an evaluation of the velocity.
        of_loss : float
            Seconds that an evaluation takes beyond these.
        """

    @staticmethod
    def check(horizon: float, *_: Any, **parameters: Any) -> None:
        """Raise Refused where parameters do not fit the last time of a run."""

    @property
    def step(self) -> float:
        """The step size eta of descent, on which its rates depend; 0 of what follows the flow."""
        return 0.0

    def steps(self, horizon: float, curvature: float) -> float:
        """Steps that stability asks for up to a horizon at a curvature; 0 where it asks for none."""
        return 0.0

    def floor(self, scale: float) -> float:
        """Distance to the limit below which a trajectory shows its solver, for what is computed of this norm."""
        return scale * ROUNDING
