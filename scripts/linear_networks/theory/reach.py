"""Which modes of Y the product of a start can learn."""

import numpy as np

from linear_networks.arrays import Array, Mask
from linear_networks.initializations.start import Start
from linear_networks.models.basis import Basis, turn

EQUAL = 1e-12  # Values that differ by this times the largest are equal.
ROUNDING = 1e-13  # Relative difference of factors that are equal.


def singular(basis: Basis, widths: Array, start: Start | None) -> Array:
    """Singular values of Y, in the order of its singular bases, that X = U V^T keeps under (10).

    A generic start keeps the k largest. Ranks and modes that it does not have are not made; and where it is balanced,
    its product does not lose a rank on the way, see `_reached_by_balance`.

    Parameters
    ----------
    basis : Basis
        The singular bases of Y.
    widths : ndarray, shape (batch,)
        k.
    start : Start or None
        None for generic starts.

    Returns
    -------
    ndarray, shape (batch, min(m, n))
        0 for a mode that is not kept; NaN where equal values leave open which are.
    """
    if start is None:
        return leading(basis.values, widths)
    if start.modes is not None:
        return leading(basis.values, widths, (start.modes.products > 0.0) | (start.modes.imbalances != 0.0))
    rows, size = basis.left.shape[1], basis.values.shape[1]
    left, right = turn(basis.left, start.factors[:, :rows]), turn(basis.right, start.factors[:, rows:])
    started = (left[:, :size] != 0.0).any(axis=2) | (right[:, :size] != 0.0).any(axis=2)
    if start.lambda0 is not None and left.shape[1] == right.shape[1]:
        balanced = np.hypot(start.lambda0, start.tau) == np.zeros(len(left))
        started &= ~balanced[:, None] | _reached_by_balance(left, right, basis)
    return leading(basis.values, np.minimum(widths, start.rank), started)


def positive(basis: Basis, widths: Array, start: Start | None) -> Array:
    """Eigenvalues of symmetric Y, descending, that X = U U^T keeps under (3): the positive ones, up to U(0)'s rank.

    Parameters and result as of `singular`, of the eigenbases of Y.
    """
    values = np.maximum(basis.values, 0.0)
    if start is None:
        return leading(values, widths)
    left = start.factors[:, : basis.left.shape[1]]
    started = (turn(basis.left, left) != 0.0).any(axis=2)
    return leading(values, np.minimum(widths, np.linalg.matrix_rank(left)), started)


def leading(values: Array, ranks: Array, allowed: Mask | None = None) -> Array:
    """The largest of the allowed values, so many of each run; the others are 0.

    Parameters
    ----------
    values : ndarray, shape (batch, p)
        >= 0, descending.
    ranks : ndarray, shape (batch,)
    allowed : ndarray of bool, shape (batch, p), optional

    Returns
    -------
    ndarray, shape (batch, p)
        NaN for a run in which one of several equal values is kept and another is not.
    """
    chosen = np.ones(values.shape, dtype=bool) if allowed is None else allowed
    kept = chosen & (np.cumsum(chosen, axis=1) <= ranks[:, None])
    close = np.abs(values[:, :, None] - values[:, None, :]) <= EQUAL * values[:, :1, None]
    there = np.greater(values, EQUAL * values[:, :1])
    undecided = np.any(close & (there & kept)[:, :, None] & (there & ~kept)[:, None, :], axis=(1, 2), keepdims=True)
    return np.where(undecided[:, 0], np.nan, np.where(kept, values, 0.0))


def _reached_by_balance(left: Array, right: Array, basis: Basis) -> Mask:
    """Modes that square balanced factors, in the singular basis of Y, can reach; shape (batch, m).

    The rank of their X is conserved and with it the sign of det X. Where that is not the sign of det Y, the smallest
    mode is not reached; where V = U and Y is symmetric, those with negative eigenvalues are not.
    """
    reached = np.ones(basis.values.shape, dtype=bool)
    full = np.linalg.matrix_rank(left) == left.shape[1]
    # In its bases, Y is diagonal and not negative.
    reached[:, -1] = ~(full & (np.linalg.slogdet(left @ right.mT)[0] < 0.0))
    signs = np.sign(np.sum(basis.left * basis.right, axis=1))
    symmetric = (basis.left == basis.right * signs[:, None, :]).all(axis=(1, 2))
    apart = np.linalg.norm(left - signs[:, :, None] * right, axis=(1, 2))
    tied = symmetric & (apart <= ROUNDING * np.linalg.norm(left, axis=(1, 2)))
    return np.where(tied[:, None], signs > 0.0, reached)
