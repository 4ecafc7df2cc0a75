r"""Two-layer flows whose imbalance has two eigenvalues: closed forms at every width k >= m + n.

With J = diag(I_m, -I_n), P = R R^T and h^2 = lambda0^2/4 + tau^2, starts with P J P = lambda0 P + tau^2 J keep that
under the flow of any loss of X. P is then a function of X,

    U U^T = lambda0/2 + sqrt(X X^T + h^2),     V V^T = -lambda0/2 + sqrt(X^T X + h^2),

so that dX/dt = U U^T G + G V V^T with the force G is an equation of X alone, in which only h enters. The X of every
such start is therefore that of one with the same X(0) and Q(0) = 2 h I, which has m columns, as (22) allows, and which
Proposition 5 solves; or with Q(0) = -2 h I and n columns.
"""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array
from linear_networks.models.hyperbolic import Hyperbolic
from linear_networks.theory import closed_forms, rates
from linear_networks.theory.riccati_flow import TINY, eigenbasis


def half_gap(lambda0: ArrayLike, tau: ArrayLike) -> Array:
    """h, half the difference of the two eigenvalues of Q."""
    return np.asarray(np.hypot(np.asarray(lambda0, float) / 2.0, tau))


def product(t: ArrayLike, data: ArrayLike, factors: ArrayLike, lambda0: ArrayLike, tau: ArrayLike) -> Array:
    """X(t) of the squared loss, from factors with P J P = lambda0 P + tau^2 J.

    Parameters
    ----------
    t : array_like, shape (samples,)               times, >= 0
    data : array_like, shape (batch, m, n)         Y
    factors : array_like, shape (batch, m + n, w)  R0 = [U0; V0]
    lambda0, tau : array_like, shape (batch,)

    Returns
    -------
    ndarray, shape (batch, samples, m, n).
    """
    y, r0, held = (np.asarray(values, dtype=np.float64) for values in (data, factors, lambda0))
    rows, half, found = y.shape[1], half_gap(held, tau), np.empty((len(y), np.size(t), *y.shape[1:]))
    up = np.broadcast_to(held >= 0.0, len(y))
    shift = _difference(held, np.asarray(tau, float), half)
    sides = slice(None, rows), slice(rows, None)
    for some, sign in ((up, 1), (~up, -1)):
        larger, smaller = (r0[some, side] for side in sides[::sign])
        moved = np.concatenate(_shifted(larger, smaller, shift[some])[::sign], axis=1)
        found[some] = closed_forms.regularized(t, y[some], moved, 2.0 * sign * half[some], product=True)
    return found


def _difference(lambda0: Array, tau: Array, half: Array) -> Array:
    """h - |lambda0|/2, which would lose tau as a difference."""
    return tau * (tau / np.maximum(half + np.abs(lambda0) / 2.0, TINY))


def _shifted(left: Array, right: Array, shift: Array) -> tuple[Array, Array]:
    """Factors of the same product, whose U U^T has grown by a multiple of I, and whose V V^T is as small as it can be.

    With [U, sqrt(shift) I] = U' B^T, B orthonormal, they are U' and V' = V B_1, B_1 the rows of B beside U. Small
    columns of U and V keep their digits, which they would lose in U V^T.
    """
    grown = np.sqrt(shift)[:, None, None] * np.eye(left.shape[1])
    basis, triangle = np.linalg.qr(np.concatenate([left, grown], axis=2).mT)
    return triangle.mT, right @ basis[:, : left.shape[2]]


def from_gramian(t: ArrayLike, data: ArrayLike, factors: ArrayLike, lambda0: ArrayLike, tau: ArrayLike) -> Array:
    r"""X(t) of dP/dt = S~ P + P S~ - P^2 + tau^2 I from any P(0) = R0 R0^T; at tau = 0, that of (21).

    It is the flow of the squared loss where P(0) J P(0) = lambda0 P(0) + tau^2 J. With H = sqrt(S~^2 + tau^2), which is
    diag(sqrt(Y Y^T + h^2), sqrt(Y^T Y + h^2)), P + H - S~ obeys the equation without the last term, for H in place of
    S~. Its block is X - Y.

    Parameters
    ----------
    t, data
        As for `product`.
    factors : array_like, shape (batch, m + n, w)   R0 = [U0; V0]
    lambda0, tau : array_like, shape (batch,)

    Returns
    -------
    ndarray, shape (batch, samples, m, n). Accurate to the rounding of ||P|| + ||S~||.
    """
    y, r0 = np.asarray(data, dtype=np.float64), np.asarray(factors, dtype=np.float64)
    batch, rows, side = len(y), y.shape[1], sum(y.shape[1:])
    generator, start = np.zeros((batch, side, side)), np.empty((batch, side, r0.shape[-1] + side))
    for run, (held, root) in enumerate(np.broadcast_to(np.transpose([lambda0, tau]), (batch, 2)).tolist()):
        left, sigma, right = np.linalg.svd(y[run])
        base, gaps, basis = eigenbasis(left, sigma, right.T, held)
        mu = base + gaps
        h = np.hypot(mu, root)
        generator[run] = basis * h @ basis.T
        lift = np.where(mu > 0.0, root * (root / np.where(mu > 0.0, h + mu, 1.0)), h - mu)
        start[run] = np.concatenate([r0[run], basis * np.sqrt(lift)], axis=1)
    return y[:, None] + closed_forms.riccati(t, generator, start)[..., :rows, rows:]


def gramian(product: ArrayLike, lambda0: ArrayLike, tau: ArrayLike) -> Array:
    """P = R R^T of X, shape (batch, m + n, m + n), for X of shape (batch, m, n); at X = Y the limit of the flow."""
    x, held = np.asarray(product, dtype=np.float64), np.asarray(lambda0, dtype=np.float64)
    half = half_gap(held, tau)
    left, right = Hyperbolic(half).sides(x)
    larger, smaller = half + np.abs(held) / 2.0, _difference(held, np.asarray(tau, float), half)
    up, down = np.where(held >= 0.0, larger, smaller), np.where(held >= 0.0, smaller, larger)
    for part, shift in ((left, up), (right, down)):
        part += (shift - half)[:, None, None] * np.eye(part.shape[1])
    return np.concatenate([np.concatenate([left, x], axis=2), np.concatenate([x.mT, right], axis=2)], axis=1)


def rate(values: ArrayLike, half: ArrayLike, rows: int, columns: int, rank: int | None = None) -> Array:
    """Rate of X -> Y by the flow: with the smallest sqrt(sigma^2 + h^2), twice that for m = n, else that plus h.

    Parameters as of `rates.regularized_product`, of which it is the case lambda0 = 2 h.
    """
    return rates.regularized_product(values, 2.0 * np.asarray(half, float), rows, columns, rank)


def closest(eigenvalues: ArrayLike, rows: int, columns: int) -> tuple[float, float]:
    """lambda0 and tau of the means of the m largest and the n smallest eigenvalues of Q.

    Parameters
    ----------
    eigenvalues : array_like, shape (w,)  descending, of the gauge-reduced Q
    rows, columns : int                   m, n

    Returns
    -------
    lambda0, tau : float
        tau is 0 where both means have one sign.
    """
    values = np.asarray(eigenvalues, dtype=np.float64)
    upper, lower = values[:rows].sum() / rows, values[-columns:].sum() / columns
    return float(upper + lower), float(np.sqrt(max(-upper * lower, 0.0)))
