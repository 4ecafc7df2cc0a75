"""Which convergence rates theory predicts for a run: of X, of its modes, and of R R^T."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linear_networks.theory import rates

Array = NDArray[np.float64]

AT_SADDLE = "spectrum at the saddle"


class Prediction(NamedTuple):
    """What theory says of one exponential rate; NaN where it says nothing, as where convergence is algebraic.

    Attributes
    ----------
    rate : float
        An equality, the sharpest that is known.
    by : str
        What it rests on.
    paper : float
        The exponent that the paper states, where it states one.
    bound : float
        An a-priori lower bound of the flow.
    """

    rate: float = np.nan
    by: str = ""
    paper: float = np.nan
    bound: float = np.nan


class Facts(NamedTuple):
    """What predictions rest on.

    Attributes
    ----------
    values : ndarray, shape (p,)
        Singular values of Y (eigenvalues for a symmetric dynamics), descending.
    rows, columns, width : int
        m, n and k.
    rank : int
        Of R(0), which a flow conserves; at most k.
    step_size : float
        eta of descent; 0 for a flow.
    moving : ndarray of bool, shape (p,), or None
        Of a spectral start: the modes that are not at rest from the start.
    limits : ndarray, shape (p,), or None
        Singular values of X(inf) in the order of `values`, where they are known.
    tied : bool
        Whether the start has V = U.
    modes : ndarray, shape (p,), or None
        lambda_{0,i} of a spectral start; of descent, which does not conserve it, at the end of the run.
    lambda0 : float or None
        lambda0 of the penalty, or of a start with Q(0) = lambda0 I.
    imbalance : ndarray, shape (w,)
        Eigenvalues of Q(0).
    local : float
        `rates.local` where the run ended; NaN where it is not known.
    """

    values: Array
    rows: int
    columns: int
    width: int
    rank: int
    step_size: float = 0.0
    moving: NDArray[np.bool_] | None = None
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
    # Singular values that are zero up to rounding, where convergence is of another kind.
    values = facts.values
    zero = np.abs(values) <= np.finfo(float).eps * max(facts.rows, facts.columns) * np.abs(values).max()
    facts = facts._replace(values=np.where(zero, 0.0, values))
    match dynamics:
        case "linear":
            one = _prediction(facts, float(rates.descent(1.0, facts.step_size)), "equation (4)", 1.0)
            return {"product": [one], "mode": [one] * len(facts.values)}
        case "symmetric" | "riccati":
            return _symmetric(facts, factored=dynamics == "symmetric")
        case "asymmetric":
            return _asymmetric(facts)
        case "regularized":
            return _regularized(facts)
    return {}


def _prediction(facts: Facts, rate: float, by: str, paper: float = np.nan, bound: float = np.nan) -> Prediction:
    """Prediction of a rate of what was run; exponent and bound are those of the flow, and descent has no such bound."""
    stated = float(rates.descent(paper, facts.step_size))
    known = rate if rate > 0 else np.nan  # neither algebraic nor unstable
    return Prediction(known, by, stated, np.nan if facts.step_size else bound)


def _spectral(
    facts: Facts, moving: NDArray[np.bool_], found: Array, of_flow: Array, by: str, bound: float = np.nan
) -> dict[str, list[Prediction]]:
    """Predictions where every mode is on its own: the product is as slow as the slowest of those that move."""
    modes = [Prediction()] * len(found)
    for place, mode in enumerate(_order(facts, found)):
        if moving[mode]:
            modes[place] = _prediction(facts, found[mode], by, of_flow[mode])
    slowest = found[moving].min(initial=np.inf), of_flow[moving].min(initial=np.inf)
    return {"product": [_prediction(facts, slowest[0], by, slowest[1], bound)], "mode": modes}


def _symmetric(facts: Facts, factored: bool) -> dict[str, list[Prediction]]:
    values, step_size = facts.values, facts.step_size
    if facts.moving is not None:
        found, of_flow = rates.spectral_modes(values, step_size, factored), rates.spectral_modes(values)
        return _spectral(facts, facts.moving, found, of_flow, "Corollary 1")
    of_flow = rates.symmetric_modes(values, facts.rank)
    found = rates.symmetric_modes(values, facts.rank, step_size, factored)
    modes = [_prediction(facts, *rate) for rate in zip(found, ["Corollary 1"] * len(found), of_flow, strict=True)]
    paper = float(rates.symmetric(values, facts.rank))
    product = float(rates.symmetric(values, facts.rank, step_size, factored))
    return {"product": [_prediction(facts, product, "Proposition 2", paper)], "mode": modes}


def _asymmetric(facts: Facts) -> dict[str, list[Prediction]]:
    bound = float(rates.lower_bound(np.diag(facts.imbalance), facts.rows, facts.columns))
    if bound <= 1e-12 * np.abs(facts.imbalance).max():
        bound = 0.0  # an eigenvalue that is zero, up to rounding
    unknown = [Prediction()] * len(facts.values)
    if facts.moving is not None and facts.modes is not None:
        of_flow = rates.spectral(facts.values, facts.modes)
        found = rates.descent(of_flow, facts.step_size)
        return _spectral(facts, facts.moving, found, of_flow, "Proposition 3", bound)
    if _fallen(facts).any() and facts.rank >= np.count_nonzero(facts.values) and not facts.tied:
        return _at_saddle(facts, bound)
    if facts.lambda0 is not None and not facts.step_size:
        rate = float(rates.regularized_product(facts.values, facts.lambda0, facts.rows, facts.columns, facts.rank))
        return {"product": [_prediction(facts, rate, "spectrum of S~", _paper(facts), bound)], "mode": unknown}
    local = facts.local if facts.width >= np.count_nonzero(facts.values) else np.nan
    return {"product": [_prediction(facts, local, "local rate", bound=bound)], "mode": unknown}


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
        return {"product": [_prediction(facts, np.nan, "", bound=bound)], "mode": [*unknown, Prediction()]}
    mode = 2.0 * float(rates.descent(values[-1], facts.step_size))
    gap = float(rates.descent(values[-2] - values[-1], facts.step_size)) if len(values) > 1 else np.inf
    return {
        "product": [_prediction(facts, min(mode, gap), AT_SADDLE, bound=bound)],
        "mode": [*unknown, _prediction(facts, mode, AT_SADDLE)],
    }


def _regularized(facts: Facts) -> dict[str, list[Prediction]]:
    unknown = [Prediction()] * len(facts.values)
    if facts.lambda0 is None:
        return {"product": [Prediction()], "mode": unknown, "gramian": [Prediction()]}
    return {
        "product": [_of_generator(facts, rates.regularized_product, "spectrum of S~")],
        "mode": unknown,
        "gramian": [_of_generator(facts, rates.regularized_gramian, "Proposition 5")],
    }


def _of_generator(facts: Facts, rate: Callable[..., Array], by: str) -> Prediction:
    """Prediction of a rate that the eigenvalues of S~ make."""
    found = rate(facts.values, facts.lambda0, facts.rows, facts.columns, facts.rank, facts.step_size)
    return _prediction(facts, float(found), by, _paper(facts))


def _paper(facts: Facts) -> float:
    """The exponent that Proposition 5 states (with the modulus of lambda0, which is meant)."""
    lambda0 = abs(facts.lambda0 or 0.0)
    if facts.width < len(facts.values):
        return np.nan
    return float(np.hypot(2.0 * facts.values.min(), lambda0)) if facts.rows == facts.columns else lambda0
