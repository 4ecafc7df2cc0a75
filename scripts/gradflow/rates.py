r"""Convergence rates: measured from a trajectory, and predicted from the data and the start.

A distance to the limit decays as |sum_j a_j exp(-r_j t)|, or as the norm of several such sums; its rate is
the slowest, r_1. Either way the *square* of the distance is a sum of exp(-(r_i + r_j) t), i <= j, whatever
the signs, and smooth where a sum crosses zero. `measure` fits that square.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

NOT_CONVERGED, TOO_FEW, FLOOR = "not converged", "too few samples", "floor reached"

_SAFETY = 10.0  # the window ends where the distance is this many floors
_LEAST = 8  # samples that a window needs
_WINDOWS = 6  # nested windows tried, equally spaced in the logarithm of the distance
_POINTS = 32  # samples of a window that a fit sees
_EVALUATIONS = 9  # of a model, per fit
_TINY = 1e-300

# Per number of rates q: how often the gap r_l - r_(l-1) enters the exponent r_i + r_j, shape (q, pairs);
# and the gaps at which a search begins, in units of 1 / (length of the window).
_PAIRS: dict[int, Array] = {
    q: np.add(*((np.arange(q)[:, None] <= i).astype(float) for i in np.triu_indices(q))) for q in (1, 2, 3)
}
_GAPS = {
    2: np.geomspace(0.3, 60, 12)[:, None],
    3: np.array([(a, b) for a in np.geomspace(0.5, 20, 4) for b in np.geomspace(1, 40, 4)]),
}


@dataclass(frozen=True)
class Measured:
    """A measured rate: the truth is expected within rate +- uncertainty.

    rate, uncertainty : per unit of time; NaN where there is a reason
    start, end        : times of the first and last sample of the window that gave the rate (NaN likewise)
    points            : samples in that window (0 likewise)
    reason            : None, or why there is no rate: 'not converged', 'too few samples', 'floor reached'
    """

    rate: float
    uncertainty: float
    start: float
    end: float
    points: int
    reason: str | None


def measure(
    t: ArrayLike,
    distance: ArrayLike,
    floor: float,
    *,
    fraction: float = 0.1,
    largest_uncertainty: float = 0.05,
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

    Returns
    -------
    Measured. Where no rate can be vouched for, the reason is

    - 'not converged': the distance is not finite, or does not end below fraction * distance[0], or the record
      ends above the floor before the exponent has settled to largest_uncertainty;
    - 'floor reached': the start is within 10 / fraction floors, or the floor comes before the exponent has
      settled;
    - 'too few samples': fewer than 8 samples between fraction * distance[0] and 10 floors.

    Notes
    -----
    The early part of a trajectory (a plateau at a saddle, say) is no sum of exponentials, and the second mode
    keeps the local slope -d log(distance)/dt away from r_1 for long. So nested windows, the latest first, are
    fitted with 1, 2, then 3 rates by variable projection, in units of the floor; a model counts where it fits
    to within the floor. Of these, the rate is the one that errors of one floor, of any signs, can move least;
    twice that movement, plus five times the largest disagreement with the two models on either side, is the
    uncertainty.

    What a record does not show is not in the uncertainty: a slowest mode hidden below the others until the
    floor, or modes within about 1 % of each other, which count as one rate between theirs.
    """
    t, distance = np.asarray(t, float), np.asarray(distance, float)
    if t.ndim != 1 or t.shape != distance.shape or not (np.diff(t) > 0).all():
        raise ValueError(f"t {t.shape} must increase, and distance {distance.shape} have its shape")
    if not len(t) or not np.isfinite(distance).all():
        return _none(NOT_CONVERGED)
    floor = max(floor, float(np.finfo(float).eps * distance.max()), _TINY)
    if fraction * distance[0] <= _SAFETY * floor:
        return _none(FLOOR)
    first = int(np.flatnonzero(distance > fraction * distance[0])[-1]) + 1
    stop = int(np.flatnonzero(distance > _SAFETY * floor)[-1]) + 1
    if first == len(t):
        return _none(NOT_CONVERGED)
    if stop - first < _LEAST:
        return _none(TOO_FEW)

    fits = _ladder(t[first:stop], distance[first:stop] / distance[0], floor / distance[0])
    level = max(1.0, min(fit.misfit for fit in fits))
    good = [fit for fit in fits if fit.misfit <= level]
    rates = np.array([fit.rate for fit in good])
    moves = level * rates * np.array([fit.sensitivity() for fit in good])
    best = int(np.argmin(moves))
    rate = float(rates[best])
    uncertainty = float(2 * moves[best] + 5 * np.abs(rates[max(best - 2, 0) : best + 3] - rate).max())
    if not uncertainty <= largest_uncertainty * rate:
        return _none(FLOOR if stop < len(t) else NOT_CONVERGED)
    begin = first + good[best].begin
    return Measured(rate, uncertainty, float(t[begin]), float(t[stop - 1]), stop - begin, None)


