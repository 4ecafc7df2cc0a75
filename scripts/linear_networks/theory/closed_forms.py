r"""Closed forms of gradient flow on linear and two-layer linear models, for any time and any start.

The factorized flows are one Riccati equation, dP/dt = S P + P S - P^2, solved by (6), (21) and (53):

    P(t) = e^{St} R0 (I + R0^T D R0)^{-1} R0^T e^{St},     D = (e^{2St} - I) / (2S).

Taken literally this overflows, and long before that it loses every digit that tells a mode from a faster one.
Three facts about Phi^T R0, the start in the eigenbasis of S = Phi diag(mu) Phi^T, make it safe:

- P depends on R0 R0^T only, so R0 may be rotated from the right, until Phi^T R0 is a lower trapezoidal L, its
  rows by descending mu. Then the fastest mode has one column, the second fastest two, and so on: what escapes
  from the origin later is not hidden behind what escaped before, whatever the ratio of their exponentials.
- A column of D^{1/2} L may be divided by its largest entry, in logarithms. Exponentials that are left decay.
- e^{St} = D^{1/2} F with F^2 = 2 mu / (1 - e^{-2 mu t}), which is bounded. Early on, e^{St} - I = D^{1/2} f
  with f^2 = 2 mu tanh(mu t / 2) adds to R0 what it gains only, so that P(0) = R0 R0^T has all its digits.

A start that is orthogonal to a growing mode, or of deficient rank, stays so for ever. In floating point it is
so only up to rounding, which e^{St} would blow up into an escape that never happens. What lies below the
rounding of Phi^T R0 therefore counts as zero.

Where rows of R0 differ by many orders, the small ones are lost in that rounding, and with them what hangs on
them: those starts go to `many_digits`, which is slower by far.
"""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, Mask
from linear_networks.theory import small_products
from linear_networks.theory.graded import is_graded

TINY = float(np.finfo(np.float64).tiny)  # stands in for t = 0 where a logarithm or a quotient is taken
ROUNDING = 4 * float(np.finfo(np.float64).eps)  # of a component of Phi^T R0, per row of R0
EARLY = 0.5  # largest |mu| t, and |R0|^2 t, at which e^{St} - I is used
NEGLIGIBLE = 1e-20  # beside one
PIVOT = 1e-3  # smallest Cholesky pivot, of entries of order one, that keeps twelve digits


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
    s, r0 = np.asarray(generator, dtype=np.float64), np.asarray(factor, dtype=np.float64)
    values, basis = np.linalg.eigh(s)
    product = _solve(t, np.zeros(len(values)), values, basis, _reduced(r0))[0]
    for run in np.flatnonzero(is_graded(r0)):
        from linear_networks.theory import many_digits

        product[run] = many_digits.riccati(np.asarray(t, dtype=np.float64), s[run], r0[run])
    return product


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


