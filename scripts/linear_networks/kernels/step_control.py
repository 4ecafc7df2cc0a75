"""Control of the steps of a flow: `solvers.step_control` as loops that are compiled."""

import math
from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.compiled import kept, ordered
from linear_networks.solvers.step_control import Rules, Runs

COMPLETED, CONVERGED, DIVERGED, STALLED = range(4)  # places in OUTCOMES


@kept
@ordered
def judge(runs: Runs, errors: Array, speeds: Array, sizes: Array, bends: Array, rules: Rules) -> None:
    """As `solvers.step_control.judge`."""
    for i in range(len(runs)):
        run = runs[i]
        run.accepted, run.turned = False, 0.0
        if not run.moving:
            continue
        run.work += rules.evaluations
        change = math.sqrt(run.first_loss / run.loss)
        fraction = np.fmin(rules.fraction * rules.rtol * np.maximum(change, 1.0 / change), rules.coarsest)
        ratio = errors[i] / np.maximum(fraction * run.trial * run.speed, rules.rounding * run.size)
        aim = rules.safety / math.sqrt(math.sqrt(math.sqrt(ratio)))
        factor = np.fmin(run.growth, np.fmax(rules.smallest, aim))
        speed, size, curvature = math.sqrt(speeds[i]), math.sqrt(sizes[i]), math.sqrt(bends[i])
        if ratio <= 1.0 and math.isfinite(speed):
            run.accepted = True
            run.t = rules.horizon if run.step >= rules.horizon - run.t else run.t + run.step
            run.step, run.growth = np.fmin(run.trial * factor, rules.reach / curvature), rules.largest
            run.speed, run.size, run.largest = speed, size, np.maximum(run.largest, size)
            if math.isfinite(curvature) and curvature > 0.0:
                run.turned = 1.0 / curvature
        else:
            run.step, run.growth = run.trial * min(factor, rules.safety), 1.0


@kept
@ordered
def end(runs: Runs, rules: Rules) -> None:
    """As `solvers.step_control.end`."""
    for i in range(len(runs)):
        run = runs[i]
        run.trial, run.resting = 0.0, False
        if not run.moving:
            continue
        length = run.step * run.speed
        faded = length <= rules.still * run.largest and length * run.speed <= rules.still * rules.still * run.loss
        still = length <= rules.still * run.size or faded
        run.still = run.still + 1 if still else 0
        run.moving = False
        if not math.isfinite(run.speed):
            run.outcome = DIVERGED
        elif run.t >= rules.horizon:
            run.outcome = COMPLETED
        elif run.error > rules.divergence * np.maximum(1.0, run.first_error) or run.t + run.step == run.t:
            run.outcome = DIVERGED
        elif _is_there(run, still, rules):
            run.outcome = CONVERGED
        elif run.speed == 0.0 and run.known:
            run.outcome = STALLED
        else:
            run.moving = True
            run.resting = not run.known and run.still % rules.patience == 1
            run.trial = min(run.step, rules.horizon - run.t)


@ordered
def _is_there(run: Any, still: bool, rules: Rules) -> bool:
    """Whether a run has learned Y, or is at its limit."""
    tolerance = rules.limit * rules.rtol
    small = tolerance * run.data
    if 2.0 * run.loss <= small * small and run.error <= tolerance:
        return True
    if run.distance <= tolerance * run.unit and run.gramian <= tolerance:
        return True
    return still and run.distance <= rules.near * run.data and run.gramian <= rules.near