def _none(reason: str) -> Measured:
    return Measured(np.nan, np.nan, np.nan, np.nan, 0, reason)


@dataclass(frozen=True)
class _Fit:
    """One model on one window: logarithms of its gaps, misfit (1 = the floor), and its linearization."""

    gaps: Array
    misfit: float
    basis: Array
    slopes: Array
    begin: int = 0

    @property
    def rate(self) -> float:
        return float(np.exp(self.gaps[0]))

    def sensitivity(self) -> float:
        """Largest change of log r_1 that errors of one floor per sample, of any signs, can cause."""
        q = np.linalg.qr(self.basis)[0]
        jacobian = self.slopes - q @ (q.T @ self.slopes)
        return float(np.abs(np.linalg.pinv(jacobian, rcond=1e-12)[0]).sum())


def _ladder(t: Array, distance: Array, floor: float) -> list[_Fit]:
    """Fits of nested windows, latest first. A window needs at least as many rates as a later one."""
    envelope = -np.log(np.maximum.accumulate(distance[::-1])[::-1])
    levels = np.linspace(envelope[0], envelope[-1], _WINDOWS + 1)[:-1]
    begins = np.unique(np.minimum(np.searchsorted(envelope, levels), len(t) - _LEAST))[::-1]
    fits: list[_Fit] = []
    slope = np.log(distance[begins[0]] / max(distance[-1], floor)) / (t[-1] - t[begins[0]])
    known = {1: np.log([max(slope, 0.1 / (t[-1] - t[0]))])}
    modes = 1
    for begin in begins.tolist():
        index = np.unique(np.linspace(begin, len(t) - 1, _POINTS).astype(int))
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
    while spent < _EVALUATIONS:
        jacobian, residual, cost = now[2:]
        scale = np.sqrt((jacobian * jacobian).sum(0))
        scale += 1e-12 * scale.max() + _TINY
        jacobian = jacobian / scale
        values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
        values, push = np.maximum(values, 1e-15), vectors.T @ (jacobian.T @ residual)
        if push @ (push / values) < 1e-3 * max(cost, 1e-3 * len(t)):
            break
        while spent < _EVALUATIONS:
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
    return _Fit(gaps, float(np.sqrt(cost / (len(t) - basis.shape[1] - len(gaps)))), basis, (basis * t) @ mix)


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


# An eigenvalue this many times larger or smaller than the residual is told from 0; and a limit is near where it changes
# the rate by less than this part.
_GAP, _NEAR = 10.0, 0.05


def spectral(singular_values: ArrayLike, imbalance: ArrayLike) -> Array:
    r"""Rate of each mode of asymmetric flow, spectral start: sqrt(4 sigma^2 + lambda_0^2), Proposition 3.

    Parameters
    ----------
    singular_values : array_like, shape (batch, modes)  of the data, >= 0
    imbalance : array_like, broadcastable               lambda_0 = u^2 - v^2 of each mode, either sign

    Returns
    -------
    ndarray, shape (batch, modes). The rate of ||X - X*|| is the minimum over the modes that move. 0 where
    sigma and lambda_0 are both 0: the decay is algebraic.
    """
    return np.asarray(np.hypot(2 * np.asarray(singular_values, float), np.asarray(imbalance, float)))


