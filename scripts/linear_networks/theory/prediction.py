"""What theory says of a rate, and what it rests on."""

from typing import NamedTuple

import numpy as np

from linear_networks.arrays import Array, Index, Mask
from linear_networks.theory import rates


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
        Singular values of Y (eigenvalues where the modes are those), descending.
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
        lambda0 of the penalty, or of a start with Q(0) = lambda0 I, or whose Q(0) has two eigenvalues.
    tau : float
        Of the latter; 0 of the others.
    imbalance : ndarray, shape (w,)
        Eigenvalues of Q(0).
    local : float
        `rates.local` where the run ended; NaN where it is not known.
    factored : bool
        Whether the state is made of factors, rather than of X.
    start : float
        ||X(0)||_F; NaN where it is not known.
    horizon, floor : float
        Last time of the record, and the least distance to the limit that is measured.
    """

    values: Array
    rows: int
    columns: int
    width: int
    rank: int
    step_size: float = 0.0
    moving: Mask | None = None
    limits: Array | None = None
    tied: bool = False
    modes: Array | None = None
    lambda0: float | None = None
    tau: float = 0.0
    imbalance: Array = np.zeros(1)
    local: float = np.nan
    factored: bool = True
    start: float = np.nan
    horizon: float = np.inf
    floor: float = 0.0

    def rounded(self) -> "Facts":
        """The same, with singular values that are zero up to rounding as 0: there, convergence is of another kind."""
        largest = max(self.rows, self.columns) * np.abs(self.values).max()
        zero = np.abs(self.values) <= np.finfo(float).eps * largest
        return self._replace(values=np.where(zero, 0.0, self.values))


def prediction(facts: Facts, rate: float, by: str, paper: float = np.nan, bound: float = np.nan) -> Prediction:
    """Prediction of a rate of what was run; exponent and bound are those of the flow, and descent has no such bound."""
    stated = float(rates.descent(paper, facts.step_size))
    known = rate if rate > 0 else np.nan  # neither algebraic nor unstable
    return Prediction(known, by, stated, np.nan if facts.step_size else bound)


def spectral(
    facts: Facts, moving: Mask, found: Array, of_flow: Array, by: str, bound: float = np.nan
) -> dict[str, list[Prediction]]:
    """Predictions where every mode is on its own: the product is as slow as the slowest of those that move."""
    modes = [Prediction()] * len(found)
    for place, mode in enumerate(order(facts, found)):
        if moving[mode]:
            modes[place] = prediction(facts, found[mode], by, of_flow[mode])
    slowest = found[moving].min(initial=np.inf), of_flow[moving].min(initial=np.inf)
    return {"product": [prediction(facts, slowest[0], by, slowest[1], bound)], "mode": modes}


def fallen(facts: Facts) -> Mask:
    """Modes of Y that X loses, shape (p,)."""
    if facts.limits is None:
        return np.zeros(len(facts.values), dtype=bool)
    return (facts.limits == 0.0) & (facts.values > 1e-12 * facts.values[0])


def order(facts: Facts, found: Array) -> Index:
    """Modes in the order that X has them in near its end: those that fall to 0 after the others, the slowest first."""
    return np.argsort(np.where(fallen(facts), found, 0.0), kind="stable")
