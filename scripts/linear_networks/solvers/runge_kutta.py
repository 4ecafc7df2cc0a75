"""Gradient flow, integrated by an explicit Runge-Kutta method in which every run of the batch controls its own step.

How steps are chosen, and where runs end, is in `step_control`.

Stability: fast modes that have decayed no longer show in the error of a step, but near the method's stability limit
dense output multiplies what is left of them by 100. A power iteration, one evaluation a step, follows the largest
curvature (as in IV.2 of Hairer & Wanner, Solving Ordinary Differential Equations II), and steps keep well inside.

Saddles: what leaves them has grown from as little as 1e-13 beside rows of size 1 to 1e3. Where the dynamics is the same
in every basis, it is integrated in that of Y's modes, in which small rows keep their digits. Where nothing moves and
theory knows no limit, a run goes on if the Hessian has a negative direction in which it moves.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.kernels.step_control import end, judge
from linear_networks.outcomes import CONVERGED, DIVERGED, STALLED
from linear_networks.solvers import dormand_prince
from linear_networks.solvers.dormand_prince import Steps
from linear_networks.solvers.escape import escape
from linear_networks.solvers.modes import Modes
from linear_networks.solvers.sampling import Sampling
from linear_networks.solvers.solution import Observe, Progress, Solution
from linear_networks.solvers.step_control import OUTCOMES, RUN, Rules, Runs
from linear_networks.theory.limits import Limit

FIRST = 0.03  # First step, in units of the state.
FULL = 0.75  # Part of the batch that must be moving, before the rest is left out.


@dataclass
class _Front:
    """The runs that still move, and how far they have come: every field has a leading axis over them."""

    problem: Problem
    limit: Limit
    steps: Steps
    state: Array
    runs: Runs

    @classmethod
    def at(cls, modes: Modes, limit: Limit, start: Array, rules: Rules) -> Self:
        problem, limit, start = modes.apart(limit, start)
        start = np.ascontiguousarray(start)
        velocity = problem.velocity(start)
        size, speed = _norm(start), _norm(velocity)
        runs = np.zeros(len(start), RUN)
        runs["number"], runs["seen"], runs["work"], runs["moving"] = np.arange(len(start)), 1, 1, True
        runs["size"], runs["largest"], runs["speed"], runs["growth"] = size, size, speed, rules.largest
        runs["step"] = np.where(size > 0.0, FIRST * size / speed, rules.horizon)
        steps = dormand_prince.steps(problem, modes, start, velocity, velocity / speed[:, None])
        front = cls(problem, limit, steps, start, runs)
        front.look()
        runs["first_error"], runs["first_loss"] = runs["error"], runs["loss"]
        goal = _norm(limit.product)
        runs["unit"] = np.where(limit.saddle & (goal == 0.0), _norm(problem.product(start)), goal)
        runs["data"], runs["known"] = limit.size, limit.known
        return front

    def look(self) -> None:
        """What is known of the states, once a step."""
        product = self.problem.product(self.state)
        self.runs["error"] = self.problem.error(self.state, product)
        self.runs["loss"] = self.problem.objective(self.state, product)
        self.runs["distance"], self.runs["gramian"] = self.limit.distances(self.problem, self.state, product)

    def select(self, mask: Mask) -> Self:
        """Those of some of the runs, in any order: they stay in their places, but for the last, which fill gaps."""
        count = np.count_nonzero(mask)
        kept = np.arange(count)
        kept[~mask[:count]] = count + np.flatnonzero(mask[count:])
        problem, limit, steps = self.problem.select(kept), self.limit.select(kept), self.steps.select(kept)
        return type(self)(problem, limit, steps, self.state[kept], self.runs[kept])


def integrate(
    problem: Problem,
    start: Array,
    times: ArrayLike,
    observe: Observe,
    rtol: float,
    progress: Progress,
    limit: Limit,
) -> Solution:
    """Integrate d state / dt = velocity(state) from t = 0, observed at the given times.

    Parameters
    ----------
    problem : Problem
        A batch of problems.
    start : ndarray, shape (batch, entries)
        States at t = 0.
    times : array_like, shape (samples,)
        Increasing from 0 to the horizon. Steps do not depend on those in between, where the solution is interpolated.
    observe : callable
        (problem, states, runs) -> dict of arrays with a leading axis over runs, see `observables.observer`. A run
        occurs in `runs` as often as it is observed.
    rtol : float
        Tolerance on the error of X, relative to the largest ||X|| of the trajectory.
    progress : callable
        Called with the fraction of the horizon that the slowest run has covered.
    limit : Limit
        Where the runs end.

    Returns
    -------
    Solution
        A run that reaches its limit before the horizon holds it from there on. A run whose error has grown by
        `DIVERGENCE`, or whose steps shrink to nothing at a finite escape, is observed no further.
    """
    times = np.asarray(times, dtype=np.float64)
    solution = Solution(len(start), times)
    modes = Modes(problem, limit.theory.basis(problem))
    rules = Rules(rtol, float(times[-1]), dormand_prince.STAGES + 1)
    sampling = Sampling(solution, start.shape[1], lambda states, runs: observe(problem.select(runs), states, runs))

    # A first step that is too long, and an escape to infinity, overflow on their way to being noticed.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        front = _Front.at(modes, limit, start, rules)
        apart, goal = front.problem, front.limit
        ended: list[tuple[Runs, Array]] = []
        sound = np.flatnonzero(np.isfinite(front.runs["speed"]))
        if sound.size:
            solution.record(sound, 0, observe(problem.select(sound), start[sound], sound))
        while True:
            _end(front, rules)
            moving = front.runs["moving"]
            if not moving.mean() > FULL:
                ended.append((front.runs[~moving], front.state[~moving]))
                front = front.select(moving)
            if not len(front.runs):
                break
            progress(front.runs["t"][front.runs["moving"]].min() / times[-1])
            _step(front, times, sampling, rules)
        sampling.finish()
        runs, state = map(np.concatenate, zip(*ended, strict=True))
        numbers, outcome = runs["number"], OUTCOMES[runs["outcome"]]
        _hold(runs, modes.select(numbers).back(state), sampling)
        at_limit = goal.select(numbers).outcome(apart.select(numbers), state, outcome)
        solution.outcome[numbers] = np.where(np.isin(outcome, (DIVERGED, STALLED)), outcome, at_limit)
        solution.work[numbers] = runs["work"]
        progress(1.0)
        return solution


def _end(front: _Front, rules: Rules) -> None:
    """Find which runs have ended."""
    runs = front.runs
    end(runs, rules)
    for run in np.flatnonzero(runs["resting"]):
        found = _verdict(front, int(run), rules)
        if found:
            outcome = np.flatnonzero(found == OUTCOMES)[0]
            runs["outcome"][run], runs["moving"][run], runs["trial"][run] = outcome, False, 0.0


def _hold(runs: Runs, states: Array, sampling: Sampling) -> None:
    """Let runs that are at rest hold their states for the samples left."""
    at_rest = np.isin(OUTCOMES[runs["outcome"]], (CONVERGED, STALLED))
    if at_rest.any():
        numbers, seen, solution = runs["number"][at_rest], runs["seen"][at_rest], sampling.solution
        values = sampling.look(states[at_rest], numbers)
        rows, samples = _spans(seen, np.full_like(seen, len(solution.times)))
        solution.record(numbers[rows], samples, {name: value[rows] for name, value in values.items()})


def _verdict(front: _Front, run: int, rules: Rules) -> str:
    """How a run has ended that rests where theory knows no limit; nothing if it is to go on."""
    problem, state = front.problem.select(np.array([run])), front.state[[run]]
    largest, step = (float(front.runs[name][run]) for name in ("largest", "step"))
    growth, direction = escape(problem, state, largest)
    if growth == 0.0:
        return CONVERGED
    # The velocity rounds like its largest terms, of the size of the curvature times the state.
    rounding = rules.still * largest * rules.reach / step
    return STALLED if abs(np.vdot(direction, problem.velocity(state))) <= rounding else ""


def _step(front: _Front, times: Array, sampling: Sampling, rules: Rules) -> None:
    """Every run tries its step; those for which it is accurate are observed on the way, and advance."""
    runs = front.runs
    trial, before = runs["trial"].copy(), runs["t"].copy()
    ends, told = front.steps.attempt(trial)
    judge(runs, dormand_prince.error(trial, told), told.speed, told.size, told.bend, rules)

    reached = np.searchsorted(times, runs["t"], side="right")
    passed = reached > runs["seen"]
    if passed.any():
        rows, samples = _spans(runs["seen"][passed], reached[passed])
        x = (times[samples] - before[passed][rows]) / trial[passed][rows]
        runs["work"][passed] += dormand_prince.DENSE_STAGES - dormand_prince.STAGES - 1
        numbers = runs["number"][passed][rows]
        for now, states in front.steps.inside(passed, rows, x):
            sampling.add(numbers[now], samples[now], states)
    runs["seen"] = reached
    front.steps.accept(runs["accepted"], runs["turned"])
    front.state = np.where(runs["accepted"][:, None], ends, front.state)
    front.look()


def _norm(arrays: Array) -> Array:
    """Norm of each run, shape (batch,)."""
    return np.sqrt(squared_norm(arrays))


def _spans(first: Index, last: Index) -> tuple[Index, Index]:
    """All pairs of a row i and a sample in first[i], ..., last[i] - 1."""
    count = last - first
    rows = np.repeat(np.arange(len(first)), count)
    return rows, np.arange(len(rows)) + np.repeat(last - np.cumsum(count), count)