def entries(eigenvalues: ArrayLike, rank: ArrayLike, step_size: float = 0.0, factored: bool = True) -> Array:
    r"""Rates of the entries of P = F F^T in the eigenbasis of A, where F' = (A - P) F: the form of (3) and (18).

    P tends to its kept directions, the eigenvectors of the `rank` largest positive eigenvalues e of A. By the flow and
    by F -> F + eta (A - P) F, entries of P - P(inf) decay

    - between two that are kept as a linear deviation, at e_i + e_j;
    - between one kept and one that is not, likewise, at e_i - e_j;
    - between two that are not kept as the product of two linear deviations, at |e_i| and |e_j|; if the rank leaves F
      nothing but what is kept, they are products of the entries above;

    and none slower than the product of two others, with a direction in common, which drives it.

    Parameters
    ----------
    eigenvalues : array_like, shape (..., p)   of A, descending
    rank : array_like of int, shape (...)      of F(0)
    step_size : float                          eta of descent; 0 for the flow
    factored : bool                            whether descent moves F, or P itself, where every entry is linear

    Returns
    -------
    ndarray, shape (..., p, p). Those of descent per unit of time, see `descent`. 0 where an eigenvalue 0 makes the
    decay algebraic; negative where descent leaves P(inf); infinite where an entry has no rate of its own, as between
    two equal eigenvalues of which one is kept.
    """
    e, rank = np.asarray(eigenvalues, float), np.asarray(rank)[..., None]
    kept = (e > 0) & (np.arange(e.shape[-1]) < rank)
    both, neither = (side[..., :, None] & side[..., None, :] for side in (kept, ~kept))
    total, gap = e[..., :, None] + e[..., None, :], np.abs(e[..., :, None] - e[..., None, :])
    if factored or not step_size:
        one = descent(np.abs(e), step_size)
        free = (kept.sum(-1, keepdims=True) < rank)[..., None]
        lost = np.where(free, one[..., :, None] + one[..., None, :], np.inf)
    else:
        lost = descent(-total, step_size)
    found = np.where(neither, lost, descent(np.where(both, total, gap), step_size))
    found = np.where((gap == 0) & ~both & ~neither, np.inf, found)
    for _ in range(e.shape[-1].bit_length()):
        found = np.minimum(found, (found[..., :, :, None] + found[..., None, :, :]).min(-2))
    return np.asarray(found)


def symmetric(
    eigenvalues: ArrayLike, rank: ArrayLike | None = None, step_size: float = 0.0, factored: bool = True
) -> Array:
    r"""Rate of ||X - X*||_F of the symmetric model from a generic start; 4 min |sigma_i| by the flow (Proposition 2).

    Parameters
    ----------
    eigenvalues : array_like, shape (batch, m)        of Y, descending
    rank : array_like of int, shape (batch,) or None  of U(0); without it, m
    step_size : float                                 eta of descent; 0 for the flow
    factored : bool                                   whether descent moves U, or X itself (5)

    Returns
    -------
    ndarray, shape (batch,). 0 where a direction of eigenvalue 0 makes it algebraic: it decays as 1 / (4 t). Where the
    rank k is below the number of positive eigenvalues, by the flow at most 2 (sigma_k - sigma_k+1), towards the k
    largest.
    """
    values = np.asarray(eigenvalues, float)
    ranks = values.shape[-1] if rank is None else rank
    return np.asarray(entries(2 * values, ranks, step_size, factored).min((-2, -1)))


def symmetric_modes(
    eigenvalues: ArrayLike, rank: ArrayLike | None = None, step_size: float = 0.0, factored: bool = True
) -> Array:
    """Rate of each eigenvalue of X from a generic start; by the flow 4 |sigma_i|, Corollary 1.

    Parameters as in `symmetric`.

    Returns
    -------
    ndarray, shape (batch, m). By descent -log(1 - 4 eta sigma_i) / eta where sigma_i > 0, unless products of entries
    off the diagonal are slower; where an eigenvalue decays to 0 as u_i^2, -2 log(1 - 2 eta |sigma_i|) / eta. NaN for
    those that the rank keeps at 0, and, where descent moves X itself, for several that decay to 0, which it can make
    negative and change places.
    """
    values = np.asarray(eigenvalues, float)
    ranks = np.asarray(values.shape[-1] if rank is None else rank)[..., None]
    order = np.arange(values.shape[-1])
    kept = (values > 0) & (order < ranks)
    found = np.diagonal(entries(2 * values, ranks[..., 0], step_size, factored), axis1=-2, axis2=-1)
    if factored or not step_size:
        return np.where(kept, found, np.where(order < ranks, spectral_modes(values, step_size), np.nan))
    return np.where(kept | (kept.sum(-1, keepdims=True) == len(order) - 1), found, np.nan)


