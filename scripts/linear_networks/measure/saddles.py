"""The saddles that a run passes, as it learns one mode after the other."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.measure.crossings import time_to


def times(samples: Array, values: Array, singular_values: Array) -> Array:
    """When each mode is half learned.

    Parameters
    ----------
    samples : ndarray, shape (samples,)
        Times.
    values : ndarray, shape (samples, p)
        Singular values of X, descending.
    singular_values : ndarray, shape (p,)
        Those of Y.

    Returns
    -------
    ndarray, shape (p,). Infinite where it never is.
    """
    return time_to(samples, values.T, singular_values / 2.0, rising=True)


def losses(samples: Array, loss: Array, times: Array) -> Array:
    """Loss in the middle between the time of each mode and that of the next.

    Parameters
    ----------
    samples, loss : ndarray, shape (samples,)
    times : ndarray, shape (p,)
        Of the modes, see `times`.

    Returns
    -------
    ndarray, shape (p,). NaN for the last, and where one of both times is not known.
    """
    middles = np.append((times[:-1] + times[1:]) / 2.0, np.nan)
    return np.where(np.isfinite(middles), np.interp(middles, samples, loss), np.nan)
