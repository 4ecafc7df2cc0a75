"""The best lambda0: the Proposition 5 flow that comes closest to the general flow from the same start (Section 5)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradflow import closed_forms
from gradflow.dynamics import squared_norm

Array = NDArray[np.float64]

# Candidates of one sign, evenly spaced up to REACH times the spectral radius of Q(0).
CANDIDATES = 20
REACH = 4.0


@dataclass(frozen=True)
class Basin:
    """The best lambda0 of one sign.

    Attributes
    ----------
    lambda0 : float
    objective : float
        Integral over t of ||X^I(t; lambda0) - X(t)||_F^2, by the trapezoidal rule, relative to that of ||X(t)||_F^2.
    gap_max, gap_l2 : float
        Largest ||X^I - X||_F / ||X||_F over t, and the square root of the objective.
    curvature : float
        Second derivative of the objective at lambda0, in units of the spectral radius of Q(0).
    edge : bool
        Whether lambda0 is an end of the interval that was searched, 0 or REACH spectral radii, not a minimum inside.
    """

    lambda0: float
    objective: float
    gap_max: float
    gap_l2: float
    curvature: float
    edge: bool


@dataclass(frozen=True)
class Fit:
    """Both basins of the objective.

    Attributes
    ----------
    negative, positive : Basin
    radius : float
        Spectral radius of Q(0), which scales the search.
    candidates, objectives : ndarray, shape (2 CANDIDATES + 1,)
        The scan: the objective over lambda0.
    """

    negative: Basin
    positive: Basin
    radius: float
    candidates: Array
    objectives: Array

    @property
    def best(self) -> Basin:
        """The basin with the smaller objective."""
        return min(self.negative, self.positive, key=lambda basin: basin.objective)


class Objective:
    """Distance of the Proposition 5 flow from a trajectory, as a function of lambda0.

    Parameters
    ----------
    times : array_like, shape (samples,)
    products : ndarray, shape (samples, m, n)
        X(t) of the general flow.
    data : ndarray, shape (m, n)
        Y.
    factors : ndarray, shape (m + n, w)
        R(0), which may be gauge-reduced.
    """

    def __init__(self, times: ArrayLike, products: Array, data: Array, factors: Array):
        self.times = np.asarray(times, dtype=np.float64)
        self.products, self.data, self.factors = products, data, factors
        self.size = np.trapezoid(squared_norm(products), self.times)

    def flow(self, lambda0: Array) -> Array:
        """X^I(t) for each candidate, shape (candidates, samples, m, n)."""
        rows, batch = len(self.data), len(lambda0)
        data, factors = (np.broadcast_to(part, (batch, *part.shape)) for part in (self.data, self.factors))
        return closed_forms.regularized(self.times, data, factors, lambda0)[..., :rows, rows:]

    def __call__(self, lambda0: ArrayLike) -> Array:
        """The objective of each candidate, shape (candidates,)."""
        gaps = self.flow(np.asarray(lambda0, dtype=np.float64)) - self.products
        squares = squared_norm(gaps.reshape(-1, *self.data.shape)).reshape(len(gaps), -1)
        return np.asarray(np.trapezoid(squares, self.times, axis=1) / self.size)

    def slope(self, lambda0: float, step: float) -> float:
        """Derivative of the objective, by a central difference of the flow rather than of its small distance."""
        behind, ahead = self.flow(np.array([lambda0 - step, lambda0 + step]))
        gap, change = (behind + ahead) / 2.0 - self.products, (ahead - behind) / (2.0 * step)
        rate = 2.0 * np.vecdot(gap.reshape(len(gap), -1), change.reshape(len(gap), -1))
        return float(np.trapezoid(rate, self.times) / self.size)


def fit(times: ArrayLike, products: Array, data: Array, factors: Array) -> Fit:
    """Find the lambda0 of either sign whose Proposition 5 flow is closest to a trajectory of the general flow.

    The objective has a basin on either side of zero, often of nearly the same depth: each is found by a scan and
    refined to about 1e-8 of the spectral radius of Q(0).

    Parameters
    ----------
    times, products, data, factors
        See `Objective`.

    Returns
    -------
    Fit
        With both basins at 0 where Q(0) = 0.

    References
    ----------
    Section 5, "Lambda_Q0 = lambda0 I is general enough"; Proposition 5.
    """
    rows = len(data)
    left, right = factors[:rows], factors[rows:]
    radius = float(np.abs(np.linalg.eigvalsh(left.T @ left - right.T @ right)).max())
    objective = Objective(times, products, data, factors)
    magnitudes = np.linspace(0.0, REACH * radius, CANDIDATES + 1)
    candidates = np.concatenate([-magnitudes[:0:-1], magnitudes])
    scanned = objective(candidates)
    negative = _basin(objective, -1, magnitudes, scanned[CANDIDATES::-1], radius)
    positive = _basin(objective, 1, magnitudes, scanned[CANDIDATES:], radius)
    return Fit(negative, positive, radius, candidates, scanned)


def _basin(objective: Objective, sign: int, magnitudes: Array, values: Array, radius: float) -> Basin:
    """The deepest basin of one sign, from the objective at evenly spaced magnitudes."""
    place = int(np.argmin(values))
    edge = place in (0, len(values) - 1)
    magnitude = magnitudes[place]
    if not edge:
        magnitude = _refine(objective, sign, magnitudes[place - 1], magnitudes[place + 1], radius)
    lambda0, step = float(sign * magnitude), 1e-3 * radius
    around = objective(lambda0 + step * np.array([-1.0, 0.0, 1.0]))
    gaps = np.sqrt(squared_norm(objective.flow(np.array([lambda0]))[0] - objective.products))
    sizes = np.sqrt(squared_norm(objective.products))
    relative = np.divide(gaps, sizes, out=np.zeros_like(gaps), where=sizes > 0)
    return Basin(
        lambda0=lambda0,
        objective=float(around[1]),
        gap_max=float(relative.max()),
        gap_l2=float(np.sqrt(around[1])),
        curvature=float(np.diff(around, 2)[0] / 1e-6) if radius > 0 else np.nan,
        edge=edge,
    )


def _refine(objective: Objective, sign: int, low: float, high: float, radius: float) -> float:
    """Magnitude of the minimum between two candidates that a lower one lies between."""
    from scipy.optimize import brentq, minimize_scalar

    def slope(magnitude: float) -> float:
        return sign * objective.slope(sign * magnitude, 1e-5 * radius)

    tolerance = 1e-9 * radius
    if slope(low) < 0 < slope(high):
        return float(brentq(slope, low, high, xtol=tolerance))
    return float(
        minimize_scalar(
            lambda magnitude: objective([sign * magnitude])[0],
            bounds=(low, high),
            method="bounded",
            options={"xatol": tolerance},
        ).x
    )
