"""Factors with normal entries."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.initializations.initialization import SCALE, TIED, Initialization, check_tied
from linear_networks.initializations.start import Start


class Gaussian(Initialization):
    """Independent normal entries of standard deviation `scale`; with `tied`, U(0) likewise, and V(0) = U(0), Q = 0."""

    name, label = "gaussian", "Gaussian"
    parameters = {"scale": SCALE, "tied": TIED}

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, scale: float, tied: bool = False) -> Start:
        rows, columns = data.shape
        factors = normals(rng, rows, columns, width, scale)
        if not tied:
            return Start(factors)
        return Start(np.concatenate([factors[:rows], factors[:rows]]), lambda0=0.0)

    @staticmethod
    def knows(*, tied: bool = False, **_: float) -> bool:
        return tied

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, *, tied: bool = False, **_: float) -> bool:
        return tied

    @staticmethod
    def when_wide(width: int, *, scale: float, tied: bool = False, **_: float) -> tuple[float, float] | None:
        return None if tied else (0.0, width * (scale * scale))

    @staticmethod
    def check(rows: int, columns: int, width: int, scale: float, tied: bool = False) -> None:
        check_tied(rows, columns, tied)


def normals(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float) -> Array:
    """Normal entries of standard deviation `scale`, shape (rows + columns, width).

    The draw is made column by column: a smaller width gives the first columns of a larger one.
    """
    return scale * rng.standard_normal((width, rows + columns)).T
