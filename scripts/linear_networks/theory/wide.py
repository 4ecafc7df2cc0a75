r"""Limits of wide and of tall Gaussian starts, and of the best lambda0 of the former.

For k -> infinity, U U^T and V V^T of factors with entries N(0, sigma^2) tend to k sigma^2 I, and X(0) to nothing
beside them. In the time tau = k sigma^2 t, the general flow keeps U U^T = V V^T = I, so that Y - X falls as
exp(-2 tau). Under the regularized flow with lambda0 = c k sigma^2, the two are multiples a and b of I: (21) becomes

    a' = c a - a^2,   b' = -c b - b^2,   a(0) = b(0) = 1,   (Y - X)' = -(a + b) (Y - X),

so that their sum starts at 2, falls, and rises to c. With c = 2, where a mode has the same imbalance 2 k sigma^2 in
both flows, the regularized one lags behind; the best c is larger.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from linear_networks.arrays import Array


def two_eigenvalues(width: float, left: float, right: float) -> tuple[float, float]:
    """lambda0 and tau of Gaussian starts of standard deviations `left` of U and `right` of V, for k -> infinity.

    Then Q has the eigenvalues k left^2, m times, and -k right^2, n times: a mode moves as one of imbalance
    sqrt(lambda0^2 + 4 tau^2) = k (left^2 + right^2), which the sum of the two scales makes, not their difference.
    """
    return width * (left**2 - right**2), width * left * right


def one_eigenvalue(rows: float, columns: float, left: float, right: float) -> float:
    """lambda0 of such starts for m + n -> infinity at a fixed width, where Q tends to lambda0 I."""
    return rows * left**2 - columns * right**2


def regularized_error(tau: ArrayLike, ratio: float) -> Array:
    """Y - X of the regularized flow relative to its start, c^2 / ((exp(c tau) + c - 1) (c + 1 - exp(-c tau))).

    Parameters
    ----------
    tau : array_like, any shape   k sigma^2 t, >= 0
    ratio : float                 c = |lambda0| / (k sigma^2), > 0; its sign exchanges U and V
    """
    small = np.exp(-ratio * np.asarray(tau, float))
    return np.asarray(ratio**2 * small / ((1.0 + (ratio - 1.0) * small) * (ratio + 1.0 - small)))


def best_ratio() -> float:
    """The |lambda0| / (k sigma^2) whose regularized flow is closest to the general one in L^2 over time, 2.53."""

    def objective(ratio: float) -> float:
        gap, _ = quad(lambda tau: (regularized_error(tau, ratio) - np.exp(-2.0 * tau)) ** 2, 0.0, np.inf, epsabs=1e-14)
        return gap

    return float(minimize_scalar(objective, bounds=(1.0, 5.0), method="bounded", options={"xatol": 1e-8}).x)
