"""Gradient flow, integrated by an explicit Runge-Kutta method in which every run of the batch controls its own step.

Accuracy: a step may err by a fraction of its own length, that is relative to what still moves rather than to the state.
Where the flow leaves a saddle, modes of size 1 rest while others of size 1e-8 begin to grow: an error that is small
beside the state is large in these. Near the limit nothing is amplified any more, and the fraction grows as the residual
shrinks; ||Y - X|| stays right in relative terms.

Stability: fast modes that have decayed no longer show in the error of a step, but near the method's stability limit
dense output multiplies what is left of them by 100. A power iteration, one evaluation a step, follows the largest
curvature (as in IV.2 of Hairer & Wanner, Solving Ordinary Differential Equations II), and steps keep well inside.

Saddles: what leaves them has grown from as little as 1e-13 beside rows of size 1 to 1e3. Where the dynamics is the same
in every basis, it is integrated in that of Y's modes, in which small rows keep their digits.

The end: past its limit an explicit method would go on to the horizon in steps of that size. A run stops where it has
reached the limit that its start allows, or a loss of 0. Where its steps are lost in rounding it may also be at a
saddle, where steps are small and what grows is smaller still: there it goes on if its limit is known to be elsewhere,
or if the Hessian has a negative direction in which it moves.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.dynamics.problem import Problem, join
from linear_networks.models.basis import turn
from linear_networks.models.model import Turn
from linear_networks.outcomes import COMPLETED, CONVERGED, DIVERGED, STALLED
from linear_networks.solvers import dormand_prince
from linear_networks.solvers.dormand_prince import Steps
from linear_networks.solvers.escape import escape
from linear_networks.solvers.flow import REACH
from linear_networks.solvers.solution import DIVERGENCE, Observe, Progress, Solution
from linear_networks.theory.limits import NEAR, Limit

# A step may err by FRACTION * rtol * (first residual / present residual), and at most COARSEST, of its own length, and
# by ROUNDING of the state in any case. FRACTION is far below 1 because errors add up, keep their relative size where
# the flow leaves a saddle, and count twice in X and Q, which are quadratic in the factors.
FRACTION, COARSEST, ROUNDING = 1e-2, 1e-3, 1e-15
FIRST = 0.03  # First step, in units of the state.
SMALLEST, SAFETY, LARGEST = 0.2, 0.93, 10.0  # Factors between one step and the next.
LIMIT = 1e-2  # An error ||Y - X|| / ||Y|| of this times rtol is none.
STILL = 1e-14  # Steps of this length, in units of the state, are none.
FULL = 0.75  # Part of the batch that must be moving, before the rest is left out.
PATIENCE = 64  # Steps without motion between one look at the Hessian and the next.

Look = Callable[[Array, Index], Mapping[str, Array]]
Back = Callable[[Array, Index], Array]


@dataclass
class _Front:
    """The runs that still move, and how far they have come: every field has a leading axis over them."""

    problem: Problem
    limit: Limit
    runs: Index  # indices into the batch
    seen: Index  # number of samples observed
    t: Array
    step: Array  # size of the next step
    growth: Array  # largest factor by which it may grow after that: 1 after a rejected step
    state: Array
    speed: Array  # norm of the velocity
    steps: Steps
    product: Array
    error: Array
    loss: Array
    first_error: Array
    first_loss: Array
    largest: Array  # norm of the state so far
    unit: Array  # in which the distance to the limit is small or not
    still: Index  # number of steps without motion up to here
    moving: Mask  # whether it has not ended
    outcome: NDArray[np.str_]  # how it has

    @classmethod
    def at(cls, problem: Problem, limit: Limit, start: Array, horizon: float) -> Self:
        velocity = problem.velocity(start)
        size, speed = _norm(start), _norm(velocity)
        product = problem.product(start)
        error, loss = problem.error(start, product), problem.objective(start, product)
        unit = _norm(limit.product)
        alone = limit.saddle & (unit == 0.0)
        return cls(
            problem,
            limit,
            runs=np.arange(len(start)),
            seen=np.ones(len(start), dtype=np.intp),
            t=np.zeros(len(start)),
            step=np.where(size > 0.0, FIRST * size / speed, horizon),
            growth=np.full(len(start), LARGEST),
            state=start,
            speed=speed,
            steps=dormand_prince.steps(problem, start, velocity, velocity / speed[:, None]),
            product=product,
            error=error,
            loss=loss,
            first_error=error,
            first_loss=loss,
            largest=size,
            unit=np.where(alone, _norm(product), unit),
            still=np.zeros(len(start), dtype=np.intp),
            moving=np.ones(len(start), dtype=np.bool_),
            outcome=np.full(len(start), COMPLETED),
        )

    def look(self) -> None:
        """What is known of the states, once a step."""
        self.product = self.problem.product(self.state)
        self.error = self.problem.error(self.state, self.product)
        self.loss = self.problem.objective(self.state, self.product)

    def is_near(self, tolerance: float, unit: Array) -> Mask:
        """Whether runs are at their limits."""
        return self.limit.is_near(self.problem, self.state, tolerance, unit, self.product)

    def select(self, kept: Mask) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {name: parts.pop(name).select(kept) for name in ("problem", "limit", "steps")}
        return replace(self, **chosen, **{name: part[kept] for name, part in parts.items()})


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
    solution.work[:] = 1
    apart, goal, state, together = _apart(problem, limit, start)

    def look(states: Array, runs: Index) -> Mapping[str, Array]:
        return observe(problem.select(runs), together(states, runs), runs)

    # A first step that is too long, and an escape to infinity, overflow on their way to being noticed.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        front = _Front.at(apart, goal, np.ascontiguousarray(state), times[-1])
        sound = np.flatnonzero(np.isfinite(front.speed))
        if sound.size:
            solution.record(sound, 0, observe(problem.select(sound), start[sound], sound))
        while True:
            front = _retire(front, solution, times, look, rtol)
            if not front.moving.any():
                progress(1.0)
                return solution
            progress(front.t[front.moving].min() / times[-1])
            _step(front, solution, times, look, rtol)


def _apart(problem: Problem, limit: Limit, start: Array) -> tuple[Problem, Limit, Array, Back]:
    """The problem in the basis of Y's modes, where there is one, and how states of some of the runs come back."""
    basis = limit.theory.basis(problem)
    if basis is None:
        return problem, limit, start, lambda states, runs: states

    def turned(states: Array, left: Turn, right: Turn) -> Array:
        return join(problem.model.turned(problem.split(states), left, right))

    def together(states: Array, runs: Index) -> Array:
        return turned(states, *(partial(np.matmul, part[runs]) for part in (basis.left, basis.right)))

    apart = replace(problem, loss=replace(problem.loss, data=basis.diagonal(basis.values)))
    state = turned(start, partial(turn, basis.left), partial(turn, basis.right))
    return apart, limit.turned(basis), state, together