def spectral_modes(eigenvalues: ArrayLike, step_size: float = 0.0, factored: bool = True) -> Array:
    """Rate of each mode of the symmetric model, spectral start; parameters and rates as in `symmetric_modes`."""
    values = np.asarray(eigenvalues, float)
    squares = (values < 0) & factored
    return np.where(
        squares, 2 * descent(2 * np.abs(values), step_size), np.asarray(descent(4 * np.abs(values), step_size))
    )


def regularized_product(
    singular_values: ArrayLike,
    lambda0: ArrayLike,
    rows: int,
    columns: int,
    rank: int | None = None,
    step_size: float = 0.0,
) -> Array:
    r"""Rate of X = U V^T under the regularized flow (18)-(20) with Lambda = lambda_0 I, from a generic start.

    It is that of the asymmetric flow (10) too where Q(0) = lambda_0 I.

    Parameters
    ----------
    singular_values : array_like, shape (batch, min(rows, columns))  of Y, descending
    lambda0 : array_like, shape (batch,) or scalar                   either sign
    rows, columns : int                                              m, n
    rank : int or None                                               of R(0); without it, m + n
    step_size : float                                                eta of descent; 0 for the flow

    Returns
    -------
    ndarray, shape (batch,). By the flow, with h_i = sqrt(4 sigma_i^2 + lambda_0^2) / 2 and the smallest, h:

    - m = n: 2 h, as in Proposition 5;
    - m != n: h + |lambda_0| / 2, faster than the |lambda_0| that Proposition 5 states for R R^T. At
      lambda_0 = 0 and k > min(m, n) it is exp(-sigma_min t) times a power of t;
    - m != n, k < max(m, n), lambda_0 of the sign that favours the longer factor (> 0 for m > n, < 0 for
      m < n): h - |lambda_0| / 2, since the limit lacks eigenvectors of S~ whose eigenvalue is positive;
    - k < min(m, n): at most h_k - h_k+1, towards the rank-k part of Y.

    References
    ----------
    P = R R^T obeys P' = S~ P + P S~ - P^2 (21), and descent R -> R + eta (S~ - P / 2) R: `entries` in the eigenbasis
    of S~, with eigenvalues +- h_i and, |m - n| times, lambda_0 / 2 for m > n, -lambda_0 / 2 for m < n. X is the block
    of P between the rows of U and those of V, in which entries between vectors of one side only do not occur.
    """
    values, left, right = _generator(singular_values, lambda0, rows, columns)
    seen = (left[..., :, None] & right[..., None, :]) | (right[..., :, None] & left[..., None, :])
    found = entries(values, rows + columns if rank is None else rank, step_size)
    return np.where(seen, found, np.inf).min((-2, -1))


def regularized_gramian(
    singular_values: ArrayLike,
    lambda0: ArrayLike,
    rows: int,
    columns: int,
    rank: int | None = None,
    step_size: float = 0.0,
) -> Array:
    r"""Rate of R R^T under the regularized flow; parameters as in `regularized_product`.

    Returns
    -------
    ndarray, shape (batch,). By the flow, with h as there:

    - m = n: 2 h; m != n: |lambda_0|, Proposition 5 (the modulus is meant); 0, algebraic, at lambda_0 = 0;
    - k = min(m, n) < max(m, n): that of X, to which the directions that the limit lacks are then slaved;
    - min(m, n) < k < max(m, n), longer factor favoured: min(|lambda_0|, h - |lambda_0| / 2).
    """
    values = _generator(singular_values, lambda0, rows, columns)[0]
    return entries(values, rows + columns if rank is None else rank, step_size).min((-2, -1))


