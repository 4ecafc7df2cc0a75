r"""Closed forms of gradient flow on linear and two-layer linear models, for any time and any start.

The factorized flows are one Riccati equation, dP/dt = S P + P S - P^2, solved as `riccati_flow` says.

Where rows of R0 differ by many orders, the small ones are lost in the rounding of Phi^T R0, and with them what hangs on
them: those starts go to `many_digits`, which is slower by far.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array
from linear_networks.theory import small_products
from linear_networks.theory.graded import is_graded
from linear_networks.theory.riccati_flow import RULES, TINY, reduced

NEGLIGIBLE = 1e-20  # beside one


def linear(t: ArrayLike, data: ArrayLike, start: ArrayLike) -> Array:
    r"""Gradient flow on the product itself, X(t) = Y + (X0 - Y) e^{-t}, equation (4).

    Parameters
    ----------
    t : array_like, shape (samples,)            times, >= 0
    data : array_like, shape (batch, m, n)      Y
    start : array_like, shape (batch, m, n)     X0

    Returns
    -------
    ndarray, shape (batch, samples, m, n). Each entry is accurate, also where X0 and Y differ by many orders.
    """
    time = np.asarray(t, dtype=np.float64)[:, None, None]
    y = np.asarray(data, dtype=np.float64)[:, None]
    x0 = np.asarray(start, dtype=np.float64)[:, None]
    return np.exp(-time) * x0 - np.expm1(-time) * y


def riccati(t: ArrayLike, generator: ArrayLike, factor: ArrayLike) -> Array:
    r"""Solution P(t) of dP/dt = S P + P S - P^2 from P(0) = R0 R0^T, equation (53).

    Parameters
    ----------
    t : array_like, shape (samples,)               times, >= 0
    generator : array_like, shape (batch, N, N)    S, symmetric; singular and indefinite are fine
    factor : array_like, shape (batch, N, w)       R0, of any width w >= 1

    Returns
    -------
    ndarray, shape (batch, samples, N, N), symmetric positive semidefinite.

    Notes
    -----
    The eigenvalues of S are known to an absolute error of order eps ||S||: a competition that is decided by a
    smaller difference of two eigenvalues is decided by rounding. Likewise, a component of R0 along an
    eigenvector is known to an absolute error of order eps ||R0||, column by column, unless `many_digits` finds
    that its rows differ by many orders.
    """
    from linear_networks.kernels.riccati_flow import flow

    s, r0 = np.asarray(generator, dtype=np.float64), np.asarray(factor, dtype=np.float64)
    time, side = _owned(t), s.shape[1]
    found, sizes = np.empty((len(s), len(time), side, side)), np.empty((len(time), 3))
    for run, graded in enumerate(is_graded(r0)):
        if graded:
            from linear_networks.theory import many_digits

            found[run] = many_digits.riccati(time, s[run], r0[run])
        else:
            values, basis = np.linalg.eigh(s[run])
            flow(
                time, 0.0, values[::-1].copy(), basis[:, ::-1].copy(), reduced(r0[run]), side, RULES, found[run], sizes
            )
    return found


def symmetric(t: ArrayLike, data: ArrayLike, factor: ArrayLike) -> Array:
    r"""Product X = U U^T of the symmetric flow dU/dt = 2 (Y - U U^T) U, equations (5), (6) and (41).

    Parameters
    ----------
    t : array_like, shape (samples,)             times, >= 0
    data : array_like, shape (batch, m, m)       Y, symmetric
    factor : array_like, shape (batch, m, w)     U0

    Returns
    -------
    ndarray, shape (batch, samples, m, m). From U0 = Phi diag(u0), equation (7).
    """
    y, u0 = np.asarray(data, dtype=np.float64), np.asarray(factor, dtype=np.float64)
    return riccati(t, 2 * y, 2 * u0) / 4  # P = 4 X, S = 2 Y


def regularized(t: ArrayLike, data: ArrayLike, factors: ArrayLike, lambda0: ArrayLike, product: bool = False) -> Array:
    r"""P(t) = R R^T of the regularized flow (19) with Q0 replaced by lambda0 I, equation (21).

    It is the flow of the unregularized problem (10) wherever U0^T U0 - V0^T V0 = lambda0 I.

    Parameters
    ----------
    t : array_like, shape (samples,)               times, >= 0
    data : array_like, shape (batch, m, n)         Y
    factors : array_like, shape (batch, m + n, w)  R0 = [U0; V0]
    lambda0 : array_like, shape (batch,)
    product : bool
        Whether the product X, which is P[..., :m, m:], is all that is asked for.

    Returns
    -------
    ndarray, shape (batch, samples, m + n, m + n), or (batch, samples, m, n).

    Notes
    -----
    Where X is far smaller than P it comes from `small_products`, so that it has its own digits, and P from
    `many_digits` where rows of U0, or of V0, differ by many orders.

    References
    ----------
    Proposition 5.
    """
    y, r0 = np.asarray(data, dtype=np.float64), np.asarray(factors, dtype=np.float64)
    time, held, (m, n) = _owned(t), np.asarray(lambda0, dtype=np.float64), y.shape[1:]
    found = np.empty((len(y), len(time), *((m, n) if product else (m + n, m + n))))
    for run, graded in enumerate(is_graded(r0[:, :m], r0[:, m:])):
        if graded:
            from linear_networks.theory import many_digits

            generator = np.diag(np.repeat([held[run] / 2, -held[run] / 2], [m, n]))
            generator[:m, m:], generator[m:, :m] = y[run], y[run].T
            gramian = many_digits.riccati(time, generator, r0[run])
            found[run] = gramian[:, :m, m:] if product else gramian
        else:
            Regularized.of(y[run], r0[run]).flow(time, float(held[run]), found[run])
    return found


class Regularized(NamedTuple):
    """A problem in the singular basis of Y, whose regularized flow is known at any lambda0.

    Attributes
    ----------
    left, sigma, right : ndarray, shapes (m, m), (min(m, n),), (n, n)
        Singular vectors of Y in columns, and its singular values.
    factor : ndarray, shape (m + n, w)
        R0, reduced.
    """

    left: Array
    sigma: Array
    right: Array
    factor: Array

    @classmethod
    def of(cls, data: Array, factor: Array) -> Self:
        """Of Y and R0."""
        left, sigma, right = np.linalg.svd(data, full_matrices=True)
        return cls(left, sigma, right.T.copy(), reduced(factor))

    def flow(self, time: Array, lambda0: float, found: Array) -> None:
        """P(t), shape (samples, m + n, m + n), or X(t), shape (samples, m, n), into an array."""
        from linear_networks.kernels.riccati_flow import eigenbasis, flow

        left, sigma, right, factor = self
        m, sizes = len(left), np.empty((len(time), 3))
        deficient = flow(time, *eigenbasis(left, sigma, right, lambda0), factor, m, RULES, found, sizes)
        largest, half = float(sigma[0]), abs(lambda0) / 2
        fastest = math.hypot(largest, half)
        mixing = largest / (half + fastest) if fastest > 0 else 0.0
        able = fastest * time <= (RULES.early if deficient else small_products.GROWTH)
        lost = able & small_products.is_small(sizes, mixing)
        if lost.any():
            product = small_products.product(time[lost], left, sigma, right, factor, lambda0)
            if found.shape[1] == m:
                found[lost] = product
            else:
                found[lost, :m, m:], found[lost, m:, :m] = product, product.mT


def spectral_mode(t: ArrayLike, sigma: ArrayLike, imbalance: ArrayLike, start: ArrayLike) -> Array:
    r"""Product x(t) = u(t) v(t) of one mode under asymmetric gradient flow, equation (15).

    Solves dx/dt = (sigma - x) sqrt(4 x^2 + imbalance^2) from x(0) = start.

    Parameters
    ----------
    t : array_like, shape (...)           time, >= 0
    sigma : array_like, broadcastable     singular value of the data, >= 0
    imbalance : array_like, broadcastable u^2 - v^2, conserved (11)
    start : array_like, broadcastable     x(0)

    Returns
    -------
    ndarray, broadcast shape. Tends to sigma, or stays at or rises to 0 where imbalance = 0 and start <= 0
    (the saddle is not crossed). Accurate to full relative precision, save where x crosses zero.

    Notes
    -----
    With l = |imbalance| and r = sqrt(4 x^2 + l^2), both p = (u + v)^2 = r + 2x and q = (u - v)^2 = r - 2x solve a
    scalar Riccati equation, whose solution is a quotient of sums of positive terms, linear in z = e^{-st} with
    s = sqrt(4 sigma^2 + l^2). As p q = l^2, 4x is (p - l)(1 + l/p), and (l - q)(1 + p/l) where the start is
    negative, in which the terms that cancel are taken out by hand. How far p has grown is told by p0/z against s,
    formed from l e^{st/2} where p0 = l^2/q0: neither l^2 nor z need be representable.

    References
    ----------
    Proposition 3; the constant (51) in a form that is regular at imbalance = 0 and at start = sigma.
    """
    time, sigma_, imbalance_, x0 = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (t, sigma, imbalance, start))
    )
    lam, size, forward = np.abs(imbalance_), 2 * np.abs(x0), x0 >= 0
    s = np.hypot(2 * sigma_, lam)
    s = np.where(s > TINY * 1e8 * size, s, 0.0)  # beside a start so large it is not felt in any time
    safe = np.where(s > 0, s, 1.0)
    rho, eta = np.where(s > 0, 2 * sigma_ / safe, 1.0), lam / safe  # rho^2 + eta^2 = 1
    z, root = np.exp(-s * time), np.maximum(np.exp(-s * time / 4), TINY)  # whose fourth power is below any other ratio
    spent = np.where(s > 0, -np.expm1(-s * time), time)  # s int_0^t e^{-s t'} dt', or t itself

    r0 = np.hypot(size, lam)
    larger = np.where(r0 > 0, r0 + size, 1.0)  # of p0 and q0; the other is l^2 over it
    excess = size * (1 + size / np.where(r0 > 0, r0 + lam, 1.0))  # larger - l
    with np.errstate(over="ignore"):
        half = lam / root / root
        grown = np.where(forward, larger / root / root / root / root, half * (half / larger))  # p0 / z
    late = grown > safe
    rise, wait = np.minimum(grown, safe), safe / np.where(late, grown, safe)
    q0 = np.where(forward, lam / larger * eta, larger / safe)  # in units of s
    low = eta * eta / (1 + rho)  # 1 - rho
    p_below = rise / safe * (spent + q0 / (1 + rho)) + (1 + rho) * wait
    q_below = 1 + rho + low * z + q0 * spent
    pace = rise / p_below
    p = pace * q_below

    rising = rho + rho * rho / (1 + eta) + (low + eta) * z
    ahead = pace * (2 * rho * (lam / larger) * spent + excess / larger * rising)  # p - l
    above = ahead * (1 + lam / np.where(p > 0, p, 1.0))
    span = 1 + rho + eta
    behind = (2 * rho * lam * spent - excess * (span * z - 2 * rho * eta / span)) / q_below  # l - q
    crossing = ~forward & (p > NEGLIGIBLE * lam)  # elsewhere z / l may overflow
    share = span * z / np.where(crossing & (lam > 0), lam, 1.0) * crossing
    remainder = 2 * rho * spent / q_below + excess / q_below * (2 * rho / span / safe - share)  # (l - q) / l
    below = behind + np.where(crossing, p, 0.0) * remainder
    return np.where(forward, above, below) / 4


def asymmetric_spectral(
    t: ArrayLike,
    left: ArrayLike,
    singular_values: ArrayLike,
    right: ArrayLike,
    start: ArrayLike,
    imbalance: ArrayLike,
) -> Array:
    r"""Product X(t) = sum_i x_i(t) phi_i psi_i^T of the asymmetric flow from a spectral start, Proposition 3.

    The caller gives the singular vectors, since a start is spectral in one basis, and those of a Y with
    repeated or zero singular values are not unique.

    Parameters
    ----------
    t : array_like, shape (samples,)                   times, >= 0
    left : array_like, shape (batch, m, p)             phi_i in columns
    singular_values : array_like, shape (batch, p)     sigma_i >= 0, in any order
    right : array_like, shape (batch, n, p)            psi_i in columns
    start : array_like, shape (batch, p)               x_i(0)
    imbalance : array_like, shape (batch, p)           lambda_{0,i}

    Returns
    -------
    ndarray, shape (batch, samples, m, n).
    """
    from linear_networks.kernels.spectral_modes import products

    return products(*map(_owned, (t, left, singular_values, right, start, imbalance)), NEGLIGIBLE)


def _owned(values: ArrayLike) -> Array:
    """A copy. Compiled functions are compiled anew for arrays that are read-only or lie otherwise."""
    return np.array(values, dtype=np.float64, order="C")
