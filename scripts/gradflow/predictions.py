"""Which convergence rates theory predicts for a run: of X, of its modes, and of R R^T.

Rates are those of gradient flow; `of_descent` turns them into those of gradient descent.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradflow import rates

Array = NDArray[np.float64]

AT_SADDLE = "spectrum at the saddle"


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
    step_size : float
        eta of descent; 0 for a flow.
    limits : ndarray, shape (p,), or None
        Singular values of X(inf) in the order of `values`, where they are known.
    tied : bool
        Whether the start has V = U.
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
    step_size: float = 0.0
    limits: Array | None = None
    tied: bool = False
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
        order = _order(facts, found)
        modes = [Prediction(rate, "Proposition 3", rate) for rate in found[order].tolist()]
        slowest = float(found.min())
        return {"product": [Prediction(slowest, "Proposition 3", slowest, bound)], "mode": modes}
    if _fallen(facts).any() and not facts.tied:
        return _at_saddle(facts, bound)
    if facts.lambda0 is not None:
        rate = float(rates.regularized_product(facts.values, facts.lambda0, *facts[1:4]))
        return {"product": [Prediction(rate, "spectrum of S~", _paper(facts), bound)], "mode": unknown}
    return {"product": [Prediction(facts.local, "local rate", bound=bound)], "mode": unknown}


def _fallen(facts: Facts) -> NDArray[np.bool_]:
    """Modes of Y that X loses, shape (p,)."""
    if facts.limits is None:
        return np.zeros(len(facts.values), dtype=bool)
    return (facts.limits == 0.0) & (facts.values > 1e-12 * facts.values[0])


def _order(facts: Facts, found: Array) -> NDArray[np.intp]:
    """Modes in the order that X has them in near its end: those that fall to 0 after the others, the slowest first."""
    return np.argsort(np.where(_fallen(facts), found, 0.0), kind="stable")


def _at_saddle(facts: Facts, bound: float) -> dict[str, list[Prediction]]:
    """Balanced factors of a square X whose determinant has the other sign than that of Y.

    They end at the best approximation of rank m - 1. There U and V deviate from it by e^{-sigma_m t} in the last mode,
    whose value is the product of both, and by e^{-(sigma_i - sigma_m) t} between it and mode i, which X is linear in.
    """
    values, unknown = facts.values, [Prediction()] * (len(facts.values) - 1)
    if _fallen(facts)[:-1].any() or facts.lambda0 != 0.0:
        return {"product": [Prediction(bound=bound)], "mode": [*unknown, Prediction()]}

    def decay(rate: float) -> float:
        return float(rates.descent(rate, facts.step_size)) if facts.step_size else rate

    mode = 2.0 * decay(float(values[-1]))
    gap = decay(float(values[-2] - values[-1])) if len(values) > 1 else np.inf
    return {
        "product": [Prediction(min(mode, gap), AT_SADDLE, bound=bound)],
        "mode": [*unknown, Prediction(mode, AT_SADDLE)],
    }


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
