r"""The Riccati flow of `riccati_flow` in many digits, for starts whose rows differ by many orders.

Eigenvectors in double precision are orthogonal up to rounding only, which puts a share of the large rows of R0 into the
small ones. Where P, or the block of it that is looked at, hangs on the small ones, nothing but more digits helps.

The digits are many enough to tell a start of deficient rank, or one that is orthogonal to a mode, from one that is not:
what is zero in exact arithmetic is zero to almost all of them, and minors of double precision numbers are not so small.
A sample costs about 10 ms for N = 4, 0.1 s for N = 15 and 2 s for N = 40.
"""

import mpmath
import numpy as np
from numpy.typing import NDArray

from linear_networks.arrays import Array

TINY = float(np.finfo(np.float64).tiny)  # stands in for t = 0 where a quotient is taken
DIGITS = 400
context = mpmath.MPContext()  # its own, as the precision of `mpmath.mp` belongs to the caller
context.dps = DIGITS
NOISE = context.mpf(10) ** (40 - DIGITS)  # of a component beside its row


def riccati(t: Array, generator: Array, factor: Array) -> Array:
    """P(t) of one run, equation (53), each entry rounded once.

    Parameters
    ----------
    t : ndarray, shape (samples,)
        Times >= 0.
    generator : ndarray, shape (N, N)
        S, symmetric.
    factor : ndarray, shape (N, w)
        R0.

    Returns
    -------
    ndarray, shape (samples, N, N), symmetric.
    """
    values, vectors = context.eigsy(context.matrix(generator.tolist()))
    mu, phi = list(values), np.array(vectors.tolist())
    start = phi.T @ np.array(context.matrix(factor.tolist()).tolist())
    noise = NOISE * float(np.max(np.abs(factor)))
    product = np.empty((len(t), *generator.shape))
    for sample, time in enumerate(np.maximum(t, TINY).tolist()):
        gain = [context.expm1(2 * rate * time) / (2 * rate) if rate else context.mpf(time) for rate in mu]
        root = np.array([context.sqrt(value) for value in gain])  # D^{1/2}
        weight = np.array([context.exp(rate * time) for rate in mu]) / root  # e^{St} D^{-1/2}
        lower = _rotate(root[:, None] * start, noise * root)
        largest = np.maximum(np.max(np.abs(lower), axis=0), 1)
        scaled = lower / largest
        k = phi @ (weight[:, None] * scaled)
        metric = scaled.T @ scaled + np.diag(largest**-2)
        inverse = np.array((context.matrix(metric.tolist()) ** -1).tolist())
        product[sample] = (k @ inverse @ k.T).astype(np.float64)
    return (product + product.mT) / 2


def _rotate(rows: NDArray[np.object_], noise: NDArray[np.object_]) -> NDArray[np.object_]:
    """D^{1/2} Phi^T R0 in the gauge where each column has its largest entry in a row that ends there."""
    size = min(rows.shape)
    for j in range(size):
        squares = np.sum(rows[:, j:] ** 2, axis=1)
        lost = squares <= noise**2
        rows[lost, j:], squares[lost] = context.zero, context.zero
        pick = int(np.argmax(squares))
        if not squares[pick]:
            break
        mirror = rows[pick, j:].copy()
        mirror[0] += context.sqrt(squares[pick]) * (1 if mirror[0] >= 0 else -1)
        rows[:, j:] -= np.outer(rows[:, j:] @ mirror, mirror) * (2 / (mirror @ mirror))
        rows[pick, j + 1 :] = context.zero
    return rows[:, :size]