def regularized(
    t: ArrayLike,
    data: ArrayLike,
    factors: ArrayLike,
    lambda0: ArrayLike,
    many: bool = True,
) -> Array:
    r"""P(t) = R R^T of the regularized flow (19) with Q0 replaced by lambda0 I, equation (21).

    It is the flow of the unregularized problem (10) wherever U0^T U0 - V0^T V0 = lambda0 I.

    Parameters
    ----------
    t : array_like, shape (samples,)               times, >= 0
    data : array_like, shape (batch, m, n)         Y
    factors : array_like, shape (batch, m + n, w)  R0 = [U0; V0]
    lambda0 : array_like, shape (batch,)
    many : bool
        Whether starts whose rows differ by many orders get the digits of `many_digits`, at its cost.

    Returns
    -------
    ndarray, shape (batch, samples, m + n, m + n). The product X is P[..., :m, m:].

    Notes
    -----
    S = [[lambda0/2 I, Y], [Y^T, -lambda0/2 I]] is diagonalized from the SVD of Y: mode i rotates (phi_i,
    psi_i) by an angle of tangent tau = sigma / (|lambda0|/2 + sqrt(sigma^2 + lambda0^2/4)), with eigenvalues
    +-(|lambda0|/2 + sigma tau). At |lambda0| >> sigma the growing modes differ by sigma tau only, which this
    form knows to full relative accuracy. Where X is far smaller than P it comes from `small_products`, so that it
    has its own digits, and P from `many_digits` where rows of U0, or of V0, differ by many orders.

    References
    ----------
    Proposition 5.
    """
    y = np.asarray(data, dtype=np.float64)
    half = np.asarray(lambda0, dtype=np.float64)[:, None] / 2
    m, n = y.shape[-2:]
    modes, base = min(m, n), np.abs(half)
    left, sigma, right_t = np.linalg.svd(y, full_matrices=True)
    phi, psi = left, right_t.mT

    reach = base + np.hypot(sigma, half)
    tau = sigma / np.where(reach > 0, reach, 1.0)
    cosine = 1 / np.hypot(1.0, tau)
    major, minor = cosine[:, None, :], (tau * cosine)[:, None, :]
    forward = half[:, None] >= 0
    u_share, v_share = np.where(forward, major, minor), np.where(forward, minor, major)

    basis = np.zeros((len(y), m + n, m + n))
    basis[:, :m, :modes], basis[:, m:, :modes] = phi[..., :modes] * u_share, psi[..., :modes] * v_share
    basis[:, :m, modes : 2 * modes] = phi[..., :modes] * -v_share
    basis[:, m:, modes : 2 * modes] = psi[..., :modes] * u_share
    basis[:, :m, 2 * modes : m + modes], basis[:, m:, m + modes :] = phi[..., modes:], psi[..., modes:]

    kernel = half if m > n else -half  # of the singular vectors that Y maps to zero
    gaps = np.concatenate(
        [sigma * tau, -2 * base - sigma * tau, np.broadcast_to(kernel - base, (len(y), abs(m - n)))], axis=-1
    )
    reduced, time = _reduced(factors), np.asarray(t, dtype=np.float64)
    gramian, deficient = _solve(time, base[:, 0], gaps, basis, reduced)
    r0 = np.asarray(factors, dtype=np.float64)
    graded = is_graded(r0[:, :m], r0[:, m:])
    limits = np.where(deficient, EARLY, small_products.GROWTH)[:, None]
    able = np.hypot(sigma, half).max(axis=-1, keepdims=True) * time <= limits
    for run, solved in enumerate(gramian):
        if many and graded[run]:
            diagonal = np.diag(np.repeat([half[run, 0], -half[run, 0]], [m, n]))
            diagonal[:m, m:], diagonal[m:, :m] = y[run], y[run].T
            from linear_networks.theory import many_digits

            solved[:] = many_digits.riccati(time, diagonal, r0[run])
            continue
        again = able[run] & small_products.is_small(solved, m, float(tau[run].max()))
        if again.any():
            solved[again, :m, m:] = small_products.product(
                time[again], left[run], sigma[run], psi[run], reduced[run], 2 * float(half[run, 0])
            )
            solved[again, m:, :m] = solved[again, :m, m:].mT
    return gramian


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
    phi, psi = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    modes = [np.asarray(value, dtype=np.float64)[:, None] for value in (singular_values, imbalance, start)]
    x = spectral_mode(np.asarray(t, dtype=np.float64)[:, None], *modes)
    product: Array = np.matmul(phi[:, None] * x[:, :, None], psi[:, None].mT)
    return product


def _reduced(factor: ArrayLike) -> Array:
    """R0 by descending columns, so that rotations keep the digits of the small ones; no wider than it is high."""
    factor = np.asarray(factor, dtype=np.float64)
    order = np.argsort(-np.linalg.norm(factor, axis=-2), axis=-1, kind="stable")
    factor = np.take_along_axis(factor, order[:, None], axis=-1)
    if factor.shape[-1] > factor.shape[-2]:
        factor = np.linalg.qr(factor.mT).R.mT
    return factor


def _solve(t: ArrayLike, base: Array, gaps: Array, basis: Array, factor: Array) -> tuple[Array, Mask]:
    """Riccati flow of each run, S = Phi diag(base + gaps) Phi^T, and whether its start is of deficient rank.

    base >= 0 is (batch,), gaps (batch, N), factor (batch, N, w) with w <= N.
    """
    time = np.asarray(t, dtype=np.float64)
    order = np.argsort(-gaps, axis=-1, kind="stable")
    gaps = np.take_along_axis(gaps, order, axis=-1)
    basis = np.take_along_axis(basis, order[:, None], axis=-1)
    product = np.empty((len(gaps), len(time), gaps.shape[-1], gaps.shape[-1]))
    deficient = np.empty(len(gaps), dtype=np.bool_)
    for run in range(len(gaps)):  # a run fits in the cache, and its numbers do not depend on its neighbours
        product[run], deficient[run] = _flow(time, float(base[run]), gaps[run], basis[run], factor[run])
    return product, deficient


