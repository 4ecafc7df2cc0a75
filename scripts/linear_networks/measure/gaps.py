"""How far two trajectories are apart."""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, squared_norm


def trapezoidal(times: ArrayLike) -> Array:
    """Weights of the trapezoidal rule over some times, shape (samples,)."""
    steps = np.diff(np.asarray(times, dtype=np.float64)) / 2.0
    return np.append(steps, 0.0) + np.append(0.0, steps)


def relative(products: Array, others: Array) -> Array:
    """||B - A||_F / ||A||_F at every time, shape (samples,), of A and B of shape (samples, ...); 0 where A is 0."""
    gaps, sizes = np.sqrt(squared_norm(others - products)), np.sqrt(squared_norm(products))
    return np.divide(gaps, sizes, out=np.zeros_like(gaps), where=sizes > 0)


def mean_square(times: ArrayLike, products: Array, others: Array) -> float:
    """Root of the integral of ||B - A||_F^2 over t relative to that of ||A||_F^2, by the trapezoidal rule.

    Parameters
    ----------
    times : array_like, shape (samples,)
    products, others : ndarray, shape (samples, ...)
        A(t) and B(t).

    Returns
    -------
    float. 0 where A and B are the same, and infinite where A alone is 0 throughout.
    """
    weights = trapezoidal(times)
    gap, size = (float(weights @ squared_norm(part)) for part in (others - products, products))
    return 0.0 if gap == 0.0 else float(np.sqrt(np.divide(gap, size))) if size > 0.0 else float(np.inf)
