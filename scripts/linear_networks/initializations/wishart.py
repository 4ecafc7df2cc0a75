"""Gaussian factors of any width, drawn by their Gramian."""

import numpy as np

from linear_networks.arrays import Array, gaussian_norm
from linear_networks.components import Parameter
from linear_networks.initializations.initialization import Initialization
from linear_networks.initializations.start import Start
from linear_networks.matrices.source import LARGEST


class Wishart(Initialization):
    """Gaussian factors of variance τ/k, whose m + n reduced columns alone are drawn: a width of 10⁶ costs no more.

    R(0)R(0)ᵀ has the Wishart distribution, by Bartlett's decomposition. Q(0) has m eigenvalues that tend to τ with
    the width, and n that tend to −τ, so that starts of every width are equally lazy. The normal draws are the same at
    every width.
    """

    name, label = "wishart", "Gaussian of any width"
    parameters = {
        "tau": Parameter(
            "τ = kσ², with σ² the variance of the entries", least=0.0, most=LARGEST, symbol="τ", column="initial_tau"
        ),
    }
    is_reduced = True

    @staticmethod
    def draw(rng: np.random.Generator, data: Array, width: int, tau: float) -> Start:
        from scipy.special import gammaincinv

        side = sum(data.shape)
        kept = min(width, side)
        factors = np.tril(rng.standard_normal((side, side)), -1)[:, :kept]
        # chi with k, k - 1, ... degrees of freedom; of a quantile, so that widths differ by nothing else.
        freedom = width - np.arange(kept)
        factors[np.arange(kept), np.arange(kept)] = np.sqrt(2.0 * gammaincinv(freedom / 2.0, rng.random(side)[:kept]))
        return Start(np.sqrt(tau / width) * factors)

    @staticmethod
    def when_wide(width: int, *, tau: float, **_: float) -> tuple[float, float]:
        return 0.0, tau

    @staticmethod
    def expected_norms(rows: int, columns: int, width: int, *, tau: float, **_: float) -> tuple[float, float]:
        left, right = (float(np.sqrt(tau / width) * gaussian_norm(side, width)) for side in (rows, columns))
        return left, right
