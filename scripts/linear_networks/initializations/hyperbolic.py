"""Factors whose imbalance has two eigenvalues."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, gaussian_norm
from linear_networks.components import Parameter, Refused
from linear_networks.initializations.gaussian import normals
from linear_networks.initializations.initialization import Initialization, split
from linear_networks.initializations.spectral import Spectral, check_modes
from linear_networks.initializations.start import Modes, Start
from linear_networks.matrices.source import LARGEST


class Hyperbolic(Initialization):
    """Factors whose Q has the eigenvalues λ₀/2 ± h, m and n times, with h² = λ₀²/4 + τ².

    X(0) is that of the Gaussian start of the same draw, or has `products` for its modes. From one X(0), τ leads from
    the start whose Q is λ₀I (τ = 0) to starts that hardly move while X learns. It needs k >= m + n.
    """

    name, label = "hyperbolic", "imbalance of two eigenvalues"
    parameters = {
        "scale": Parameter(
            "standard deviation σ of the normal draws whose product is X(0)", default=None, least=0.0, symbol="σ"
        ),
        "products": Spectral.parameters["products"],
        "lambda0": Parameter(
            "sum λ₀ of the two eigenvalues of Q(0)",
            least=-LARGEST,
            most=LARGEST,
            symbol="λ₀",
            column="initial_lambda0",
        ),
        "tau": Parameter(
            "τ, with −τ² the product of the two eigenvalues of Q(0)",
            least=0.0,
            most=LARGEST,
            symbol="τ",
            column="initial_tau",
        ),
    }

    @staticmethod
    def draw(
        rng: np.random.Generator,
        data: Array,
        width: int,
        lambda0: float,
        tau: float,
        scale: float | None = None,
        products: ArrayLike | None = None,
    ) -> Start:
        (rows, columns), modes = data.shape, None
        Hyperbolic.check(rows, columns, width, lambda0=lambda0, tau=tau, scale=scale, products=products)
        size, imbalance = min(rows, columns), 2.0 * float(np.hypot(lambda0 / 2.0, tau))
        if Hyperbolic.by_mode(scale=scale, products=products):
            left, values, right = np.linalg.svd(data)
            x = np.broadcast_to(0.0 if products is None else products, size).astype(float)
            modes = Modes(left[:, :size], values, right.T[:, :size], x, np.full(size, imbalance))
        else:
            drawn = split(normals(rng, rows, columns, width, scale or 0.0), rows)
            left, x, right = np.linalg.svd(drawn[0] @ drawn[1].T)
        if lambda0 >= 0.0:
            factors = np.concatenate(_factors(left, x, right.T, lambda0, tau))
        else:
            factors = np.concatenate(_factors(right.T, x, left, -lambda0, tau)[::-1])
        factors = np.pad(factors, ((0, 0), (0, width - rows - columns)))
        return Start(factors, lambda0=lambda0, modes=modes, tau=tau)

    @staticmethod
    def knows(**_: Any) -> bool:
        return True

    @staticmethod
    def tells_kernel(rows: int, columns: int, width: int, **_: Any) -> bool:
        return True

    @staticmethod
    def by_mode(*, scale: float | None = None, products: ArrayLike | None = None, **_: Any) -> bool:
        return products is not None or scale == 0.0

    @staticmethod
    def least_width(rows: int, columns: int) -> int:
        return rows + columns

    product_rank = staticmethod(Spectral.product_rank)

    @staticmethod
    def check(
        rows: int,
        columns: int,
        width: int,
        lambda0: float,
        tau: float,
        scale: float | None = None,
        products: ArrayLike | None = None,
    ) -> None:
        check_modes(rows, columns, scale, products)
        if width < rows + columns:
            raise Refused(
                "kind",
                f"hyperbolic needs a width of at least m + n, {rows + columns}, not {width}: R(0) has that rank; "
                "write identity for Q = λ₀I at smaller widths",
            )

    @staticmethod
    def expected_norms(
        rows: int,
        columns: int,
        width: int,
        *,
        lambda0: float,
        tau: float,
        scale: float | None = None,
        products: ArrayLike | None = None,
    ) -> tuple[float, float]:
        drawn = (scale or 0.0) ** 2 * gaussian_norm(rows, width) * gaussian_norm(columns, width)
        x = drawn if products is None else float(np.max(np.abs(products)))
        # U U^T is λ₀/2 + sqrt(X X^T + h^2), V V^T the same with -λ₀/2.
        root = float(np.hypot(x, np.hypot(lambda0 / 2.0, tau)))
        return float(np.sqrt(root + lambda0 / 2.0)), float(np.sqrt(root - lambda0 / 2.0))


def _factors(left: Array, products: Array, right: Array, lambda0: float, tau: float) -> tuple[Array, Array]:
    """U and V with m + n columns, lambda0 >= 0, of X = left diag(products) right^T, in whole bases.

    Columns (sqrt(a) phi, (x / sqrt(a)) psi) and (0, (tau / sqrt(a)) psi) with a = lambda0/2 + sqrt(x^2 + h^2): no
    entry is a difference, so that X and tau keep their digits beside a large lambda0.
    """
    rows, columns, size = len(left), len(right), len(products)
    x = np.pad(products, (0, max(rows, columns) - size))
    root = np.sqrt(lambda0 / 2.0 + np.hypot(x, np.hypot(lambda0 / 2.0, tau)))
    inverse = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0.0)
    u, v = np.zeros((2, max(rows, columns), rows + columns))
    u[:rows, :rows] = left * root[:rows]
    v[:columns, :size] = right[:, :size] * (x * inverse)[:size]
    v[:columns, rows:] = right * (tau * inverse)[:columns]
    return u[:rows], v[:columns]
