"""When a sampled quantity comes to a level."""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array


def time_to(times: ArrayLike, values: ArrayLike, levels: ArrayLike, *, rising: bool = False) -> Array:
    """Time at which each run first is at its level or beyond it, exact where it is exponential between samples.

    Parameters
    ----------
    times : array_like, shape (samples,) or (runs, samples)
        Increasing.
    values : array_like, shape (runs, samples)
        NaN where a run was not observed.
    levels : array_like, shape (runs,) or ()
    rising : bool
        Whether beyond is above.

    Returns
    -------
    ndarray, shape (runs,). The logarithm is taken as linear between two samples, the quantity itself where one of them,
    or the level, is not positive. The first time where the quantity is beyond the level from the start; infinite where
    it never is.
    """
    values = np.asarray(values, dtype=float)
    times, levels = np.broadcast_to(times, values.shape), np.broadcast_to(levels, len(values))
    beyond = values >= levels[:, None] if rising else values <= levels[:, None]
    after = beyond.argmax(axis=1)
    found = np.where(beyond.any(axis=1), times[:, 0], np.inf)
    # Only of these, a time lies between two samples.
    runs = np.flatnonzero(after)
    after, wanted = after[runs], levels[runs]
    start, end = (times[runs, place] for place in (after - 1, after))
    ends = np.stack([values[runs, after - 1], values[runs, after], wanted])
    positive = (ends > 0.0).all(axis=0)
    before, behind, wanted = np.where(positive, np.log(ends, out=np.zeros_like(ends), where=ends > 0.0), ends)
    found[runs] = start + (end - start) * (wanted - before) / (behind - before)
    return found
