"""The rates of many trajectories: the steps of `measure.decay.measure` as loops that are compiled.

Models of a window are in `exponentials`.
"""

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.kernels.compiled import compiled, part
from linear_networks.kernels.exponentials import TINY, fit, search
from linear_networks.measure.decay import Rules

EPSILON = float(np.finfo(float).eps)
LARGEST = 3  # rates of a model

# Fits of a trajectory, count of them: numbers of rates, first samples, rates, gaps of logarithms, misfits, limits.
Ladder = tuple[int, Index, Index, Array, Array, Array, Array]

# What became of a trajectory: its rate, or the reason why it has none.
RATE, NOT_CONVERGED, TOO_FEW, FLOOR, NO_DECAY, NO_FIT = range(6)


@compiled
def measure(
    t: Array,
    distance: Array,
    ends: Index,
    floors: Array,
    step_sizes: Array,
    fraction: float,
    largest_uncertainty: float,
    rules: Rules,
) -> tuple[Array, Index]:
    """Rates of trajectories that stand one after the other.

    Parameters
    ----------
    t, distance : ndarray, shape (samples,)
    ends : ndarray of int, shape (trajectories,)
        Where each ends.
    floors, step_sizes : ndarray, shape (trajectories,)
    fraction, largest_uncertainty : float
    rules : Rules

    Returns
    -------
    numbers : ndarray, shape (trajectories, 4)
        Rate, uncertainty, and times at which its window starts and ends; NaN where there is none.
    codes : ndarray of int, shape (trajectories, 4)
        What became of it, samples of the window, exponents of the model, and which part of the uncertainty is the
        largest: 0 noise, 1 resolution, 2 disagreement.
    """
    numbers = np.full((len(ends), 4), np.nan)
    codes = np.zeros((len(ends), 4), np.int64)
    begin = 0
    for place, end in enumerate(ends):
        one, samples = t[begin:end], distance[begin:end]
        floor = max(floors[place], EPSILON * _largest(samples), TINY)
        code, first, stop = _window(samples, floor, fraction, rules)
        codes[place, 0] = code
        if code == RATE:
            inside = _ladder(one[first:stop], samples[first:stop] / samples[0], floor / samples[0], rules)
            late = FLOOR if stop < len(one) else NOT_CONVERGED
            _judge(
                one[first:stop],
                inside,
                step_sizes[place],
                largest_uncertainty,
                late,
                rules,
                numbers[place],
                codes[place],
            )
        begin = end
    return numbers, codes


@part
def _largest(distance: Array) -> float:
    """Largest distance, infinite where one is not a number."""
    largest = 0.0
    for d in distance:
        if not np.isfinite(d):
            return np.inf
        largest = max(largest, d)
    return largest


@part
def _window(distance: Array, floor: float, fraction: float, rules: Rules) -> tuple[int, int, int]:
    """What is known before a fit, and the first sample of the window and the one after its last."""
    samples = len(distance)
    if samples == 0 or not np.isfinite(floor):
        return NOT_CONVERGED, 0, 0
    if fraction * distance[0] <= rules.safety * floor:
        return FLOOR, 0, 0
    first = stop = 0
    for sample in range(samples):
        if distance[sample] > fraction * distance[0]:
            first = sample + 1
        if distance[sample] > rules.safety * floor:
            stop = sample + 1
    if first == samples:
        return NOT_CONVERGED, first, stop
    return TOO_FEW if stop - first < rules.least else RATE, first, stop


@part
def _judge(
    t: Array,
    ladder: Ladder,
    step_size: float,
    largest_uncertainty: float,
    late: int,
    rules: Rules,
    numbers: Array,
    codes: Index,
) -> None:
    """The best of some fits, with its uncertainty, or the reason why it has none."""
    count, modes, begins, rates, gaps, misfits, limits = ladder
    level = np.inf
    for one in range(count):
        if modes[one] == 1 or gaps[one] > np.log(rules.least_gap):
            level = min(level, misfits[one])
    level = max(1.0, level)
    if level > rules.misfit:
        codes[0] = NO_FIT
        return
    good = np.empty(count, np.int64)
    kept, best, least = 0, -1, np.inf
    for one in range(count):
        if (modes[one] == 1 or gaps[one] > np.log(rules.least_gap)) and misfits[one] <= level:
            good[kept] = one
            size = rates[one] * (limits[one, 0] + limits[one, 1])
            if rates[one] * (t[-1] - t[begins[one]]) >= 1 and (best < 0 or size < least):
                best, least = kept, size
            kept += 1
    if best < 0:
        codes[0] = NO_DECAY
        return
    one = good[best]
    rate = rates[one]
    noise, unseen, disagreement = rate * limits[one, 0], rate * limits[one, 1], 0.0
    for other in range(max(best - 2, 0), min(best + 3, kept)):
        disagreement = max(disagreement, 2 * abs(rates[good[other]] - rate))
    if step_size != 0:
        unseen += rate + 2 * np.log1p(np.expm1(-step_size * rate) / 2) / step_size
    uncertainty = noise + unseen + disagreement
    if not uncertainty <= largest_uncertainty * rate:
        codes[0] = late
        return
    numbers[0], numbers[1] = rate, uncertainty
    numbers[2], numbers[3] = t[begins[one]], t[-1]
    codes[1], codes[2] = len(t) - begins[one], modes[one]
    codes[3] = 0 if noise >= unseen and noise >= disagreement else 1 if unseen >= disagreement else 2