def _generator(
    singular_values: ArrayLike, lambda0: ArrayLike, rows: int, columns: int
) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Eigenvalues of S~, descending, and which of its eigenvectors have a part in the rows of U, and in those of V."""
    sigma, shift = np.asarray(singular_values, float), np.asarray(lambda0, float)[..., None] / 2
    h = np.hypot(sigma, shift)
    extra = np.broadcast_to(np.sign(rows - columns) * shift, (*h.shape[:-1], abs(rows - columns)))
    values = np.concatenate([h, extra, -h[..., ::-1]], axis=-1)
    mixed, up = sigma > 0, np.broadcast_to(shift >= 0, sigma.shape)
    longer = np.full(extra.shape, rows > columns)
    left, right = (
        np.concatenate([mixed | top, side, (mixed | ~top)[..., ::-1]], axis=-1)
        for top, side in ((up, longer), (~up, ~longer))
    )
    return values, left, right


def local(data: Array, left: Array, right: Array, step_size: float = 0.0) -> Array:
    r"""Rate at which the asymmetric model converges, Y - X -> 0, from a state that is near its limit.

    E = Y - X obeys E' = -(U U^T E + E V V^T): entry (i, j) in the eigenbases of U U^T and V V^T decays at the sum
    a_i + b_j of their eigenvalues. Where both are 0 in the limit, which a singular Y allows, it is a product of two
    deviations that decay at one of the other sums each: the rate is the smallest sum that is not 0.

    Parameters
    ----------
    data : ndarray, shape (batch, m, n)
        Y.
    left, right : ndarray, shapes (batch, m, w) and (batch, n, w)
        U and V.
    step_size : float
        eta of descent; 0 for the flow.

    Returns
    -------
    ndarray, shape (batch,). Of the limit U + Z V, V + Z^T U, to first order in E, with Z the integral of E. NaN where
    the state is too far from it to tell: where that changes the rate much, or where eigenvalues of both are of the size
    of E, as they are where convergence is algebraic.
    """
    residual = data - left @ right.mT
    (a, basis), (b, cobasis) = np.linalg.eigh(left @ left.mT), np.linalg.eigh(right @ right.mT)
    size = np.linalg.norm(residual, axis=(1, 2)) + np.finfo(float).eps * (a[:, -1] + b[:, -1])
    # What is 0 in the limit is as small as the square of E; all else is larger than E.
    larger = np.maximum(a[:, :, None], b[:, None, :]) / size[:, None, None]
    lost = larger < 1 / _GAP
    now = np.where(lost, np.inf, a[:, :, None] + b[:, None, :])
    change = basis @ (basis.mT @ residual @ cobasis / now) @ cobasis.mT
    a, b = (np.linalg.eigvalsh(factor @ factor.mT) for factor in (left + change @ right, right + change.mT @ left))
    then = np.where(lost, np.inf, a[:, :, None] + b[:, None, :])
    slowest = now.min((1, 2)), then.min((1, 2))
    near = np.abs(slowest[1] / slowest[0] - 1) < _NEAR
    known = near & (lost | (larger > _GAP)).all((1, 2))
    return np.where(known, np.where(lost, np.inf, descent(then, step_size)).min((1, 2)), np.nan)


def lower_bound(imbalance: ArrayLike, rows: int, columns: int) -> Array:
    r"""A-priori bound: ||Y - X(t)||_F <= exp(-c t) ||Y - X(0)||_F under asymmetric flow, for any Y.

    c = [lambda_m(Q_0)]_+ + [lambda_n(-Q_0)]_+, the m-th and n-th largest eigenvalues.

    Parameters
    ----------
    imbalance : array_like, shape (batch, w, w)  Q_0 = U^T U - V^T V, gauge-reduced (w < k) or not: the
                                                 eigenvalues it lacks are 0, and change no positive part
    rows, columns : int                          m, n

    Returns
    -------
    ndarray, shape (batch,)

    References
    ----------
    Min, Tarmoun, Vidal, Mallada, ICML 2021.
    """
    values = np.linalg.eigvalsh(np.asarray(imbalance, float))  # ascending
    none = np.zeros(values.shape[:-1])
    left = np.maximum(values[..., -rows], 0) if rows <= values.shape[-1] else none
    right = np.maximum(-values[..., columns - 1], 0) if columns <= values.shape[-1] else none
    return np.asarray(left + right)


def descent(rate: ArrayLike, step_size: ArrayLike) -> Array:
    """Rate per unit of time, t = step_size * steps, of gradient descent where the flow has `rate`.

    Of a deviation that is linear in the state: -log(1 - eta rho) / eta; broadcasts. The rate itself at eta = 0,
    infinite at eta rho = 1 (one step), and -log(eta rho - 1) / eta beyond, where the sign alternates: negative past
    eta rho = 2, descent diverges. One that is a product of linear deviations decays at the sum of their rates.
    """
    rho, eta = np.asarray(rate, float), np.asarray(step_size, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = -np.log(np.abs(1 - eta * rho)) / eta
        under = -np.log1p(-np.minimum(eta * rho, 1)) / eta
        return np.asarray(np.where(eta == 0, rho, np.where(eta * rho < 1, under, over)))
