"""The best lambda0: the Proposition 5 flow that comes closest to the general flow from the same start (Section 5)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array, squared_norm
from linear_networks.measure import gaps
from linear_networks.theory import closed_forms

# Candidates of one sign, up to REACH times the spectral radius of Q(0), their square roots evenly spaced: where the
# radius is far above the singular values of Y, minima lie close to 0. While the objective falls at the last one,
# another follows at STRIDE times its lambda0, up to FARTHEST radii.
CANDIDATES = 20
REACH = 4.0
STRIDE = 1.25
FARTHEST = 1024.0
STEP = 1e-5  # of a central difference, in units of the radius
# A radius below this share of ||R(0)||_F^2 + ||Y||_F scales no search: X^I changes by its own rounding there.
LEAST = 1e-6


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
        Whether the objective falls beyond lambda0, which is 0 or the farthest that was searched: no minimum.
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
        Spectral radius of Q(0), which scales the search; 0 where Q(0) is 0 up to rounding.
    candidates, objectives : ndarray, shape (2 CANDIDATES + 1 and more,)
        The scan: the objective over lambda0, ascending. 0 alone where the radius is 0.
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
        self.times, self.products = np.array(times, dtype=np.float64, order="C"), products
        # in double precision, whatever the start: a fit asks for a hundred candidates
        self.problem = closed_forms.Regularized.of(data, factors)
        self.weights = gaps.trapezoidal(self.times)
        self.size = float(self.weights @ squared_norm(products))

    def flow(self, lambda0: Array) -> Array:
        """X^I(t) for each candidate, shape (candidates, samples, m, n)."""
        found = np.empty((len(lambda0), *self.products.shape))
        for candidate, flow in zip(lambda0.tolist(), found, strict=True):
            self.problem.flow(self.times, candidate, flow)
        return found

    def __call__(self, lambda0: ArrayLike) -> Array:
        """The objective of each candidate, shape (candidates,)."""
        apart = self.flow(np.asarray(lambda0, dtype=np.float64)) - self.products
        return self._integral(apart, apart)

    def slope(self, lambda0: float, step: float) -> float:
        """Derivative of the objective, by a central difference of the flow rather than of its small distance."""
        behind, ahead = self.flow(np.array([lambda0 - step, lambda0 + step]))
        gap, change = (behind + ahead) / 2.0 - self.products, (ahead - behind) / step
        return float(self._integral(gap, change))

    def _integral(self, left: Array, right: Array) -> Array:
        """Integral of <A, B> over t, of matrices of shape (..., samples, m, n), relative to that of ||X||_F^2.

        One that is 0 stays 0 where X is 0 throughout.
        """
        left, right = (part.reshape(*part.shape[:-2], -1) for part in (left, right))
        integral = np.vecdot(left, right) @ self.weights
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(integral == 0.0, 0.0, integral / self.size)


def fit(times: ArrayLike, products: Array, data: Array, factors: Array) -> Fit:
    """Find the lambda0 of either sign whose Proposition 5 flow is closest to a trajectory of the general flow.

    The objective has a basin on either side of zero, often of nearly the same depth: each is found by a scan from 0
    on, and every minimum that it brackets, the one in the first interval included, is refined to about 1e-8 of the
    spectral radius of Q(0).

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
    size = float(np.sum(factors**2))
    radius = float(np.abs(np.linalg.eigvalsh(left.T @ left - right.T @ right)).max())
    objective = Objective(times, products, data, factors)
    if radius <= sum(factors.shape) * np.finfo(np.float64).eps * size:
        balanced = _describe(objective, 0.0, False, 0.0, 0.0)
        return Fit(balanced, balanced, 0.0, np.zeros(1), np.array([balanced.objective]))
    unit = max(radius, LEAST * (size + float(np.linalg.norm(data))))
    magnitudes = REACH * unit * np.linspace(0.0, 1.0, CANDIDATES + 1) ** 2
    scanned = objective(np.concatenate([-magnitudes[:0:-1], magnitudes]))
    sides = [
        _extended(objective, sign, magnitudes, values)
        for sign, values in ((-1, scanned[CANDIDATES::-1]), (1, scanned[CANDIDATES:]))
    ]
    negative, positive = (
        _describe(objective, *_basin(objective, sign, *side, unit), unit, radius)
        for sign, side in zip((-1, 1), sides, strict=True)
    )
    (behind, before), (ahead, after) = sides
    candidates, objectives = np.append(-behind[:0:-1], ahead), np.append(before[:0:-1], after)
    return Fit(negative, positive, radius, candidates, objectives)


def _extended(objective: Objective, sign: int, magnitudes: Array, values: Array) -> tuple[Array, Array]:
    """The scan of one sign, continued while the objective falls."""
    last = magnitudes[-1] * FARTHEST / REACH
    while values[-1] < values[-2] and magnitudes[-1] < last:
        magnitudes = np.append(magnitudes, STRIDE * magnitudes[-1])
        values = np.append(values, objective(sign * magnitudes[-1:]))
    return magnitudes, values


def _basin(objective: Objective, sign: int, magnitudes: Array, values: Array, unit: float) -> tuple[float, bool]:
    """The deepest minimum of one sign, and whether it is an edge, from the objective at ascending magnitudes."""
    padded = np.concatenate([[np.inf], values, [np.inf]])
    places = np.flatnonzero((padded[1:-1] <= padded[:-2]) & (padded[1:-1] <= padded[2:])).tolist()
    found, last = [], len(values) - 1
    for place in places:
        edge = place == last or (place == 0 and sign * objective.slope(0.0, STEP * unit) > 0)
        found.append((values[place], magnitudes[place], edge))
        if not edge:
            around = magnitudes[max(place - 1, 0)], magnitudes[place], magnitudes[place + 1]
            magnitude = _refine(objective, sign, *around, unit)
            found.append((objective([sign * magnitude])[0], magnitude, False))
    _, magnitude, edge = min(found)
    return float(sign * magnitude), edge


def _refine(objective: Objective, sign: int, low: float, place: float, high: float, unit: float) -> float:
    """Magnitude of the minimum beside a candidate that neither of its neighbours is lower than."""
    from scipy.optimize import brentq, minimize_scalar

    @cache
    def slope(magnitude: float) -> float:
        return sign * objective.slope(sign * magnitude, STEP * unit)

    if slope(place) < 0:
        low = place
    else:
        high = place
    tolerance = 1e-9 * unit
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


def _describe(objective: Objective, lambda0: float, edge: bool, unit: float, radius: float) -> Basin:
    """What is known of a minimum or an edge."""
    step = 1e-3 * unit
    around = objective(lambda0 + step * np.array([-1.0, 0.0, 1.0]))
    apart = gaps.relative(objective.products, objective.flow(np.array([lambda0]))[0])
    return Basin(
        lambda0=lambda0,
        objective=float(around[1]),
        gap_max=float(apart.max()),
        gap_l2=float(np.sqrt(around[1])),
        curvature=float(np.diff(around, 2)[0] * (radius / step) ** 2) if step > 0 else np.nan,
        edge=edge,
    )
