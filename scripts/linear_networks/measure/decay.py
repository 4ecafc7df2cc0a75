r"""The convergence rate of a trajectory, measured.

A distance to the limit decays as |sum_j a_j exp(-r_j t)|, or as the norm of several such sums; its rate is
the slowest, r_1. Either way the *square* of the distance is a sum of exp(-(r_i + r_j) t), i <= j, whatever
the signs, and smooth where a sum crosses zero. `measure` fits that square.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array

NOT_CONVERGED, TOO_FEW, FLOOR = "not converged", "too few samples", "floor reached"
NO_DECAY, NO_FIT = "no decay", "no fit"
NOISE, RESOLUTION, DISAGREEMENT = "noise", "resolution", "disagreement"


class Rules(NamedTuple):
    """The numbers that a measurement goes by.

    safety       : the window ends where the distance is this many floors
    least        : samples that a window needs
    least_gap    : between the two slowest, in units of r_1: closer rates are one to a model
    misfit       : floors; a record that no model follows more closely is no sum of exponentials
    windows      : nested windows tried, equally spaced in the logarithm of the distance
    points       : samples of a window that a fit sees
    evaluations  : of a model, per fit
    pairs, trios : the gaps at which a search for two and three rates begins, in units of 1 / (length of the window)
    """

    safety: float = 10.0
    least: int = 8
    least_gap: float = 0.01
    misfit: float = 300.0
    windows: int = 6
    points: int = 32
    evaluations: int = 9
    pairs: Array = np.geomspace(0.3, 60, 12)[:, None]
    trios: Array = np.stack(np.meshgrid(np.geomspace(0.5, 20, 4), np.geomspace(1, 40, 4), indexing="ij"), -1).reshape(
        -1, 2
    )


RULES = Rules()
_TINY = 1e-300

# Per number of rates q: how often the gap r_l - r_(l-1) enters the exponent r_i + r_j, shape (q, pairs).
_PAIRS: dict[int, Array] = {
    q: np.add(*((np.arange(q)[:, None] <= i).astype(float) for i in np.triu_indices(q))) for q in (1, 2, 3)
}
_GAPS = {2: RULES.pairs, 3: RULES.trios}


@dataclass(frozen=True)
class Measured:
    """A measured rate: the truth is expected within rate +- uncertainty.

    rate, uncertainty : per unit of time; NaN where there is a reason
    start, end        : times of the first and last sample of the window that gave the rate (NaN likewise)
    points            : samples in that window (0 likewise)
    exponents         : rates of the model that gave it, 1 to 3 (0 likewise)
    limited_by        : the largest part of the uncertainty: 'noise' (errors of the samples), 'resolution' (modes
                        that the window cannot tell apart), 'disagreement' (of models and windows); None likewise
    reason            : None, or why there is no rate, as listed at `measure`
    """

    rate: float
    uncertainty: float
    start: float
    end: float
    points: int
    exponents: int
    limited_by: str | None
    reason: str | None

    @classmethod
    def none(cls, reason: str) -> Measured:
        """No rate, for a reason."""
        return cls(np.nan, np.nan, np.nan, np.nan, 0, 0, None, reason)


def measure(
    t: ArrayLike,
    distance: ArrayLike,
    floor: float,
    *,
    fraction: float = 0.1,
    largest_uncertainty: float = 0.2,
    step_size: float = 0.0,
) -> Measured:
    r"""Slowest exponential rate of a distance that decays to a floor, with its uncertainty.

    Parameters
    ----------
    t : array_like, shape (samples,)         increasing, any spacing
    distance : array_like, shape (samples,)  >= 0: |sigma_i(t) - sigma_i*|, ||X(t) - X*||_F, ...
    floor : float                            bound on the absolute error of a sample: solver tolerance,
                                             rounding, error of the limit. Better too high than too low
    fraction : float                         the window is past the last sample above fraction * distance[0]
    largest_uncertainty : float              relative; a rate known no better is not reported
    step_size : float                        eta of descent, where what is linear in the state and what is quadratic
                                             decay at one rate of the flow; else 0

    Returns
    -------
    Measured. Where no rate can be vouched for, the reason is

    - 'not converged': the distance is not finite, or does not end below fraction * distance[0], or the record
      ends above the floor before the exponent has settled to largest_uncertainty;
    - 'floor reached': the start is within 10 / fraction floors, or the floor comes before the exponent has
      settled;
    - 'too few samples': fewer than 8 samples between fraction * distance[0] and 10 floors;
    - 'no fit': no model follows these samples within 300 floors;
    - 'no decay': where a model does, its slowest exponential decays by less than a factor e.

    Notes
    -----
    The early part of a trajectory (a plateau at a saddle, say) is no sum of exponentials, and the second mode
    keeps the local slope -d log(distance)/dt away from r_1 for long. So nested windows, the latest first, are
    fitted with 1, 2, then 3 rates by variable projection, in units of the floor, as far as the samples of the
    window allow; a model counts where it fits to within the floor, or as closely as any.

    The uncertainty of a model has two parts. Noise: twice the movement that errors of one floor, or of its misfit
    if that is larger, of any signs, can cause. Resolution: modes about r_1 whose rates have variance v turn
    exp(-r_1 t) into exp(-r_1 t + v t^2 / 2), so a window that does not see a curvature below v does not see them
    either, and the slowest may lie 3 sqrt(v) below their mean. The rate is that of the model whose two parts have
    the smallest sum; twice its largest disagreement with the two models on either side is added.

    Descent splits a rate of the flow that a linear deviation and a product of two share, to -log(1 - eta rho) / eta and
    at least -2 log(1 - eta rho / 2) / eta. The product, of second order, is the slower one, and too small to be seen
    until a time of one over their difference. So the slowest may lie -r_1 - 2 log((1 + exp(-eta r_1)) / 2) / eta below
    the measured r_1, which is added to the resolution; it is near eta r_1^2 / 4.

    What a record does not show is not in the uncertainty: a slowest mode hidden below the others until the
    floor or the end.
    """
    t, distance = np.asarray(t, float), np.asarray(distance, float)
    if t.ndim != 1 or t.shape != distance.shape or not (np.diff(t) > 0).all():
        raise ValueError(f"t {t.shape} must increase, and distance {distance.shape} have its shape")
    if not len(t) or not np.isfinite(distance).all():
        return Measured.none(NOT_CONVERGED)
    floor = max(floor, float(np.finfo(float).eps * distance.max()), _TINY)
    if fraction * distance[0] <= RULES.safety * floor:
        return Measured.none(FLOOR)
    first = int(np.flatnonzero(distance > fraction * distance[0])[-1]) + 1
    stop = int(np.flatnonzero(distance > RULES.safety * floor)[-1]) + 1
    if first == len(t):
        return Measured.none(NOT_CONVERGED)
    if stop - first < RULES.least:
        return Measured.none(TOO_FEW)

    ladder = _ladder(t[first:stop], distance[first:stop] / distance[0], floor / distance[0])
    fits = [fit for fit in ladder if len(fit.gaps) == 1 or fit.gaps[1] > fit.gaps[0] + np.log(RULES.least_gap)]
    level = max(1.0, min(fit.misfit for fit in fits))
    if level > RULES.misfit:
        return Measured.none(NO_FIT)
    good = [fit for fit in fits if fit.misfit <= level]
    rates = np.array([fit.rate for fit in good])
    noise, resolution = (rates * part for part in np.transpose([fit.limits() for fit in good]))
    begins = first + np.array([fit.begin for fit in good])
    decays = rates * (t[stop - 1] - t[begins]) >= 1
    if not decays.any():
        return Measured.none(NO_DECAY)
    best = int(np.argmin(np.where(decays, noise + resolution, np.inf)))
    begin, rate = int(begins[best]), float(rates[best])
    disagreement = 2 * np.abs(rates[max(best - 2, 0) : best + 3] - rate).max()
    unseen = float(resolution[best]) + _split(rate, step_size)
    parts = {NOISE: float(noise[best]), RESOLUTION: unseen, DISAGREEMENT: float(disagreement)}
    uncertainty = sum(parts.values())
    if not uncertainty <= largest_uncertainty * rate:
        return Measured.none(FLOOR if stop < len(t) else NOT_CONVERGED)
    window = float(t[begin]), float(t[stop - 1]), stop - begin
    return Measured(rate, uncertainty, *window, len(good[best].gaps), max(parts, key=parts.__getitem__), None)


def _split(rate: float, step_size: float) -> float:
    """How much slower a product of two deviations can decay by descent than a linear one at `rate`."""
    return rate + 2 * float(np.log1p(np.expm1(-step_size * rate) / 2)) / step_size if step_size else 0.0


@dataclass(frozen=True)
class _Fit:
    """One model on one window: logarithms of its gaps, misfit (1 = the floor), and its linearization.

    `tangent` has a column for each parameter, that of log r_1 the last but one; the last is what a curvature of
    r_1^2 in the exponent of the slowest term would add.
    """

    gaps: Array
    misfit: float
    tangent: Array
    begin: int = 0

    @property
    def rate(self) -> float:
        return float(np.exp(self.gaps[0]))

    def limits(self) -> tuple[float, float]:
        """Noise and resolution in units of r_1, for errors of a floor per sample or of the misfit, of any signs."""
        q, r = np.linalg.qr(self.tangent)
        level = max(1.0, self.misfit)
        moves = np.abs(q[:, -2:]).sum(0) / np.maximum(np.abs(r.diagonal()[-2:]), _TINY)
        return 2 * level * moves[0], 3 * np.sqrt(level * moves[1])


def _ladder(t: Array, distance: Array, floor: float) -> list[_Fit]:
    """Fits of nested windows, latest first. A window needs at least as many rates as a later one."""
    envelope = -np.log(np.maximum.accumulate(distance[::-1])[::-1])
    levels = np.linspace(envelope[0], envelope[-1], RULES.windows + 1)[:-1]
    begins = np.unique(np.minimum(np.searchsorted(envelope, levels), len(t) - RULES.least))[::-1]
    fits: list[_Fit] = []
    slope = np.log(distance[begins[0]] / max(distance[-1], floor)) / (t[-1] - t[begins[0]])
    known = {1: np.log([max(slope, 0.1 / (t[-1] - t[0]))])}
    modes = 1
    for begin in begins.tolist():
        index = np.unique(np.linspace(begin, len(t) - 1, RULES.points).astype(int))
        d, span = distance[index], t[-1] - t[begin]
        weight = 1 / (2 * d * floor + floor**2)[:, None]
        window = ((t[index] - t[begin]) / span)[:, None], weight, weight * (d * d)[:, None]
        affordable = max(q for q in _PAIRS if q == 1 or len(d) >= (q + 1) * (q + 4) // 2)
        fewest = min(modes, affordable)
        for modes in range(fewest, affordable + 1):
            fit = _fit(*window, known[modes] + np.log(span)) if modes in known else None
            if modes > 1 and (fit is None or fit.misfit > 1):
                fresh = _fit(*window, _search(*window, np.exp(known[modes - 1][0]) * span, _GAPS[modes]))
                fit = fresh if fit is None or fresh.misfit < fit.misfit else fit
            assert fit is not None
            known[modes] = fit.gaps - np.log(span)
            fits.append(replace(fit, gaps=known[modes], begin=begin))
            if fit.misfit < 1:
                break
        if fits[-1].misfit > 1 and modes == max(_PAIRS) and sum(fit.misfit < 1 for fit in fits) > 1:
            break  # earlier still would fit no better
    return fits


def _search(t: Array, weight: Array, square: Array, rate: float, gaps: Array) -> Array:
    """Logarithm of the best of many gaps (models, modes - 1), each with its r_1 by Gauss-Newton."""
    pairs = _PAIRS[gaps.shape[1] + 1]
    trial = np.concatenate((np.full((len(gaps), 1), rate), gaps), axis=1)
    best, least = trial.copy(), np.full(len(trial), np.inf)
    data = np.broadcast_to(np.concatenate((square, t * square), axis=1), (len(trial), len(t), 2))
    for _ in range(4):
        basis = np.exp(-t * (trial @ pairs)[:, None, :]) * weight
        basis /= np.sqrt((basis * basis).sum(1, keepdims=True)) + _TINY
        r = _triangle(np.concatenate((basis, data), axis=2))[:, pairs.shape[1] :]
        residual, shift = r[..., -2], r[..., -1]
        cost = (residual * residual).sum(1)
        better = cost < least
        best[better], least[better] = trial[better], cost[better]
        step = (residual * shift).sum(1) / (2 * (shift * shift).sum(1) + _TINY)
        trial = best.copy()
        trial[better, 0] = np.clip(best[:, 0] - step, best[:, 0] / 3, best[:, 0] * 3)[better]
    return np.asarray(np.log(best[np.argmin(least)]))


def _fit(t: Array, weight: Array, square: Array, gaps: Array) -> _Fit:
    """Variable projection (Kaufman) with Levenberg-Marquardt steps in the logarithms of the gaps."""
    now, damping, spent = _linearize(t, weight, square, gaps), 1e-6, 1
    while spent < RULES.evaluations:
        jacobian, residual, cost = now[2:]
        scale = np.sqrt((jacobian * jacobian).sum(0))
        scale += 1e-12 * scale.max() + _TINY
        jacobian = jacobian / scale
        values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
        values, push = np.maximum(values, 1e-15), vectors.T @ (jacobian.T @ residual)
        if push @ (push / values) < 1e-3 * max(cost, 1e-3 * len(t)):
            break
        while spent < RULES.evaluations:
            step = vectors @ (push / (values + damping)) / scale
            if damping < 1e3 and np.abs(step).max() > 1.5:
                damping *= 10
                continue
            step = np.clip(step, -1.5, 1.5)
            there, spent = _linearize(t, weight, square, gaps + step), spent + 1
            if there[-1] < cost:
                gaps, now, damping = gaps + step, there, damping * 0.03
                break
            damping *= 30
    basis, mix, _, _, cost = now
    slopes = (basis * t) @ mix
    curvature = basis[:, :1] * t * t * (mix[0, 0] * np.exp(gaps[0]))
    tangent = np.concatenate((basis, slopes[:, 1:], slopes[:, :1], curvature), axis=1)
    return _Fit(gaps, float(np.sqrt(cost / (len(t) - basis.shape[1] - len(gaps)))), tangent)


def _linearize(t: Array, weight: Array, square: Array, gaps: Array) -> tuple[Array, Array, Array, Array, float]:
    """Basis, its mixture along the gaps, Jacobian, residual, cost; one QR of [basis, t basis, data] does."""
    pairs, sizes = _PAIRS[len(gaps)], np.exp(gaps)
    k = pairs.shape[1]
    basis = np.exp(-t * (sizes @ pairs)) * weight
    basis /= np.sqrt((basis * basis).sum(0)) + _TINY
    r = _triangle(np.concatenate((basis, t * basis, square), axis=1))
    head = r[:k, :k]
    head.flat[:: k + 1] += np.where(np.abs(head.diagonal()) < 1e-13, 1e-13, 0.0)
    mix = -(pairs * np.linalg.solve(head, r[:k, -1])).T * sizes
    residual = r[k:, -1]
    return basis, mix, np.asarray(r[k:, k:-1] @ mix), residual, float(residual @ residual)


def _triangle(table: Array) -> Array:
    return np.asarray(np.linalg.qr(table, mode="r"))
