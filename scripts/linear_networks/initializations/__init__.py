"""How the factors R(0) = [U(0); V(0)] start: one module a kind."""

from typing import Any

import numpy as np

from linear_networks.arrays import Array
from linear_networks.components import Listing
from linear_networks.initializations.balanced import Balanced
from linear_networks.initializations.gaussian import Gaussian
from linear_networks.initializations.hyperbolic import Hyperbolic
from linear_networks.initializations.identity import Identity
from linear_networks.initializations.initialization import Initialization, with_one_column
from linear_networks.initializations.rescaled import Rescaled
from linear_networks.initializations.spectral import Spectral
from linear_networks.initializations.start import Start, invariants, stack
from linear_networks.initializations.wishart import Wishart

INITIALIZATIONS: Listing[Initialization] = Listing(
    *(Gaussian, Balanced, Rescaled, Identity, Hyperbolic, Spectral, Wishart)
)

__all__ = ["INITIALIZATIONS", "draw", "invariants", "stack"]


def draw(kind: str, rng: np.random.Generator, data: Array, width: int, **parameters: Any) -> Start:
    """Start of a run of any kind.

    Parameters
    ----------
    kind : str
        One of INITIALIZATIONS.
    rng : numpy.random.Generator
    data : ndarray, shape (m, n)
        Y.
    width : int
        k.
    **parameters
        Those of the kind.

    Returns
    -------
    Start
        With factors of shape (m + n, k), or of m + n columns at most from a kind that is reduced; NaN where parameters
        are too large for a decomposition. One of width 1 has Q(0) = lambda0 I, of whatever kind it is.
    """
    try:
        start = INITIALIZATIONS[kind].draw(rng, data, width, **parameters)
    except np.linalg.LinAlgError:
        return Start(np.full((sum(data.shape), width), np.nan))
    return with_one_column(start, len(data))
