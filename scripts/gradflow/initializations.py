"""Starting factors R(0) = [U(0); V(0)], and the invariants that they fix."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gaussian(rng: np.random.Generator, rows: int, columns: int, width: int, scale: float) -> Array:
    """Factors with independent normal entries of standard deviation `scale`.

    The draw is made column by column: a smaller width gives the first columns of a larger one.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns, width : int
        m, n and k.
    scale : float
        Standard deviation, >= 0.

    Returns
    -------
    ndarray, shape (rows + columns, width)
    """
    return scale * rng.standard_normal((width, rows + columns)).T


def invariants(factors: Array, rows: int, widths: NDArray[np.integer]) -> dict[str, Array]:
    """Quantities of the start that gradient flow conserves.

    Parameters
    ----------
    factors : ndarray, shape (batch, m + n, w)
        R(0), possibly gauge-reduced to w columns.
    rows : int
        m.
    widths : ndarray of int, shape (batch,)
        k of each run. Where k > w, the imbalance has k - w further eigenvalues, all zero.

    Returns
    -------
    dict of ndarray, each of shape (batch,)
        `imbalance_norm` ||Q||_F, `imbalance_min` and `imbalance_max` the extreme eigenvalues of Q = U^T U - V^T V (11),
        and `rank`, the rank of R.
    """
    left, right = factors[:, :rows], factors[:, rows:]
    eigenvalues = np.linalg.eigvalsh(left.mT @ left - right.mT @ right)
    lowest, highest = eigenvalues[:, 0], eigenvalues[:, -1]
    reduced = widths > factors.shape[-1]
    return {
        "imbalance_norm": np.linalg.norm(eigenvalues, axis=1),
        "imbalance_min": np.where(reduced, np.minimum(lowest, 0.0), lowest),
        "imbalance_max": np.where(reduced, np.maximum(highest, 0.0), highest),
        "rank": np.linalg.matrix_rank(factors),
    }
