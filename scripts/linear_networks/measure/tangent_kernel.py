"""How far the tangent kernel of a model moves, by which it is lazy or rich, and when it has its final direction.

Kernels are given by their coordinates, see `models.tangent`.
"""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.measure.crossings import time_to

# Of the loss, what is left where learning has begun.
BEGUN = 0.95


def laziness(kernels: Array, first: Array) -> Array:
    """||K(t) - K(0)|| / ||K(0)|| of kernels; NaN where K(0) is 0, or so small that this is no number.

    Far below 1 the model is lazy, it moves as a linear one; from 1 on it is rich, it learns features.
    """
    sizes = _norm(first)
    with np.errstate(over="ignore"):
        found = _norm(kernels - first) / np.where(sizes > 0.0, sizes, np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def cosine(kernels: Array, last: Array) -> Array:
    """Cosine of K(t) and the kernel at the end; NaN where one of them is 0."""
    one, other = (part / np.where(_norm(part) > 0.0, _norm(part), np.nan)[..., None] for part in (kernels, last))
    return np.vecdot(one, other)


def alignment(times: Array, loss: Array, cosines: Array) -> Array:
    """The cosine of each run where its loss first has fallen to `BEGUN` of its start, linear between samples.

    Near 1, the kernel has found its direction before the loss has seen anything of it: silent alignment.

    Parameters
    ----------
    times : ndarray, shape (samples,)
    loss, cosines : ndarray, shape (runs, samples)

    Returns
    -------
    ndarray, shape (runs,). NaN where the loss never falls so far.
    """
    start = loss[:, 0]
    when = time_to(times, loss, np.where(start > 0.0, BEGUN * start, np.nan))
    found = [np.interp(one, times, values) for one, values in zip(when, cosines, strict=True)]
    return np.where(np.isfinite(when), found, np.nan)


def _norm(vectors: Array) -> Array:
    """Norms of numbers whose squares may be no numbers."""
    largest = np.abs(vectors).max(axis=-1)
    units = vectors / np.where(largest > 0.0, largest, 1.0)[..., None]
    return largest * np.linalg.norm(units, axis=-1)
