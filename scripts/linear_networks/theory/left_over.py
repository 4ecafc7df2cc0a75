r"""What a record shows of the directions of the longer side that Y has no part in.

Where m != n and Q has one or two eigenvalues, entries of X between a mode and these directions decay at
sqrt(sigma^2 + h^2) + h, slower than the modes, at 2 sqrt(sigma^2 + h^2). They are linear in those of X(0): from a
small X(0) the modes stand above them until the floor of the solver or the end of the record.
"""

import numpy as np

from linear_networks.theory.prediction import Facts

SMALL_START = "modes of a small X(0)"

# Share of what is left over, below which it is hidden, and above which it is seen: it goes as the square of entries of
# X(0), which may be smaller than their mean.
HIDDEN, SEEN = 1.0, 100.0


def shown(facts: Facts, rate: float, half: float, by: str) -> tuple[float, str]:
    """The rate of X that a record shows, and what it rests on: that of all directions, or of the modes alone.

    NaN where entries of X(0), of which only the norm is known, decide which.

    Parameters
    ----------
    facts : Facts
    rate : float
        Of the flow.
    half : float
        h.
    by : str
        What that rests on.
    """
    sigma = float(facts.values.min())
    speed = float(np.hypot(sigma, half))
    is_theirs = sigma > 0.0 and facts.rows != facts.columns and abs(rate - (speed + half)) <= 1e-12 * rate
    if not is_theirs or np.isnan(facts.start):
        return rate, by
    share = _share(facts, sigma, half)
    if share < HIDDEN:
        return 2.0 * speed, SMALL_START
    return rate if share > SEEN else np.nan, by


def _share(facts: Facts, sigma: float, half: float) -> float:
    """How large what is left over is beside the slowest mode, where it ends or the record does.

    From the Q = 2 h I of the same X(0), an eigenvector e of S~ that is not kept and one that is, k, meet in P as
    2 omega (e^T R0) (k^T R0)^{-1} e^{-(omega - e) t}, with omega = sqrt(sigma^2 + h^2): e = -h for what is left over
    and -omega for the mode. The entries of X(0) are taken to be of one size.
    """
    entry = facts.start / np.sqrt(facts.rows * facts.columns)
    larger = half + float(np.hypot(entry, half))  # U has columns of this squared length, V of entry^2 / larger
    if larger == 0.0:
        return np.inf
    omega, part = float(np.hypot(sigma, half)), entry / larger
    gap = sigma * (sigma / (omega + half))  # omega - h
    cosine, sine = np.sqrt((omega + half) / omega / 2.0), np.sqrt(gap / omega / 2.0)
    kept = cosine + sine * part
    unkept = abs(cosine * part - sine) / kept
    own = abs(2.0 * omega / (larger * kept**2) - 1.0)
    slow = 2.0 * omega * cosine * np.sqrt(abs(facts.rows - facts.columns)) * part / kept
    fast = 2.0 * omega * (cosine * sine * own + (cosine**2 - sine**2) * unkept)
    if not slow > facts.floor:
        return 0.0
    end = min(facts.horizon, np.log(slow / facts.floor) / (omega + half)) if facts.floor else facts.horizon
    with np.errstate(over="ignore"):
        return float(slow / fast * np.exp(gap * end))
