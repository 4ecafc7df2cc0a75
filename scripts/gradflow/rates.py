"""Convergence rates, predicted from the data and the start."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


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


def symmetric_modes(eigenvalues: ArrayLike) -> Array:
    """Rate of each mode of symmetric flow, spectral start: 4 |sigma_i|, Corollary 1; shape (batch, m)."""
    return np.asarray(4 * np.abs(np.asarray(eigenvalues, float)))


def symmetric(eigenvalues: ArrayLike, moving: ArrayLike = True) -> Array:
    r"""Rate of ||X - X*||_F of symmetric flow, 4 min |sigma_i| (Proposition 2).

    Parameters
    ----------
    eigenvalues : array_like, shape (batch, m)   of Y
    moving : array_like of bool, broadcastable   modes that are not at their limit from the start

    Returns
    -------
    ndarray, shape (batch,). 0 where a mode with eigenvalue 0 moves: it decays as 1 / (4 t). NaN where no
    mode moves.
    """
    modes = np.where(np.asarray(moving, bool), symmetric_modes(eigenvalues), np.inf).min(-1)
    return np.where(np.isfinite(modes), modes, np.nan)


def regularized_product(
    singular_values: ArrayLike, lambda0: ArrayLike, rows: int, columns: int, width: int | None = None
) -> Array:
    r"""Rate of X = U V^T under the regularized flow (18)-(20) with Lambda = lambda_0 I, from a generic start.

    Parameters
    ----------
    singular_values : array_like, shape (batch, min(rows, columns))  of Y
    lambda0 : array_like, shape (batch,) or scalar                   either sign
    rows, columns, width : int                                       m, n, k; no width: k >= max(m, n)

    Returns
    -------
    ndarray, shape (batch,). With h = sqrt(4 sigma_min^2 + lambda_0^2) / 2:

    - m = n: 2 h, as in Proposition 5;
    - m != n: h + |lambda_0| / 2, faster than the |lambda_0| that Proposition 5 states for R R^T. At
      lambda_0 = 0 and k > min(m, n) it is exp(-sigma_min t) times a power of t;
    - m != n, k < max(m, n), lambda_0 of the sign that favours the longer factor (> 0 for m > n, < 0 for
      m < n): h - |lambda_0| / 2, since the limit lacks eigenvectors of S~ whose eigenvalue is positive;
    - k < min(m, n): NaN, since X does not tend to Y.

    References
    ----------
    P = R R^T obeys P' = S~ P + P S~ - P^2 (21). Its entries between an eigenvector that the limit has and one
    that it lacks decay at the difference of their eigenvalues, which are +- h_i and, |m - n| times,
    lambda_0 / 2 for m > n, -lambda_0 / 2 for m < n.
    """
    half, h, narrow = _regularized(singular_values, lambda0, rows, columns, width)
    if width is not None and width < min(rows, columns):
        return np.full_like(h, np.nan)
    return 2 * h if rows == columns else np.where(narrow, h - half, h + half)


def regularized_gramian(
    singular_values: ArrayLike, lambda0: ArrayLike, rows: int, columns: int, width: int | None = None
) -> Array:
    r"""Rate of R R^T under the regularized flow; parameters as in `regularized_product`.

    Returns
    -------
    ndarray, shape (batch,). With h as there, and no width standing for k >= max(m, n):

    - m = n: 2 h; m != n: |lambda_0|, Proposition 5 (the modulus is meant); 0, algebraic, at lambda_0 = 0;
    - k = min(m, n) < max(m, n): that of X, to which the directions that the limit lacks are then slaved;
    - min(m, n) < k < max(m, n), longer factor favoured: min(|lambda_0|, h - |lambda_0| / 2).
    """
    half, h, narrow = _regularized(singular_values, lambda0, rows, columns, width)
    product = regularized_product(singular_values, lambda0, rows, columns, width)
    if rows == columns or (width is not None and width <= min(rows, columns)):
        return product
    return np.where(narrow, np.minimum(2 * half, h - half), 2 * half + 0 * h)


def _regularized(
    singular_values: ArrayLike, lambda0: ArrayLike, rows: int, columns: int, width: int | None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    smallest, shift = np.asarray(singular_values, float).min(-1), np.asarray(lambda0, float)
    narrow = (shift * (rows - columns) > 0) & (width is not None and width < max(rows, columns))
    return np.abs(shift) / 2, np.asarray(spectral(smallest, shift) / 2), np.asarray(narrow)


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

    -log(1 - eta rho) / eta; broadcasts. The rate itself as eta -> 0, infinite at eta rho = 1 (one step), and
    -log(eta rho - 1) / eta beyond, where the sign alternates: negative past eta rho = 2, descent diverges.
    """
    rho, eta = np.asarray(rate, float), np.asarray(step_size, float)
    with np.errstate(divide="ignore"):
        over = -np.log(np.abs(1 - eta * rho)) / eta
        return np.asarray(np.where(eta * rho < 1, -np.log1p(-np.minimum(eta * rho, 1)) / eta, over))
