r"""How far the tangent kernel moves where Q has two eigenvalues.

Where Q(0) has the eigenvalues lambda0 / 2 +- h, every flow of a loss of X keeps U U^T = lambda0 / 2 + sqrt(X X^T + h^2)
and V V^T = -lambda0 / 2 + sqrt(X^T X + h^2). From X(0) = 0 the kernel E -> U U^T E + E V V^T starts at 2 h times the
identity, whatever lambda0 is, and moves by g_i = sqrt(x_i^2 + h^2) - h in the singular directions of X. So one number,
h over the size of Y, tells lazy runs from rich ones.
"""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array


def from_zero(singular_values: ArrayLike, half: ArrayLike, rows: int, columns: int) -> Array:
    """||K - K(0)|| / ||K(0)|| from X(0) = 0, sqrt((m + n) sum g_i^2 + 2 (sum g_i)^2) / (2 h sqrt(m n)).

    Parameters
    ----------
    singular_values : array_like, shape (..., p)  x_i of X; in the end those of Y
    half : array_like, shape (...)                h, half the difference of the eigenvalues of Q, > 0
    rows, columns : int                           m, n

    Returns
    -------
    ndarray, shape (...). It falls as h^-2 for large h, see `far`, and grows as h^-1 for small h.
    """
    x, h = np.asarray(singular_values, float), np.asarray(half, float)
    return _norm(x * (x / (np.hypot(x, h[..., None]) + h[..., None])), rows, columns) / (2.0 * h)


def far(singular_values: ArrayLike, half: ArrayLike, rows: int, columns: int) -> Array:
    """What `from_zero` is for large h, where g_i = x_i^2 / (2 h): a law of h^-2. Parameters as there."""
    x, h = np.asarray(singular_values, float), np.asarray(half, float)
    return _norm(x**2, rows, columns) / (2.0 * h) ** 2


def _norm(moved: Array, rows: int, columns: int) -> Array:
    """Norm of E -> A E + E B for A and B that have these eigenvalues and 0, relative to that of the identity."""
    squares, sums = np.square(moved).sum(-1), moved.sum(-1)
    return np.asarray(np.sqrt(((rows + columns) * squares + 2.0 * sums**2) / (rows * columns)))