@part
def _begins(distance: Array, rules: Rules) -> Index:
    """First samples of the nested windows, ascending."""
    samples, largest = len(distance), 0.0
    envelope = np.empty(samples)
    for sample in range(samples - 1, -1, -1):
        largest = max(largest, distance[sample])
        envelope[sample] = -np.log(largest)
    begins = np.empty(rules.windows, np.int64)
    step, count = (envelope[-1] - envelope[0]) / rules.windows, 0
    for window in range(rules.windows):
        begin = min(np.searchsorted(envelope, window * step + envelope[0]), samples - rules.least)
        if count == 0 or begin > begins[count - 1]:
            begins[count] = begin
            count += 1
    return begins[:count]


@part
def _samples(t: Array, distance: Array, floor: float, begin: int, rules: Rules) -> tuple[Array, Array, Array, float]:
    """What a fit of the window from `begin` on sees: times from 0 to 1, weights, and weighted squares of distances."""
    last, count = len(t) - 1, 0
    time, weight, square = np.empty(rules.points), np.empty(rules.points), np.empty(rules.points)
    span, step, before = t[-1] - t[begin], (last - begin) / (rules.points - 1), -1
    for point in range(rules.points):
        place = int(point * step + begin) if point < rules.points - 1 else last
        if place > before:
            d = distance[place]
            time[count] = (t[place] - t[begin]) / span
            weight[count] = 1 / (2 * d * floor + floor * floor)
            square[count] = weight[count] * (d * d)
            count += 1
            before = place
    return time[:count], weight[:count], square[:count], span


@part
def _ladder(t: Array, distance: Array, floor: float, rules: Rules) -> Ladder:
    """Fits of nested windows, latest first. A window needs at least as many rates as a later one."""
    begins = _begins(distance, rules)
    most = rules.windows * LARGEST
    modes, starts = np.empty(most, np.int64), np.empty(most, np.int64)
    rates, gaps, misfits, limits = np.empty(most), np.zeros(most), np.empty(most), np.empty((most, 2))
    known, is_known = np.zeros((LARGEST + 1, LARGEST)), np.zeros(LARGEST + 1, np.bool_)
    begin = begins[-1]
    slope = np.log(distance[begin] / max(distance[-1], floor)) / (t[-1] - t[begin])
    known[1, 0], is_known[1] = np.log(max(slope, 0.1 / (t[-1] - t[0]))), True
    count, q, close = 0, 1, 0
    for begin in begins[::-1]:
        time, weight, square, span = _samples(t, distance, floor, begin, rules)
        affordable = 1
        for size in range(2, LARGEST + 1):
            if len(time) >= (size + 1) * (size + 4) // 2:
                affordable = size
        misfit = np.inf
        for more in range(min(q, affordable), affordable + 1):
            q = more
            found, misfit, limit = _model(time, weight, square, span, q, known, is_known, rules)
            for i in range(q):
                known[q, i] = found[i] - np.log(span)
            is_known[q] = True
            modes[count], starts[count], rates[count], misfits[count] = q, begin, np.exp(known[q, 0]), misfit
            gaps[count] = found[1] - found[0] if q > 1 else 0.0
            limits[count, 0], limits[count, 1] = limit
            count += 1
            close += misfit < 1
            if misfit < 1:
                break
        if misfit > 1 and q == LARGEST and close > 1:
            break  # earlier still would fit no better
    return count, modes, starts, rates, gaps, misfits, limits


@part
def _model(
    t: Array, weight: Array, square: Array, span: float, q: int, known: Array, is_known: Mask, rules: Rules
) -> tuple[Array, float, Array]:
    """The closest model of q rates, from the one of a later window, and from a search where that is not close."""
    gaps, misfit, limit = np.zeros(q), np.inf, np.zeros(2)
    if is_known[q]:
        gaps, misfit, limit = fit(t, weight, square, known[q, :q] + np.log(span), rules)
    if q > 1 and (not is_known[q] or misfit > 1):
        trial = search(t, weight, square, np.exp(known[q - 1, 0]) * span, rules.pairs if q == 2 else rules.trios)
        fresh, its_misfit, its_limit = fit(t, weight, square, trial, rules)
        if not is_known[q] or its_misfit < misfit:
            return fresh, its_misfit, its_limit
    return gaps, misfit, limit