def _flow(t: Array, base: float, gaps: Array, basis: Array, factor: Array) -> tuple[Array, bool]:
    """P(t) of one run, shape (samples, N, N); gaps descend, factor is (N, w) with w <= N.

    Logarithms are held relative to e^{base t}, so that modes that differ by less than the rounding of their
    common exponent still compete as they should.
    """
    size = float(np.max(np.abs(factor))) or 1.0
    factor = factor / size
    rows = np.linalg.qr(np.concatenate([basis.T @ factor, factor]).T).R.T  # [L; R0] in the gauge of L
    noise = ROUNDING * len(gaps) * np.linalg.norm(np.abs(basis.T) @ np.abs(factor), axis=-1)
    deficient = bool(np.any(np.abs(np.diagonal(rows)) <= noise[: rows.shape[-1]]))

    mu, time = base + gaps, t[:, None]
    x = np.abs(mu) * time
    span = np.maximum(time, TINY) * np.where(x > 0, -np.expm1(-2 * x) / np.where(x > 0, 2 * x, 1.0), 1.0)
    growth = np.where(mu > 0, gaps, -base) * time + np.log(span) / 2 + np.log(size)  # log D^{1/2} |R0|
    early = np.maximum(np.max(x, axis=-1), size**2 * t) <= EARLY
    late_weight = np.exp(np.minimum(mu, 0.0) * time) / np.sqrt(span)  # F
    early_weight = np.sign(mu) * np.sqrt(2 * np.abs(mu) * np.tanh(x / 2))  # f
    weight = np.where(early[:, None], early_weight, late_weight)
    one = -base * t  # log 1
    kept = np.where(early, size, 0.0)

    product, pivot = _assemble(rows, basis, growth, weight, one, kept)
    redo = (pivot < PIVOT) | (deficient & ~early)
    if redo.any():
        rotated = _rotate(rows, growth[redo], noise)
        product[redo], _ = _assemble(rotated, basis, growth[redo], weight[redo], one[redo], kept[redo])
    return product, deficient


def _assemble(
    rows: Array,
    basis: Array,
    growth: Array,
    weight: Array,
    one: Array,
    kept: Array,
) -> tuple[Array, Array]:
    """P at each time, and the smallest Cholesky pivot on the way; rows is (2N, w) or (samples, 2N, w).

    With e^{c_j} the largest entry of column j of [D^{1/2} L; I] and M = D^{1/2} L e^{-c}, P is
    K (e^{-2c} + M^T M)^{-1} K^T, where K = Phi F M, or R0 e^{-c} + Phi f M while it is early.
    """
    size, width = len(basis), rows.shape[-1]
    lower, start = rows[..., :size, :], rows[..., size:, :]
    present = lower != 0
    logs = np.where(present, np.log(np.where(present, np.abs(lower), 1.0)), -np.inf)
    largest = np.maximum(one[:, None], np.max(logs + growth[:, :, None], axis=-2))
    scaled = lower * np.exp(np.minimum(growth[:, :, None] - largest[:, None], 700.0))  # 700: where lower = 0
    unit = np.exp(one[:, None] - largest)
    k = np.matmul(basis, weight[:, :, None] * scaled) + (kept[:, None] * unit)[:, None] * start

    # Cholesky C C^T of the w x w matrix and Z = C^{-1} K^T in one sweep, the samples innermost
    sweep = np.empty((width, width + size, len(one)))
    sweep[:, :width] = np.matmul(scaled.mT, scaled).transpose(1, 2, 0)
    sweep[:, width:] = k.transpose(2, 1, 0)
    sweep[range(width), range(width)] += unit.T**2
    pivots = np.empty((width, len(one)))
    for j in range(width):
        row, pivots[j] = sweep[j, j:], sweep[j, j]
        row *= np.where(pivots[j] >= PIVOT, 1 / np.sqrt(np.maximum(pivots[j], PIVOT)), 0.0)
        for i in range(j + 1, width):
            sweep[i, i:] -= row[i - j] * row[i - j :]
    z = np.ascontiguousarray(sweep[:, width:].transpose(2, 0, 1))
    return np.matmul(z.mT, z), np.min(pivots, axis=0)


def _rotate(rows: Array, growth: Array, noise: Array) -> Array:
    """[L; R0] in the gauge of each sample: the mode that has outgrown the rest by then has the first column.

    A Householder LQ of L that picks its rows by what is left of them, weighted by D^{1/2}. No entry exceeds
    the pivot of its column, so that the scaled columns are far from dependent. It costs more than the gauge
    of L, and is needed where a fast mode starts far behind a slow one, or where the rank is below the width.
    """
    rows = np.repeat(rows[None], len(growth), axis=0)
    samples, size = np.arange(len(growth)), growth.shape[-1]
    for j in range(rows.shape[-1]):
        rest = rows[:, :size, j:]
        length = np.linalg.norm(rest, axis=-1)
        found = length > noise
        rest[~found] = 0.0
        pick = np.argmax(np.where(found, np.log(np.where(found, length, 1.0)) + growth, -np.inf), axis=-1)
        mirror = rest[samples, pick]
        mirror[:, 0] += np.copysign(np.linalg.norm(mirror, axis=-1), mirror[:, 0])
        square = np.sum(mirror**2, axis=-1)
        mirror *= np.sqrt(2 / np.where(square > 0, square, 2.0))[:, None]
        rows[:, :, j:] -= np.matmul(rows[:, :, j:], mirror[:, :, None]) * mirror[:, None]
        rows[samples, pick, j + 1 :] = 0.0
    return rows
