"""Factors that are diagonal in the singular basis of Y."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, gaussian_norm
from linear_networks.components import Parameter, Refused
from linear_networks.initializations.initialization import TIED, Initialization, check_tied
from linear_networks.initializations.start import Modes, Start
from linear_networks.matrices.source import LARGEST


class Spectral(Initialization):
    """Factors that are diagonal in the singular basis of Y (Definitions 1 and 3, at G = I).

    The modes xᵢ(0) = uᵢvᵢ are `products`, or `scale` times the sizes of normal draws; uᵢ² − vᵢ² is `imbalance`. Where
    k < min(m, n), the modes past the k-th start at 0 and stay there. With `tied`, the eigenbasis of Y, eigenvalues
    descending, is that of both factors.
    """

    name, label = "spectral", "spectral"
    parameters = {
        "scale": Parameter(
            "modes of X(0) are this number times the sizes of normal draws", default=None, least=0.0, symbol="σ"
        ),
        "products": Parameter(
            "modes of X(0), for the singular values of Y in descending order",
            default=None,
            least=-LARGEST,
            most=LARGEST,
            vector=True,
        ),
        "imbalance": Parameter(
            "λ₀ of every mode of the start, or a list of one number a mode",
            least=-LARGEST,
            most=LARGEST,
            vector=None,
            symbol="λ₀",
        ),
        "tied": TIED,
    }

    @staticmethod
    def draw(
        rng: np.random.Generator,
        data: Array,
        width: int,
        imbalance: ArrayLike,
        scale: float | None = None,
        products: ArrayLike | None = None,
        tied: bool = False,
    ) -> Start:
        size = min(data.shape)
        if products is None:
            products = scale * np.abs(rng.standard_normal(size))
        left, values, right = _eigenbasis(data) if tied else _singular_basis(data)
        kept = np.arange(size) < width
        x = np.where(kept, products, 0.0)
        gap = np.where(kept, imbalance, 0.0)
        u, v = _modes_of_factors(x, gap)
        factors = np.concatenate([left * u, right * v])[:, :width]
        factors = np.pad(factors, ((0, 0), (0, width - factors.shape[1])))
        # Eigenvalues can be negative: then the modes are not those of a singular basis, but the start is balanced.
        modes = None if tied else Modes(left, values, right, x, gap)
        return Start(factors, lambda0=None if np.any(gap) else 0.0, modes=modes)

    @staticmethod
    def knows(**_: Any) -> bool:
        return True

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, *, imbalance: ArrayLike, **_: Any) -> bool:
        return not np.any(imbalance)

    @staticmethod
    def by_mode(**_: Any) -> bool:
        return True

    @staticmethod
    def product_rank(
        rows: int,
        columns: int,
        width: int,
        scale: float | None = None,
        products: ArrayLike | None = None,
        **_: Any,
    ) -> int:
        drawn = 0.0 if scale == 0.0 else 1.0
        modes = np.broadcast_to(drawn if products is None else products, min(rows, columns))
        return int(np.count_nonzero(modes[:width]))

    @staticmethod
    def check(
        rows: int,
        columns: int,
        width: int,
        imbalance: float | list[float],
        scale: float | None = None,
        products: list[float] | None = None,
        tied: bool = False,
    ) -> None:
        check_modes(rows, columns, scale, products)
        _check_length("imbalance", imbalance, min(rows, columns))
        check_tied(rows, columns, tied)
        if tied and np.any(imbalance):
            raise Refused("imbalance", "tied factors are balanced: write 0.0")
        if tied and products is not None and min(products) < 0:
            raise Refused("products", "tied factors have X(0) = U U^T: write >= 0")

    @staticmethod
    def needs_symmetric(*, tied: bool = False, **_: Any) -> bool:
        return tied

    @staticmethod
    def expected_norms(
        rows: int,
        columns: int,
        width: int,
        *,
        imbalance: ArrayLike = 0.0,
        scale: float | None = None,
        products: ArrayLike | None = None,
        **_: Any,
    ) -> tuple[float, float]:
        drawn = (scale or 0.0) * gaussian_norm(min(rows, columns), 1)
        largest = drawn if products is None else np.max(np.abs(products))
        left, right = _modes_of_factors(np.array(largest), np.array(np.max(np.abs(imbalance))))
        return float(left), float(left)


def check_modes(rows: int, columns: int, scale: float | None, products: ArrayLike | None) -> None:
    """Raise Refused unless X(0) has a scale, or one number a mode."""
    if scale is None and products is None:
        raise Refused("scale", "missing; write scale, or products for the modes of X(0)")
    if scale is not None and products is not None:
        raise Refused("scale", "is of no use beside products; leave one of them out")
    _check_length("products", products, min(rows, columns))


def _check_length(key: str, value: Any, modes: int) -> None:
    if isinstance(value, list) and len(value) != modes:
        raise Refused(key, f"{len(value)} numbers for {modes} modes; write one for each")


def _singular_basis(data: Array) -> tuple[Array, Array, Array]:
    left, values, right = np.linalg.svd(data, full_matrices=False)
    return left, values, right.T


def _eigenbasis(data: Array) -> tuple[Array, Array, Array]:
    if not np.array_equal(data, data.T):
        raise ValueError("a tied spectral start needs a symmetric matrix")
    values, vectors = (part[..., ::-1] for part in np.linalg.eigh(data))
    return vectors, values, vectors


def _modes_of_factors(products: Array, gaps: Array) -> tuple[Array, Array]:
    """Solution u, v of u v = products and u^2 - v^2 = gaps."""
    # The larger of u and |v| by a sum, the other by u v: a difference would lose its digits.
    larger = np.sqrt((np.abs(gaps) + np.hypot(gaps, 2.0 * products)) / 2.0)
    smaller = np.where(gaps == 0.0, np.sign(products) * larger, products / np.where(larger > 0.0, larger, 1.0))
    return np.where(gaps >= 0, larger, smaller), np.where(gaps >= 0, smaller, larger)
