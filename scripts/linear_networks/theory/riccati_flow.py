r"""The Riccati flow dP/dt = S P + P S - P^2 of a run in plain NumPy, which `kernels.riccati_flow` compiles.

It is solved by (6), (21) and (53):

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
rounding of Phi^T R0 therefore counts as zero: first in the order of size, in which the rounding of one row does not
become a direction of another, then in that of mu. Columns without a row are left to the early times, for R0.
"""

from typing import NamedTuple

import numpy as np

from linear_networks.arrays import Array

TINY = float(np.finfo(np.float64).tiny)  # stands in for t = 0 where a logarithm or a quotient is taken


class Rules(NamedTuple):
    """The numbers that a flow goes by.

    rounding : of a component of Phi^T R0, per row of R0
    early    : largest |mu| t, and |R0|^2 t, at which e^{St} - I is used
    pivot    : smallest Cholesky pivot, of entries of order one, that keeps twelve digits
    """

    rounding: float = 4 * float(np.finfo(np.float64).eps)
    early: float = 0.5
    pivot: float = 1e-3


RULES = Rules()


def reduced(factor: Array) -> Array:
    """R0 by descending columns, so that rotations keep the digits of the small ones; no wider than it is high."""
    rows, width = factor.shape
    factor = factor[:, np.argsort(-np.linalg.norm(factor, axis=0), kind="stable")]
    return np.array(np.linalg.qr(factor.T).R.T if width > rows else factor, order="C")


def eigenbasis(left: Array, sigma: Array, right: Array, lambda0: float) -> tuple[float, Array, Array]:
    """Eigenvalues mu = base + gaps, descending, and eigenvectors Phi of S~ from the SVD of Y, Proposition 5.

    S~ = [[lambda0/2 I, Y], [Y^T, -lambda0/2 I]]: mode i rotates (phi_i, psi_i) by an angle of tangent
    tau = sigma / (|lambda0|/2 + sqrt(sigma^2 + lambda0^2/4)), with eigenvalues +-(|lambda0|/2 + sigma tau). At
    |lambda0| >> sigma the growing modes differ by sigma tau only, which this form knows to full relative accuracy.

    Parameters
    ----------
    left, sigma, right : ndarray, shapes (m, m), (min(m, n),), (n, n)
        Singular vectors of Y in columns, and its singular values.
    lambda0 : float

    Returns
    -------
    base : float
        |lambda0| / 2.
    gaps, basis : ndarray, shapes (N,), (N, N) with N = m + n
    """
    m, n, modes, half = len(left), len(right), len(sigma), lambda0 / 2
    base = abs(half)
    reach = base + np.hypot(sigma, half)
    tau = sigma / np.where(reach > 0, reach, 1.0)
    cosine = 1 / np.hypot(1.0, tau)
    u_share, v_share = (cosine, tau * cosine) if half >= 0 else (tau * cosine, cosine)
    kernel = half if m > n else -half  # of the singular vectors that Y maps to zero
    gaps = np.concatenate([sigma * tau, np.full(abs(m - n), kernel - base), (-2 * base - sigma * tau)[::-1]])
    basis = np.zeros((m + n, m + n))
    basis[:m, :modes], basis[m:, :modes] = left[:, :modes] * u_share, right[:, :modes] * v_share
    basis[:m, modes:m], basis[m:, modes:n] = left[:, modes:], right[:, modes:]
    falling = slice(None, -modes - 1, -1)
    basis[:m, falling], basis[m:, falling] = -left[:, :modes] * v_share, right[:, :modes] * u_share
    return base, gaps, basis


def flow(t: Array, base: float, gaps: Array, basis: Array, factor: Array) -> tuple[Array, bool]:
    """P(t), and whether the start misses some of the leading modes that its width has columns for.

    Logarithms are held relative to e^{base t}, so that modes that differ by less than the rounding of their
    common exponent still compete as they should.

    Parameters
    ----------
    t : ndarray, shape (samples,)
    base : float
        At least 0.
    gaps, basis : ndarray, shapes (N,), (N, N)
        S = Phi diag(base + gaps) Phi^T, gaps descending.
    factor : ndarray, shape (N, w)
        R0, w <= N, its columns by descending size.

    Returns
    -------
    product : ndarray, shape (samples, N, N)
    deficient : bool
    """
    size = float(np.max(np.abs(factor))) or 1.0
    factor = factor / size
    noise = RULES.rounding * len(gaps) * np.linalg.norm(np.abs(basis.T) @ np.abs(factor), axis=-1)
    by_size, by_speed = np.zeros(len(gaps)), -1e4 * np.arange(float(len(gaps)))
    rows = np.concatenate([basis.T @ factor, factor])
    for order in (by_size, by_speed):
        rows = _rotate(rows, order[None], noise)[0]  # [L; R0] in the gauge of L

    mu, time = base + gaps, t[:, None]
    x = np.abs(mu) * time
    span = np.maximum(time, TINY) * np.where(x > 0, -np.expm1(-2 * x) / np.where(x > 0, 2 * x, 1.0), 1.0)
    growth = np.where(mu > 0, gaps, -base) * time + np.log(span) / 2 + np.log(size)  # log D^{1/2} |R0|
    early = np.maximum(np.max(x, axis=-1), size**2 * t) <= RULES.early
    late_weight = np.exp(np.minimum(mu, 0.0) * time) / np.sqrt(span)  # F
    early_weight = np.sign(mu) * np.sqrt(2 * np.abs(mu) * np.tanh(x / 2))  # f
    weight = np.where(early[:, None], early_weight, late_weight)
    one = -base * t  # log 1
    kept = np.where(early, size, 0.0)

    product, pivot = _assemble(rows, basis, growth, weight, one, kept)
    redo = pivot < RULES.pivot
    if redo.any():
        rotated = _rotate(rows, growth[redo], noise)
        product[redo], _ = _assemble(rotated, basis, growth[redo], weight[redo], one[redo], kept[redo])
    return product, bool(np.any(np.diagonal(rows) == 0))


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
        row *= np.where(pivots[j] >= RULES.pivot, 1 / np.sqrt(np.maximum(pivots[j], RULES.pivot)), 0.0)
        for i in range(j + 1, width):
            sweep[i, i:] -= row[i - j] * row[i - j :]
    z = np.ascontiguousarray(sweep[:, width:].transpose(2, 0, 1))
    return np.matmul(z.mT, z), np.min(pivots, axis=0)


def _rotate(rows: Array, growth: Array, noise: Array) -> Array:
    """[L; R0] in the gauge of each sample: the mode that has outgrown the rest by then has the first column.

    A Householder LQ of L that picks its rows by what is left of them, weighted by D^{1/2}, of which `growth` is the
    logarithm, shape (samples, N). No entry exceeds the pivot of its column, so that the scaled columns are far from
    dependent. It costs more than the gauge of L, and is needed where a fast mode starts far behind a slow one.
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
