"""Control of the steps of a flow in plain NumPy, which `kernels.step_control` compiles: every run has steps of its own.

Accuracy: a step may err by a fraction of its own length, that is relative to what still moves rather than to the state.
Where the flow leaves a saddle, modes of size 1 rest while others of size 1e-8 begin to grow: an error that is small
beside the state is large in these. Near the limit nothing is amplified any more, and the fraction grows as the residual
shrinks; ||Y - X|| stays right in relative terms.

The end: past its limit an explicit method would go on to the horizon in steps of that size. A run stops where it has
reached the limit that its start allows, or a loss of 0. Where its steps are lost in rounding it may also be at a
saddle, where steps are small and what grows is smaller still: there it goes on if its limit is known to be elsewhere.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linear_networks.arrays import Array
from linear_networks.outcomes import COMPLETED, CONVERGED, DIVERGED, STALLED
from linear_networks.solvers.dop853 import REACH
from linear_networks.solvers.solution import DIVERGENCE
from linear_networks.theory.limits import NEAR

OUTCOMES = np.array([COMPLETED, CONVERGED, DIVERGED, STALLED])  # in the order of their codes

# What is known of a run. What is fixed:
#   number            in the batch
#   known             whether its limit is
#   data, unit        ||Y||, and the norm beside which a distance to the limit is small or not
#   first_error, first_loss
# At its state:
#   t, size, speed    time, norm of the state, norm of the velocity
#   largest           norm of the state so far
#   error, loss
#   distance, gramian to its limit: of X, and of the Gramian in units of its limit
# Of its steps:
#   step, growth      size of the next one, and largest factor by which it may grow after that: 1 after a rejected step
#   trial             size of the one that is tried, which ends at the horizon; 0 of a run that has ended
#   accepted, turned  whether it was accurate enough, and 1 / curvature at its end, or 0 where that is not known
#   work              evaluations
#   seen              samples observed
#   still             steps without motion up to here
# And of its end:
#   moving            whether it has not ended
#   resting           whether it is to be found out if it has
#   outcome           how it has, a place in OUTCOMES
WHOLE = ("number", "work", "seen", "still", "outcome")
TRUTH = ("known", "accepted", "moving", "resting")
REAL = (
    *("data", "unit", "first_error", "first_loss", "t", "size", "speed", "largest", "error", "loss", "distance"),
    *("gramian", "step", "growth", "trial", "turned"),
)
RUN = np.dtype(
    [(name, kind) for names, kind in ((WHOLE, np.intp), (REAL, np.float64), (TRUTH, np.bool_)) for name in names],
    align=True,
)
Runs = NDArray[np.void]  # records of RUN, shape (batch,)


class Rules(NamedTuple):
    """The numbers that steps are controlled by.

    A step may err by fraction * rtol * (first residual / present residual), and at most `coarsest`, of its own length,
    and by `rounding` of the state in any case. `fraction` is far below 1 because errors add up, keep their relative
    size where the flow leaves a saddle, and count twice in X and Q, which are quadratic in the factors.

    rtol, horizon             : tolerance of X, and the last time
    evaluations               : of a step
    smallest, safety, largest : factors between one step and the next
    reach                     : largest step, in units of 1 / curvature
    divergence                : growth of the error that is none of a step
    limit                     : an error ||Y - X|| / ||Y|| of this times rtol is none
    near                      : an error of this is none where nothing moves
    still                     : steps of this length, in units of the state, are none
    patience                  : steps without motion between one look at the Hessian and the next
    """

    rtol: float
    horizon: float
    evaluations: int
    fraction: float = 1e-2
    coarsest: float = 1e-3
    rounding: float = 1e-15
    smallest: float = 0.2
    safety: float = 0.93
    largest: float = 10.0
    reach: float = REACH
    divergence: float = DIVERGENCE
    limit: float = 1e-2
    near: float = NEAR
    still: float = 1e-14
    patience: int = 64


def judge(runs: Runs, errors: Array, speeds: Array, sizes: Array, bends: Array, rules: Rules) -> None:
    """Accept the steps that were tried, or not, and choose the next ones.

    Parameters
    ----------
    runs : ndarray of RUN, shape (batch,)
        Those that have ended stay as they are, and none of their steps is accepted.
    errors, speeds, sizes, bends : ndarray, shape (batch,)
        Of the steps that were tried: norms of the error, and squared norms at the end of the velocity, the state, and
        the change of the velocity along the direction of the largest curvature.
    rules : Rules
    """
    moving, trial, step, t = (runs[name].copy() for name in ("moving", "trial", "step", "t"))
    # Beyond the first residual there is only escape to infinity, which need not be resolved either.
    change = np.sqrt(runs["first_loss"] / runs["loss"])
    fraction = np.fmin(rules.fraction * rules.rtol * np.maximum(change, 1.0 / change), rules.coarsest)
    ratio = errors / np.maximum(fraction * trial * runs["speed"], rules.rounding * runs["size"])
    speed, size, curvature = np.sqrt(speeds), np.sqrt(sizes), np.sqrt(bends)
    accepted = moving & (ratio <= 1.0) & np.isfinite(speed)

    # An eighth root, by operations that round alike everywhere.
    aim = rules.safety / np.sqrt(np.sqrt(np.sqrt(ratio)))
    factor = np.fmin(runs["growth"], np.fmax(rules.smallest, aim))
    following = np.fmin(trial * factor, rules.reach / curvature)
    following = np.where(accepted, following, trial * np.minimum(factor, rules.safety))
    turned = accepted & np.isfinite(curvature) & (curvature > 0.0)
    last = step >= rules.horizon - t
    found = {
        "t": np.where(accepted, np.where(last, rules.horizon, t + step), t),
        "step": following,
        "growth": np.where(accepted, rules.largest, 1.0),
        "speed": np.where(accepted, speed, runs["speed"]),
        "size": np.where(accepted, size, runs["size"]),
        "largest": np.where(accepted, np.maximum(runs["largest"], size), runs["largest"]),
        "work": runs["work"] + rules.evaluations,
    }
    for name, values in found.items():
        runs[name] = np.where(moving, values, runs[name])
    runs["accepted"], runs["turned"] = accepted, np.where(turned, 1.0 / curvature, 0.0)


def end(runs: Runs, rules: Rules) -> None:
    """Find which runs end where they are, and how, and the size of the step that the others try.

    Parameters
    ----------
    runs : ndarray of RUN, shape (batch,)
    rules : Rules
    """
    t, step, error, loss, speed = (runs[name] for name in ("t", "step", "error", "loss", "speed"))
    length = step * speed
    # A state that decays to 0 keeps moving relative to itself, but neither to what it was nor to the loss left.
    faded = (length <= rules.still * runs["largest"]) & (length * speed <= rules.still * rules.still * loss)
    still = (length <= rules.still * runs["size"]) | faded
    runs["still"] = np.where(runs["moving"], np.where(still, runs["still"] + 1, 0), runs["still"])

    tolerance = rules.limit * rules.rtol
    small = tolerance * runs["data"]
    learned = (2.0 * loss <= small * small) & (error <= tolerance)
    there = learned | _is_near(runs, tolerance, runs["unit"]) | (still & _is_near(runs, rules.near, runs["data"]))
    lost = (error > rules.divergence * np.maximum(1.0, runs["first_error"])) | (t + step == t)
    tests = (
        (~np.isfinite(speed), DIVERGED),
        (t >= rules.horizon, COMPLETED),
        (lost, DIVERGED),
        (there, CONVERGED),
        ((speed == 0.0) & runs["known"], STALLED),
    )
    going = runs["moving"].copy()
    for test, outcome in tests:
        runs["outcome"][going & test] = np.flatnonzero(outcome == OUTCOMES)[0]
        going &= ~test
    runs["moving"] = going
    runs["resting"] = going & ~runs["known"] & (runs["still"] % rules.patience == 1)
    runs["trial"] = np.where(going, np.minimum(step, rules.horizon - t), 0.0)


def _is_near(runs: Runs, tolerance: float, unit: Array) -> NDArray[np.bool_]:
    return (runs["distance"] <= tolerance * unit) & (runs["gramian"] <= tolerance)
