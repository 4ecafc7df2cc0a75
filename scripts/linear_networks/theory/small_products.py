r"""The product X of the regularized flow (19) where it is far smaller than the Gramian P that it is a block of.

The rows of U and V are then nearly orthogonal, and X = U V^T is what is left of sums of much larger terms. In the
singular basis of Y, (21) separates what makes X from what it is left of. With omega^2 = sigma^2 + lambda0^2/4 and
lambda0 >= 0, for each singular vector

    theta = sinh(omega t) / (omega cosh(omega t) + lambda0/2 sinh(omega t)),
    a = cosh(omega t) + lambda0/(2 omega) sinh(omega t),
    W = a (U0 + sigma theta V0),
    M = I + W^T theta W + V0^T theta V0,
    P = K M^{-1} K^T,     K = [W; sigma theta W + V0 / a],
    X = (W M^{-1} W^T) sigma theta + W M^{-1} V0^T / a.

The first term of X is positive semidefinite but for a diagonal. The second is small if W V0^T is, once M^{-1} is
written so that W and V0 meet in this product only: R0 is rotated from the right until V0 = [B 0], and what is
beside B is eliminated first. Where lambda0 < 0, U and V change places.
"""

import numpy as np

from linear_networks.arrays import Array, Index, Mask

SMALL = 1e-3  # of X beside what it is left of
GROWTH = 300.0  # largest omega t whose exponential can be squared
TINY = float(np.finfo(np.float64).tiny)


def is_small(sizes: Array, mixing: float) -> Mask:
    """Whether X has lost digits as a block of P, per sample.

    Parameters
    ----------
    sizes : ndarray, shape (samples, 3)
        Traces of U U^T and V V^T, and ||X||_F^2, of P(t) from the eigenbasis of its generator.
    mixing : float
        Tangent of the largest angle by which an eigenvector mixes the rows of U with those of V.
    """
    u, v, square = sizes.T
    small: Mask = np.sqrt(square) < SMALL * (np.sqrt(u * v) + mixing * (u + v))
    return small


def product(t: Array, left: Array, sigma: Array, right: Array, factors: Array, lambda0: float) -> Array:
    """X(t) of one run.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Times >= 0, at most GROWTH / omega.
    left, sigma, right : ndarray, shapes (m, m), (min(m, n),), (n, n)
        Singular vectors of Y in columns, and its singular values.
    factors : ndarray, shape (m + n, w)
        R0 = [U0; V0], its columns by descending size.
    lambda0 : float

    Returns
    -------
    ndarray, shape (samples, m, n).
    """
    m, n = len(left), len(right)
    if lambda0 < 0:
        swapped = np.concatenate([factors[m:], factors[:m]])
        return product(t, right, sigma, left, swapped, -lambda0).mT
    u, v = _split(left.T @ factors[:m], right.T @ factors[m:])
    sigma = np.pad(sigma, (0, max(m, n) - len(sigma)))
    theta, a = _mode(np.maximum(t, TINY)[:, None], np.hypot(sigma, lambda0 / 2), lambda0 / 2)
    root, gain = np.sqrt(theta), sigma * theta
    common, inner = min(m, n), v.shape[1]

    w = np.repeat(u[None], len(t), axis=0)
    w[:, :common, :inner] += gain[:, :common, None] * v[:common]
    w *= (root * a)[:, :m, None]  # theta^{1/2} W
    eliminate = _narrow if u.shape[1] <= m else _wide
    half, second = eliminate(w[..., :inner], w[..., inner:], v, root[:, :n, None] * v)
    half /= root[:, None, :m]
    found = second / root[:, :m, None] / a[:, None, :n]
    found[..., :common] += half.mT @ half[..., :common] * gain[:, None, :common]
    rotated: Array = left @ found @ right.T
    return rotated


def _split(u: Array, v: Array) -> tuple[Array, Array]:
    """U0, and the columns B of V0 = [B 0], in a common gauge; B is lower trapezoidal but for the order of its rows."""
    order = np.argsort(-np.linalg.norm(v, axis=1), kind="stable")
    turn, upper = np.linalg.qr(v[order].T, mode="complete")
    inner = np.empty((len(v), min(v.shape)))
    inner[order] = upper.T[:, : inner.shape[1]]
    return u @ turn, inner


def _mode(t: Array, omega: Array, half: float) -> tuple[Array, Array]:
    """theta and a of each singular vector, shape (samples, vectors); half is lambda0 / 2."""
    moving = omega > 0
    safe = np.where(moving, omega, 1.0)
    decayed, lost = np.exp(-2 * omega * t), -np.expm1(-2 * omega * t)
    theta = np.where(moving, lost / np.where(moving, omega * (1 + decayed) + half * lost, 1.0), t)
    return theta, np.exp(omega * t) * ((1 + decayed) + half / safe * lost) / 2


