"""What every initialization is."""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from linear_networks.arrays import Array, gaussian_norm
from linear_networks.components import Component, Parameter, Refused
from linear_networks.initializations.start import Start

SCALE = Parameter("standard deviation σ of the normal draws of the start", least=0.0, symbol="σ")
TIED = Parameter("whether V(0) = U(0), which symmetric dynamics need", bool, False, axis=False)


class Initialization(Component, ABC):
    """Base of the initializations.

    Its methods take the parameters of one point of a grid by name. One that can start with V(0) = U(0) has the
    parameter `tied`.

    Attributes
    ----------
    is_reduced : bool
        Whether its factors have min(k, m + n) columns, and are of width k but for an orthogonal factor from the right.
    """

    is_reduced: ClassVar[bool] = False

    @staticmethod
    @abstractmethod
    def draw(rng: np.random.Generator, data: Array, width: int, *_: Any, **parameters: Any) -> Start:
        """One start.

        Parameters
        ----------
        rng : numpy.random.Generator
        data : ndarray, shape (m, n)
            Y, of which most initializations use the shape only.
        width : int
            k.
        **parameters

        Returns
        -------
        Start
            With factors of shape (m + n, k).
        """

    @classmethod
    def drawn(cls, rows: int, columns: int, width: int) -> int:
        """Columns of the factors that it draws."""
        return min(width, rows + columns) if cls.is_reduced else width

    @staticmethod
    def when_wide(width: int, *_: Any, **parameters: Any) -> tuple[float, float] | None:
        """lambda0 and tau of the two eigenvalues lambda0/2 +- sqrt(lambda0^2/4 + tau^2) that Q(0) tends to with the
        width; None where it does not, or this is not known."""
        return None

    @staticmethod
    def knows(*_: Any, **parameters: Any) -> bool:
        """Whether its starts know their lambda0 or their modes at every width, so that their flow has a closed form."""
        return False

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, *_: Any, **parameters: Any) -> bool:
        """Whether what its starts know of Q tells U U^T and V V^T from X, at a shape of Y, m and n, and a width."""
        return False

    @staticmethod
    def by_mode(*_: Any, **parameters: Any) -> bool:
        """Whether its starts are diagonal in the singular basis of Y, so that every mode moves on its own."""
        return False

    @staticmethod
    def product_rank(rows: int, columns: int, width: int, *_: Any, **parameters: Any) -> int:
        """Rank of X(0) to expect for a matrix of a shape, m and n, and a width."""
        return 0 if parameters.get("scale") == 0.0 else min(width, rows, columns)

    @staticmethod
    def least_width(rows: int, columns: int) -> int:
        """The smallest width that it needs for a matrix of a shape, m and n."""
        return 1

    @staticmethod
    def check(rows: int, columns: int, width: int, *_: Any, **parameters: Any) -> None:
        """Raise Refused where there is no such start for a matrix of a shape, m and n, and a width."""

    @staticmethod
    def needs_symmetric(*_: Any, **parameters: Any) -> bool:
        """Whether Y has to be symmetric."""
        return False

    @staticmethod
    def expected_norms(rows: int, columns: int, width: int, *_: Any, **parameters: Any) -> tuple[float, float]:
        """Spectral norms to expect of U(0) and V(0)."""
        # Other starts than Gaussian ones are no larger, but for an imbalance lambda0, which is a squared norm.
        scale, root = parameters.get("scale", 0.0), np.sqrt(np.max(np.abs(parameters.get("imbalance", 0.0))))
        left, right = (float(np.hypot(scale * gaussian_norm(side, width), root)) for side in (rows, columns))
        return left, right


def with_one_column(start: Start, rows: int) -> Start:
    """The same start, with its lambda0 where it has one column: then Q(0) is a number."""
    if start.factors.shape[1] > 1 or start.lambda0 is not None:
        return start
    left, right = split(start.factors[:, 0], rows)
    return replace(start, lambda0=float(left @ left - right @ right))


def check_tied(rows: int, columns: int, tied: bool) -> None:
    """Raise Refused where V(0) = U(0) is asked for, but they have different shapes."""
    if tied and rows != columns:
        raise Refused("tied", f"V(0) = U(0) needs a square matrix, not one of {rows} x {columns}")


def split(factors: Array, rows: int) -> tuple[Array, Array]:
    """U and V of R."""
    return factors[:rows], factors[rows:]