def _retire(front: _Front, solution: Solution, times: Array, look: Look, rtol: float) -> _Front:
    """The runs that go on, and those that have ended as long as these are few."""
    error, loss, speed = front.error, front.loss, front.speed
    before = front.moving & (front.t < times[-1])
    escaped = (error > DIVERGENCE * np.maximum(1.0, front.first_error)) | (front.t + front.step == front.t)
    diverged = front.moving & (~np.isfinite(speed) | (before & escaped))
    learned = (2.0 * loss <= (LIMIT * rtol) ** 2 * squared_norm(front.problem.data)) & (error <= LIMIT * rtol)
    still = _is_still(front, loss, speed)
    front.still = np.where(still, front.still + 1, 0)
    there = front.is_near(LIMIT * rtol, front.unit)
    if still.any():
        there |= still & front.is_near(NEAR, front.limit.size)
    converged = before & ~diverged & (learned | there)
    stalled = before & ~diverged & ~converged & (speed == 0.0) & front.limit.known
    resting = before & ~diverged & ~converged & (front.still % PATIENCE == 1)
    for run in np.flatnonzero(resting & ~front.limit.known) if resting.any() else ():
        found = _verdict(front.select(np.array([run])))
        converged[run], stalled[run] = found == CONVERGED, found == STALLED

    for mask, outcome in ((front.moving & ~before, COMPLETED), (diverged, DIVERGED), (converged, CONVERGED)):
        front.outcome[mask] = outcome
    front.outcome[stalled] = STALLED
    front.moving = before & ~diverged & ~converged & ~stalled
    if front.moving.mean() > FULL:
        return front
    _settle(front, solution, times, look)
    return front.select(front.moving)


