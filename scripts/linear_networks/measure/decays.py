"""The convergence rates of many trajectories at once."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linear_networks.arrays import Array, Index
from linear_networks.kernels import decays
from linear_networks.measure.decay import (
    DISAGREEMENT,
    FLOOR,
    NO_DECAY,
    NO_FIT,
    NOISE,
    NOT_CONVERGED,
    RESOLUTION,
    RULES,
    TOO_FEW,
)

# In the order of their codes.
REASONS = np.array([None, NOT_CONVERGED, TOO_FEW, FLOOR, NO_DECAY, NO_FIT], dtype=object)
PARTS = np.array([NOISE, RESOLUTION, DISAGREEMENT], dtype=object)


class Decays(NamedTuple):
    """Measured rates, each attribute of shape (trajectories,), with the meanings of `decay.Measured`."""

    rate: Array
    uncertainty: Array
    start: Array
    end: Array
    points: Index
    exponents: Index
    limited_by: NDArray[np.object_]
    reason: NDArray[np.object_]


def measure(
    times: Sequence[Array],
    distances: Sequence[Array],
    floors: Array,
    step_sizes: Array,
    *,
    fraction: float = 0.1,
    largest_uncertainty: float = 0.2,
) -> Decays:
    """What `decay.measure` gives for each of many trajectories.

    Parameters
    ----------
    times, distances : sequence of ndarray, of each trajectory of shape (samples,)
    floors, step_sizes : ndarray, shape (trajectories,)
    fraction, largest_uncertainty : float

    Returns
    -------
    Decays
    """
    ends = np.cumsum([len(distance) for distance in distances], dtype=np.int64)
    t, distance = (np.concatenate([np.empty(0), *parts]) for parts in (times, distances))
    numbers, codes = decays.measure(
        t, distance, ends, floors, step_sizes, float(fraction), float(largest_uncertainty), RULES
    )
    limited_by = PARTS[codes[:, 3]]
    limited_by[codes[:, 0] != decays.RATE] = None
    rate, uncertainty, start, end = numbers.T
    return Decays(rate, uncertainty, start, end, codes[:, 1], codes[:, 2], limited_by, REASONS[codes[:, 0]])
