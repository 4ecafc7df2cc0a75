"""The O(k) gauge freedom of the factors: a problem of any width is one of width at most m + n.

X(t) depends on the factors R only through R R^T, and both gradient descent and gradient flow commute with
R -> R G for orthogonal G. With R(0) = L B^T, B orthonormal, the factors stay R(t) = L(t) B^T, where L(t) starts at L
and obeys the same equations, so that nothing is lost by working with the narrower L.
"""

import numpy as np

from linear_networks.arrays import Array

ROUNDING = 4.0 * float(np.finfo(np.float64).eps)  # of a column, in units of the factors and per row


def reduce(factors: Array) -> tuple[Array, Array]:
    """Thin LQ decomposition R = L B^T.

    Parameters
    ----------
    factors : ndarray, shape (..., m + n, k)

    Returns
    -------
    reduced : ndarray, shape (..., m + n, min(k, m + n))
        L.
    basis : ndarray, shape (..., k, min(k, m + n))
        B, with orthonormal columns.
    """
    basis, triangle = np.linalg.qr(factors.mT)
    # Columns that are nothing but rounding would add ranks that the factors do not have.
    # Factors whose norm is no number lose none.
    size = np.linalg.norm(factors, axis=(-2, -1))
    noise = ROUNDING * factors.shape[-2] * np.where(np.isfinite(size), size, 0.0)
    kept = np.linalg.norm(triangle, axis=-1) > noise[..., None]
    return np.ascontiguousarray((triangle * kept[..., None]).mT), basis


def restore(reduced: Array, basis: Array) -> Array:
    """Factors R = L B^T of the full width, the inverse of `reduce`.

    Parameters
    ----------
    reduced : ndarray, shape (..., m + n, min(k, m + n))
    basis : ndarray, shape (..., k, min(k, m + n))

    Returns
    -------
    ndarray, shape (..., m + n, k)
    """
    return reduced @ basis.mT
