r"""What two layers do from a start of vanishing scale: they go from saddle to saddle.

From factors of scale alpha -> 0 the flow learns one singular vector of Y at a time, the largest first. A mode that is
small grows as exp(2 sigma_i t) from a size of alpha^2, whatever the start has of it, so that it is learned about
log(1 / alpha) / sigma_i; between two of these times X rests at the saddle of the modes before.
"""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array


def times(singular_values: ArrayLike, scale: ArrayLike) -> Array:
    """When each mode is learned, log(1 / alpha) / sigma_i, to leading order in log(1 / alpha).

    Parameters
    ----------
    singular_values : array_like, shape (..., p)  of Y, descending
    scale : array_like, shape (...)               alpha < 1, the size of the entries of R(0)

    Returns
    -------
    ndarray, shape (..., p). Infinite where a singular value is 0; NaN where alpha is not below 1.
    """
    sigma, alpha = np.asarray(singular_values, float), np.asarray(scale, float)
    small = np.where((alpha > 0.0) & (alpha < 1.0), alpha, np.nan)[..., None]
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log(small) / sigma)


def losses(singular_values: ArrayLike) -> Array:
    """Squared loss at the saddle after each mode, the sum of sigma_j^2 / 2 over the modes j that are to come.

    Parameters as of `times`.

    Returns
    -------
    ndarray, shape (..., p). The last is 0.
    """
    halves = 0.5 * np.square(np.asarray(singular_values, float))
    return np.asarray(np.flip(np.cumsum(np.flip(halves, -1), -1), -1) - halves)
