"""Starting factors R(0) = [U(0); V(0)], and the invariants that they fix."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from linear_networks.arrays import Array, Index
from linear_networks.models import gauge


class Modes(NamedTuple):
    """A start that is diagonal in the singular basis of Y, in the order in which `asymmetric_spectral` takes it.

    Attributes
    ----------
    left, right : ndarray, shapes (..., m, p) and (..., n, p)
        Singular vectors of Y; p = min(m, n).
    singular_values, products, imbalances : ndarray, shape (..., p)
        sigma_i of Y, x_i(0), and lambda_{0,i} of (15), by which a mode moves: u_i^2 - v_i^2 of a mode u_i v_i, 2 h
        where tau > 0.
    """

    left: Array
    singular_values: Array
    right: Array
    products: Array
    imbalances: Array


@dataclass(frozen=True)
class Start:
    """Starting factors, and what is known of them beyond their numbers.

    Attributes
    ----------
    factors : ndarray, shape (..., m + n, w)
        R(0).
    lambda0, tau : float or ndarray, shape (...)
        Where P = R R^T has P J P = lambda0 P + tau^2 J by construction, with J = diag(I_m, -I_n); lambda0 is None
        elsewhere. At tau = 0, Q(0) = lambda0 I but for columns of zeros; at tau > 0, Q(0) has two eigenvalues,
        lambda0/2 + h and lambda0/2 - h with h^2 = lambda0^2/4 + tau^2, m times the one and n times the other.
    modes : Modes or None
        Where the start is diagonal in the singular basis of Y.
    """

    factors: Array
    lambda0: float | Array | None = None
    modes: Modes | None = None
    tau: float | Array = 0.0

    @cached_property
    def rank(self) -> NDArray[np.intp]:
        """Rank of R(0), shape (...)."""
        return np.linalg.matrix_rank(self.factors)

    def reduced(self) -> "Start":
        """The same start with gauge-reduced factors."""
        return replace(self, factors=gauge.reduce(self.factors)[0])

    def select(self, runs: Index) -> "Start":
        """The starts of some of the runs of a batch."""
        lambda0 = None if self.lambda0 is None else np.asarray(self.lambda0)[runs]
        modes = None if self.modes is None else Modes(*(part[runs] for part in self.modes))
        return Start(self.factors[runs], lambda0, modes, np.broadcast_to(self.tau, len(self.factors))[runs])


def stack(starts: Sequence[Start]) -> Start:
    """One start of a batch of runs, all of one kind and shape."""
    first = starts[0]
    known = [start.lambda0 for start in starts if start.lambda0 is not None]
    lambda0 = np.array(known) if len(known) == len(starts) else None
    modes = None
    if first.modes is not None:
        modes = Modes(
            *(np.stack(parts) for parts in zip(*(start.modes for start in starts if start.modes), strict=True))
        )
    tau = np.array([start.tau for start in starts])
    return Start(np.stack([start.factors for start in starts]), lambda0, modes, tau)


def invariants(factors: Array, rows: int, widths: NDArray[np.integer]) -> dict[str, Array]:
    """Quantities of the start that gradient flow conserves, and the rank of X(0).

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
    dict of ndarray, each with a leading axis over the batch
        `imbalance_norm` ||Q||_F, `imbalance_min` and `imbalance_max` the extreme eigenvalues of Q = U^T U - V^T V (11),
        `imbalance_eigenvalues` those of the reduced Q, descending, `rank` of R, and `product_rank` of X.
    """
    left, right = factors[:, :rows], factors[:, rows:]
    eigenvalues = np.linalg.eigvalsh(left.mT @ left - right.mT @ right)
    lowest, highest = eigenvalues[:, 0], eigenvalues[:, -1]
    reduced = widths > factors.shape[-1]
    return {
        "imbalance_norm": np.linalg.norm(eigenvalues, axis=1),
        "imbalance_min": np.where(reduced, np.minimum(lowest, 0.0), lowest),
        "imbalance_max": np.where(reduced, np.maximum(highest, 0.0), highest),
        "imbalance_eigenvalues": eigenvalues[:, ::-1],
        "rank": np.linalg.matrix_rank(factors),
        "product_rank": np.linalg.matrix_rank(left @ right.mT),
    }