def _settle(front: _Front, solution: Solution, times: Array, look: Look) -> None:
    """Say how the runs that have ended did. Those that are at rest hold their state for the samples left."""
    at_rest = np.isin(front.outcome, (CONVERGED, STALLED))
    if at_rest.any():
        held, seen = front.runs[at_rest], front.seen[at_rest]
        rows, samples = _spans(seen, np.full_like(seen, len(times)))
        values = look(front.state[at_rest], held)
        solution.record(held[rows], samples, {name: value[rows] for name, value in values.items()})
    ended = ~front.moving
    problem, limit, state = front.problem.select(ended), front.limit.select(ended), front.state[ended]
    outcome = front.outcome[ended]
    known = np.isin(outcome, (DIVERGED, STALLED))
    solution.outcome[front.runs[ended]] = np.where(known, outcome, limit.outcome(problem, state, outcome))


def _is_still(front: _Front, loss: Array, speed: Array) -> Mask:
    """Whether steps move nothing."""
    length = front.step * speed
    # A state that decays to 0 keeps moving relative to itself, but neither to what it was nor to the loss left.
    faded = (length <= STILL * front.largest) & (length * speed <= STILL**2 * loss)
    return (length <= STILL * _norm(front.state)) | faded


def _verdict(one: _Front) -> str:
    """What a single run is that rests where theory knows no limit; nothing if it is to go on."""
    growth, direction = escape(one.problem, one.state, float(one.largest[0]))
    if growth == 0.0:
        return CONVERGED
    # The velocity rounds like its largest terms, of the size of the curvature times the state.
    rounding = STILL * float(one.largest[0] * REACH / one.step[0])
    return STALLED if abs(np.vdot(direction, one.problem.velocity(one.state))) <= rounding else ""


def _step(front: _Front, solution: Solution, times: Array, look: Look, rtol: float) -> None:
    """Every run tries its step; those for which it is accurate are observed on the way, and advance."""
    left = times[-1] - front.t
    step = np.where(front.moving, np.minimum(front.step, left), 0.0)
    state, told = front.steps.attempt(step)
    speed, curvature = np.sqrt(told.speed), np.sqrt(told.bend)
    solution.work[front.runs] += (dormand_prince.STAGES + 1) * front.moving

    # Beyond the first residual there is only escape to infinity, which need not be resolved either.
    change = np.sqrt(front.first_loss / front.loss)
    fraction = np.fmin(FRACTION * rtol * np.maximum(change, 1.0 / change), COARSEST)
    allowed = np.maximum(fraction * step * front.speed, ROUNDING * _norm(front.state))
    ratio = dormand_prince.error(step, told) / allowed
    accepted = front.moving & (ratio <= 1.0) & np.isfinite(speed)

    t = np.where(accepted, np.where(front.step >= left, times[-1], front.t + step), front.t)
    reached = np.searchsorted(times, t, side="right")
    passed = reached > front.seen
    if passed.any():
        runs = front.runs[passed]
        rows, samples = _spans(front.seen[passed], reached[passed])
        x = (times[samples] - front.t[passed][rows]) / step[passed][rows]
        weights = dormand_prince.weights_within(x, step[passed][rows])
        solution.work[runs] += dormand_prince.DENSE_STAGES - dormand_prince.STAGES - 1
        solution.record(runs[rows], samples, look(front.steps.inside(passed, rows, weights), runs[rows]))

    # An eighth root, by operations that round alike for one run and for many.
    factor = np.fmin(front.growth, np.fmax(SMALLEST, SAFETY / np.sqrt(np.sqrt(np.sqrt(ratio)))))
    cap = np.where(accepted, REACH / curvature, np.inf)
    front.step = np.where(accepted, np.fmin(step * factor, cap), step * np.minimum(factor, SAFETY))
    front.growth = np.where(accepted, LARGEST, 1.0)
    front.seen, front.t = reached, t
    turned = accepted & np.isfinite(curvature) & (curvature > 0.0)
    front.steps.accept(accepted, np.where(turned, 1.0 / curvature, 0.0))
    front.state = np.where(accepted[:, None], state, front.state)
    front.speed = np.where(accepted, speed, front.speed)
    front.largest = np.maximum(front.largest, _norm(front.state))
    front.look()


def _norm(arrays: Array) -> Array:
    """Norm of each run, shape (batch,)."""
    return np.sqrt(squared_norm(arrays))


def _spans(first: Index, last: Index) -> tuple[Index, Index]:
    """All pairs of a row i and a sample in first[i], ..., last[i] - 1."""
    samples = [np.arange(begin, end) for begin, end in zip(first, last, strict=True)]
    return np.repeat(np.arange(len(first)), last - first), np.concatenate(samples)
