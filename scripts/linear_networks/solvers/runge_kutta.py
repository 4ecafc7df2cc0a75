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
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import DOP853

from linear_networks.arrays import Array, Index, Mask, squared_norm
from linear_networks.dynamics.problem import Problem, join
from linear_networks.models.basis import turn
from linear_networks.models.model import Turn
from linear_networks.outcomes import CONVERGED, DIVERGED, STALLED
from linear_networks.solvers.escape import escape
from linear_networks.solvers.flow import REACH
from linear_networks.solvers.solution import DIVERGENCE, Observe, Progress, Solution
from linear_networks.theory.limits import NEAR, Limit

# Dormand and Prince's method of order 8(5,3) in 12 stages, and its dense output of order 7 in 3 stages more: II.5 and
# II.6 of Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I. Row s of WEIGHTS makes the state at which
# stage s is evaluated; row 12 is the step itself.
STAGES, DENSE_STAGES = 12, 16
WEIGHTS = np.zeros((DENSE_STAGES, DENSE_STAGES))
WEIGHTS[:12, :12], WEIGHTS[12, :12], WEIGHTS[13:] = DOP853.A, DOP853.B, DOP853.A_EXTRA
FIFTH, THIRD = DOP853.E5[:12].copy(), DOP853.E3[:12].copy()
# Row p of DENSE is the weight of each stage in what x, x (1 - x), x^2 (1 - x), ... multiply at a fraction x of a step.
CHANGE, BEGIN, END = WEIGHTS[12], np.eye(DENSE_STAGES)[0], np.eye(DENSE_STAGES)[STAGES]
DENSE = np.vstack([CHANGE, BEGIN - CHANGE, 2.0 * CHANGE - BEGIN - END, DOP853.D])

# A step may err by FRACTION * rtol * (first residual / present residual), and at most COARSEST, of its own length, and
# by ROUNDING of the state in any case. FRACTION is far below 1 because errors add up, keep their relative size where
# the flow leaves a saddle, and count twice in X and Q, which are quadratic in the factors.
FRACTION, COARSEST, ROUNDING = 1e-2, 1e-3, 1e-15
NUDGE = 1e-7  # Finite difference for the curvature, in units of the state.
FIRST = 0.03  # First step, in units of the state.
SMALLEST, SAFETY, LARGEST = 0.2, 0.93, 10.0  # Factors between one step and the next.
LIMIT = 1e-2  # An error ||Y - X|| / ||Y|| of this times rtol is none.
STILL = 1e-14  # Steps of this length, in units of the state, are none.
PATIENCE = 64  # Steps without motion between one look at the Hessian and the next.
TINY = 1e-300  # Makes 0 / 0 a 0.

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
    velocity: Array
    direction: Array  # of the largest curvature, norm 1
    first_error: Array
    first_loss: Array
    largest: Array  # norm of the state so far
    unit: Array  # in which the distance to the limit is small or not
    still: Index  # number of steps without motion up to here

    @classmethod
    def at(cls, problem: Problem, limit: Limit, start: Array, horizon: float) -> Self:
        velocity = problem.velocity(start)
        size, speed = _norm(start), _norm(velocity)
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
            velocity=velocity,
            direction=velocity / _column(speed, start),
            first_error=problem.error(start),
            first_loss=problem.objective(start),
            largest=size,
            unit=np.where(alone, _norm(problem.product(start)), unit),
            still=np.zeros(len(start), dtype=np.intp),
        )

    def select(self, kept: Mask) -> Self:
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {name: parts.pop(name).select(kept) for name in ("problem", "limit")}
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
        sound = np.flatnonzero(np.isfinite(_norm(front.velocity)))
        if sound.size:
            solution.record(sound, 0, observe(problem.select(sound), start[sound], sound))
        while True:
            front = _retire(front, solution, times, look, rtol)
            if not front.runs.size:
                progress(1.0)
                return solution
            progress(front.t.min() / times[-1])
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
    """The runs that go on. Those that are at rest hold their state for the samples left."""
    error, loss, speed = front.problem.error(front.state), front.problem.objective(front.state), _norm(front.velocity)
    before = front.t < times[-1]
    escaped = (error > DIVERGENCE * np.maximum(1.0, front.first_error)) | (front.t + front.step == front.t)
    diverged = ~np.isfinite(speed) | (before & escaped)
    learned = (2.0 * loss <= (LIMIT * rtol) ** 2 * squared_norm(front.problem.data)) & (error <= LIMIT * rtol)
    still = _is_still(front, loss, speed)
    front.still = np.where(still, front.still + 1, 0)
    there = front.limit.is_near(front.problem, front.state, LIMIT * rtol, front.unit)
    there |= still & front.limit.is_near(front.problem, front.state, NEAR, front.limit.size)
    converged = before & ~diverged & (learned | there)
    stalled = before & ~diverged & ~converged & (speed == 0.0) & front.limit.known
    for run in np.flatnonzero(before & ~diverged & ~converged & ~front.limit.known & (front.still % PATIENCE == 1)):
        found = _verdict(front.select(np.array([run])))
        converged[run], stalled[run] = found == CONVERGED, found == STALLED

    solution.outcome[front.runs[diverged]] = DIVERGED
    solution.outcome[front.runs[stalled]] = STALLED
    ended = ~diverged & ~stalled & (~before | converged)
    if ended.any():
        last = front.select(ended)
        otherwise = np.where(converged[ended], CONVERGED, solution.outcome[last.runs])
        solution.outcome[last.runs] = last.limit.outcome(last.problem, last.state, otherwise)
    if (converged | stalled).any():
        held = front.select(converged | stalled)
        rows, samples = _spans(held.seen, np.full_like(held.seen, len(times)))
        values = look(held.state, held.runs)
        solution.record(held.runs[rows], samples, {name: value[rows] for name, value in values.items()})
    going = before & ~diverged & ~converged & ~stalled
    return front if going.all() else front.select(going)


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
    return STALLED if abs(np.vdot(direction, one.velocity)) <= rounding else ""


