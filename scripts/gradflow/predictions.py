"""Which convergence rates theory predicts for a run: of X, of its modes, and of R R^T.

Rates are those of gradient flow; `of_descent` turns them into those of gradient descent.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradflow import rates

Array = NDArray[np.float64]


class Prediction(NamedTuple):
    """What theory says of one exponential rate; NaN where it says nothing.

    Attributes
    ----------
    rate : float
        An equality, the sharpest that is known.
    by : str
        What it rests on.
    paper : float
        The exponent that the paper states, where it states one.
    bound : float
        An a-priori lower bound.
    """

    rate: float = np.nan
    by: str = ""
    paper: float = np.nan
    bound: float = np.nan

    def of_descent(self, step_size: float) -> "Prediction":
        """The same for gradient descent, in units of time t = step_size * steps."""
        rate, paper, bound = (float(rates.descent(value, step_size)) for value in (self.rate, self.paper, self.bound))
        return Prediction(rate, self.by, paper, bound)


class Facts(NamedTuple):
    """What predictions rest on.

    Attributes
    ----------
    values : ndarray, shape (p,)
        Singular values of Y (eigenvalues for a symmetric dynamics), descending.
    rows, columns, width : int
        m, n and k.
    modes : ndarray, shape (p,), or None
        lambda_{0,i} of a spectral start.
    lambda0 : float or None
        lambda0 of the penalty, or of a start with Q(0) = lambda0 I.
    imbalance : ndarray, shape (w,)
        Eigenvalues of Q(0).
    local : float
        lambda_min(U U^T) + lambda_min(V V^T) where the run ended; NaN if it did not converge.
    """

    values: Array
    rows: int
    columns: int
    width: int
    modes: Array | None = None
    lambda0: float | None = None
    imbalance: Array = np.zeros(1)
    local: float = np.nan


def predict(dynamics: str, facts: Facts) -> dict[str, list[Prediction]]:
    """Predictions by quantity: `product` ||X - X(inf)||_F, `mode` |sigma_i(t) - sigma_i(inf)|, `gramian` of R R^T.

    Parameters
    ----------
    dynamics : str
    facts : Facts

    Returns
    -------
    dict of list of Prediction
        One for `product` and `gramian`, one a mode for `mode`; a quantity that a dynamics does not have is left out.
    """
    match dynamics:
        case "linear":
            one = Prediction(1.0, "equation (4)", 1.0)
            return {"product": [one], "mode": [one] * len(facts.values)}
        case "symmetric" | "riccati":
            return _symmetric(facts)
        case "asymmetric":
            return _asymmetric(facts)
        case "regularized":
            return _regularized(facts)
    return {}


def _symmetric(facts: Facts) -> dict[str, list[Prediction]]:
    unknown = [Prediction()] * len(facts.values)
    if facts.width < facts.rows:
        return {"product": [Prediction()], "mode": unknown}
    found = rates.symmetric_modes(facts.values)
    modes = [Prediction(rate, "Corollary 1", rate) for rate in found.tolist()]
    slowest = float(found.min())
    return {"product": [Prediction(slowest, "Proposition 2", slowest)], "mode": modes}


def _asymmetric(facts: Facts) -> dict[str, list[Prediction]]:
    bound = float(rates.lower_bound(np.diag(facts.imbalance), facts.rows, facts.columns))
    if bound <= 1e-12 * np.abs(facts.imbalance).max():
        bound = 0.0  # an eigenvalue that is zero, up to rounding
    unknown = [Prediction()] * len(facts.values)
    if facts.width < len(facts.values):
        return {"product": [Prediction(bound=bound)], "mode": unknown}
    if facts.modes is not None:
        found = rates.spectral(facts.values, facts.modes)
        modes = [Prediction(rate, "Proposition 3", rate) for rate in found.tolist()]
        slowest = float(found.min())
        return {"product": [Prediction(slowest, "Proposition 3", slowest, bound)], "mode": modes}
    if facts.lambda0 is not None:
        rate = float(rates.regularized_product(facts.values, facts.lambda0, *facts[1:4]))
        return {"product": [Prediction(rate, "spectrum of S~", _paper(facts), bound)], "mode": unknown}
    return {"product": [Prediction(facts.local, "local rate", bound=bound)], "mode": unknown}


def _regularized(facts: Facts) -> dict[str, list[Prediction]]:
    unknown = [Prediction()] * len(facts.values)
    if facts.lambda0 is None or facts.width < len(facts.values):
        return {"product": [Prediction()], "mode": unknown, "gramian": [Prediction()]}
    arguments = (facts.values, facts.lambda0, *facts[1:4])
    product, gramian = float(rates.regularized_product(*arguments)), float(rates.regularized_gramian(*arguments))
    return {
        "product": [Prediction(product, "spectrum of S~", _paper(facts))],
        "mode": unknown,
        "gramian": [Prediction(gramian, "Proposition 5", _paper(facts))],
    }


def _paper(facts: Facts) -> float:
    """The exponent that Proposition 5 states (with the modulus of lambda0, which is meant)."""
    lambda0 = abs(facts.lambda0 or 0.0)
    square = facts.rows == facts.columns
    return float(np.hypot(2.0 * facts.values.min(), lambda0)) if square else lambda0
