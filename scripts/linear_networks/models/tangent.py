"""Tangent kernels: the map by which X moves under a force E, as a vector.

Of two layers it is E -> A E + E B with A = U U^T and B = V V^T: a matrix of side m n, that is never formed. With
a = tr A / m, b = tr B / n and traceless A' = A - a I and B' = B - b I, it is E -> A' E + E B' + (a + b) E, three parts
that are orthogonal to each other in the Frobenius norm of maps, of norms sqrt(n) ||A'||_F, sqrt(m) ||B'||_F and
sqrt(m n) |a + b|. So coordinates as few as the entries of A and B have the inner products of the maps.
"""

import numpy as np

from linear_networks.arrays import Array


def coordinates(left: Array, right: Array) -> Array:
    """Coordinates of E -> A E + E B, shape (batch, m^2 + n^2 + 1), of A and B, (batch, m, m) and (batch, n, n)."""
    (one, a), (other, b) = _parts(left), _parts(right)
    rows, columns = left.shape[1], right.shape[1]
    return np.concatenate([np.sqrt(columns) * one, np.sqrt(rows) * other, np.sqrt(rows * columns) * (a + b)], axis=1)


def symmetric_coordinates(side: Array) -> Array:
    """Coordinates of E -> A E + E A of symmetric E, shape (batch, m^2 + 1), of A, shape (batch, m, m).

    Over pairs i <= j of eigenvalues of A, its squared norm is the sum of (a_i + a_j)^2.
    """
    part, mean = _parts(side)
    size = side.shape[1]
    return np.concatenate([np.sqrt(size + 2.0) * part, np.sqrt(2.0 * size * (size + 1.0)) * mean], axis=1)


def _parts(side: Array) -> tuple[Array, Array]:
    """Entries of the traceless part, shape (batch, m^2), and the mean of the diagonal, shape (batch, 1)."""
    mean = np.trace(side, axis1=1, axis2=2)[:, None] / side.shape[1]
    return (side - mean[:, :, None] * np.eye(side.shape[1])).reshape(len(side), -1), mean