def _step(front: _Front, solution: Solution, times: Array, look: Look, rtol: float) -> None:
    """Every run tries its step; those for which it is accurate are observed on the way, and advance."""
    left = times[-1] - front.t
    step = np.minimum(front.step, left)
    state, stages, error = _attempt(front, step)
    velocity = stages[:, STAGES].copy()
    # One power iteration: the change of velocity along the direction turns it towards that of the largest curvature.
    nudge = _column(NUDGE * _norm(state), state)
    bend = (front.problem.velocity(state + nudge * front.direction) - velocity) / nudge
    curvature = _norm(bend)
    solution.work[front.runs] += STAGES + 1

    # Beyond the first residual there is only escape to infinity, which need not be resolved either.
    change = np.sqrt(front.first_loss / front.problem.objective(front.state))
    fraction = np.fmin(FRACTION * rtol * np.maximum(change, 1.0 / change), COARSEST)
    ratio = error / np.maximum(fraction * step * _norm(front.velocity), ROUNDING * _norm(front.state))
    accepted = (ratio <= 1.0) & np.isfinite(_norm(velocity))

    t = np.where(accepted, np.where(front.step >= left, times[-1], front.t + step), front.t)
    reached = np.searchsorted(times, t, side="right")
    passed = reached > front.seen
    if passed.any():
        inner = front.select(passed)
        rows, samples = _spans(inner.seen, reached[passed])
        inside = _interpolate(inner, step[passed], stages[passed], rows, times[samples])
        solution.work[inner.runs] += DENSE_STAGES - STAGES - 1
        solution.record(inner.runs[rows], samples, look(inside, inner.runs[rows]))

    # An eighth root, by operations that round alike for one run and for many.
    factor = np.fmin(front.growth, np.fmax(SMALLEST, SAFETY / np.sqrt(np.sqrt(np.sqrt(ratio)))))
    cap = np.where(accepted, REACH / curvature, np.inf)
    front.step = np.where(accepted, np.fmin(step * factor, cap), step * np.minimum(factor, SAFETY))
    turned = _column(accepted & np.isfinite(curvature) & (curvature > 0.0), state)
    moved = _column(accepted, state)
    front.growth = np.where(accepted, LARGEST, 1.0)
    front.seen, front.t = reached, t
    front.direction = np.where(turned, bend / _column(curvature, state), front.direction)
    front.state = np.where(moved, state, front.state)
    front.velocity = np.where(moved, velocity, front.velocity)
    front.largest = np.maximum(front.largest, _norm(front.state))


def _attempt(front: _Front, step: Array) -> tuple[Array, Array, Array]:
    """State at the end of the step, the stages (batch, stages, ...) that make it, and the norm of its error."""
    stages = np.empty((len(step), DENSE_STAGES, *front.state.shape[1:]))
    stages[:, 0] = front.velocity
    state = front.state
    for s in range(1, STAGES + 1):
        state = front.state + _column(step, state) * _weigh(WEIGHTS[s, :s], stages[:, :s])
        stages[:, s] = front.problem.velocity(state)
    fifth, third = (squared_norm(_weigh(weights, stages[:, :STAGES])) for weights in (FIFTH, THIRD))
    return state, stages, step * fifth / np.sqrt(fifth + 0.01 * third + TINY)


def _interpolate(front: _Front, step: Array, stages: Array, rows: Index, t: Array) -> Array:
    """States within the step from `front`: row i is that of run rows[i], in ascending order, at time t[i]."""
    size = _column(step, front.state)
    for s in range(STAGES + 1, DENSE_STAGES):
        stages[:, s] = front.problem.velocity(front.state + size * _weigh(WEIGHTS[s, :s], stages[:, :s]))
    x = (t - front.t[rows]) / step[rows]
    weights, factor = np.zeros((len(rows), DENSE_STAGES)), step[rows]
    for place, terms in enumerate(DENSE):
        factor = factor * (1.0 - x if place % 2 else x)
        weights += factor[:, None] * terms
    inside = front.state[rows]
    flat, changes = inside.reshape(len(rows), 1, -1), stages.reshape(*stages.shape[:2], -1)
    ends = np.searchsorted(rows, np.arange(len(step) + 1))
    for run, (first, last) in enumerate(pairwise(ends)):
        # One product of a vector and a matrix a sample: it does not depend on the others.
        flat[first:last] += weights[first:last, None] @ changes[run]
    return inside


def _norm(arrays: Array) -> Array:
    """Norm of each run, shape (batch,)."""
    return np.sqrt(squared_norm(arrays))


def _column(values: Array, like: Array) -> Array:
    """One value a run, in a shape that broadcasts over states like this one."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _weigh(weights: Array, stages: Array) -> Array:
    """Weighted sum over the stages, shape (batch, ...), of stages of shape (batch, stages, ...)."""
    # One product of a vector and a matrix a run: it does not depend on the size of the batch.
    return (weights @ stages.reshape(*stages.shape[:2], -1)).reshape(len(stages), *stages.shape[2:])


def _spans(first: Index, last: Index) -> tuple[Index, Index]:
    """All pairs of a row i and a sample in first[i], ..., last[i] - 1."""
    samples = [np.arange(begin, end) for begin, end in zip(first, last, strict=True)]
    return np.repeat(np.arange(len(first)), last - first), np.concatenate(samples)
