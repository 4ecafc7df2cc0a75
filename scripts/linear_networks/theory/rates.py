"""Convergence rates, predicted from the data and the start."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, Mask

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


def _generator(singular_values: ArrayLike, lambda0: ArrayLike, rows: int, columns: int) -> tuple[Array, Mask, Mask]:
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
    rounding = max(data.shape[1:]) * np.finfo(float).eps * (a[:, -1] + b[:, -1])  # of an eigenvalue
    size = np.linalg.norm(residual, axis=(1, 2)) + _GAP * rounding
    # What is 0 in the limit is as small as the square of E; all else is larger than E.
    larger = np.maximum(a[:, :, None], b[:, None, :]) / size[:, None, None]
    lost = larger < 1 / _GAP
    now = np.where(lost, np.inf, a[:, :, None] + b[:, None, :])
    change = basis @ (basis.mT @ residual @ cobasis / now) @ cobasis.mT
    a, b = (np.linalg.eigvalsh(factor @ factor.mT) for factor in (left + change @ right, right + change.mT @ left))
    then = np.where(lost, np.inf, a[:, :, None] + b[:, None, :])
    slowest = now.min((1, 2)), then.min((1, 2))
    with np.errstate(invalid="ignore"):
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