def _narrow(first: Array, second: Array, v: Array, weighted: Array) -> tuple[Array, Array]:
    """Half of W M^{-1} W^T, and W M^{-1} V0^T, W of at most as many columns as rows.

    Parameters
    ----------
    first, second : ndarray, shapes (samples, m, inner), (samples, m, w - inner)
        theta^{1/2} W beside B, and beside the zero columns of V0.
    v, weighted : ndarray, shapes (n, inner), (samples, n, inner)
        B, theta^{1/2} B.

    Returns
    -------
    ndarrays, shapes (samples, w, m), (samples, m, n), each to be divided by theta^{1/2} on the side of m.
    """
    half, cut, order = _ridge(second)
    reduced = _forward(cut, _rows(first, order))  # M without `second` is I + B^T theta B + reduced^T reduced
    turn = np.linalg.qr(_rows(reduced, _by_size(reduced)).mT, mode="complete").Q
    reduced, v, weighted = reduced @ turn, v @ turn, weighted @ turn
    identity = np.broadcast_to(np.eye(v.shape[-1]), (len(v), *[v.shape[-1]] * 2))
    metric = _triangle(np.concatenate([reduced, weighted, identity], axis=-2))
    w_rows = _forward(metric, _rows(_backward(cut, reduced), np.argsort(order, axis=-1)).mT)
    return np.concatenate([half, w_rows], axis=-2), w_rows.mT @ _forward(metric, v.mT)


def _wide(first: Array, second: Array, v: Array, weighted: Array) -> tuple[Array, Array]:
    """As `_narrow`, for W of more columns than rows, whose rows are independent."""
    identity = np.broadcast_to(np.eye(v.shape[-1]), (len(first), *[v.shape[-1]] * 2))
    metric = _triangle(np.concatenate([weighted, identity], axis=-2))
    first = _forward(metric, first.mT).mT
    half, cut, order = _ridge(np.concatenate([first, second], axis=-1))
    overlap = first @ _forward(metric, np.broadcast_to(v, (len(first), *v.shape)).mT)
    solved = _backward(cut, _forward(cut, _rows(overlap, order)))
    return half, _rows(solved, np.argsort(order, axis=-1))


def _ridge(matrix: Array) -> tuple[Array, Array, Index]:
    """Half of J (I + J^T J)^{-1} J^T, as Z of Z^T Z, and T of T^T T = I + J J^T with the order of its rows."""
    order = _by_size(matrix)
    lower = np.linalg.qr(_rows(matrix, order).mT).R.mT
    rows, width = lower.shape[-2:]
    tall, wide = (np.broadcast_to(np.eye(size), (len(lower), size, size)) for size in (width, rows))
    half = _forward(_triangle(np.concatenate([lower, tall], axis=-2)), lower.mT)
    cut = _triangle(np.concatenate([lower.mT, wide], axis=-2))
    return np.take_along_axis(half, np.argsort(order, axis=-1)[:, None], axis=-1), cut, order


def _by_size(matrix: Array) -> Index:
    """Index of the rows, the largest first: eliminated so, small rows keep their digits."""
    return np.argsort(-np.linalg.norm(matrix, axis=-1), axis=-1, kind="stable")


def _rows(matrix: Array, order: Index) -> Array:
    return np.take_along_axis(matrix, order[..., None], axis=-2)


def _triangle(matrix: Array) -> Array:
    """R of the QR factors, eliminated from the largest row on."""
    upper: Array = np.linalg.qr(_rows(matrix, _by_size(matrix))).R
    return upper


def _forward(upper: Array, right: Array) -> Array:
    """T^{-T} times a matrix, for an upper triangular T."""
    solved = np.array(np.broadcast_to(right, (len(upper), *right.shape[-2:])))
    for i in range(upper.shape[-1]):
        solved[:, i] /= upper[:, i, i, None]
        solved[:, i + 1 :] -= upper[:, i, i + 1 :, None] * solved[:, i, None]
    return solved


def _backward(upper: Array, right: Array) -> Array:
    """T^{-1} times a matrix, for an upper triangular T."""
    solved = right.copy()
    for i in reversed(range(upper.shape[-1])):
        solved[:, i] /= upper[:, i, i, None]
        solved[:, :i] -= upper[:, :i, i, None] * solved[:, i, None]
    return solved
