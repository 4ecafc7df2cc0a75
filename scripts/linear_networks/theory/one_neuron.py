r"""One linear neuron with an output weight: the potential that selects its solution.

f(x) = a w^T x is the two-layer model with U = w, V = a and one hidden unit, X = beta = a w. Its flow keeps
delta = a^2 - ||w||^2, which is -Q. A loss of regression on inputs A pulls w by a A^T r, along rows of A: where a keeps
its sign s, which is sure for delta >= 0, s w(t) stays in s w(0) + row space. As s w is the gradient of a potential Phi
of beta, the flow takes, of all beta that fit the outputs, the one of least Phi(beta) - <grad Phi(beta(0)), beta>. For
delta -> infinity that is the one closest to beta(0).
"""

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array


def potential(beta: ArrayLike, delta: ArrayLike) -> Array:
    """Phi = sqrt((kappa + delta) / 2) (kappa - 2 delta) / 3 with kappa = sqrt(delta^2 + 4 ||beta||^2).

    Parameters
    ----------
    beta : array_like, shape (..., m)
    delta : array_like, shape (...)    a^2 - ||w||^2

    Returns
    -------
    ndarray, shape (...). Convex in beta.
    """
    output, _, kappa = _weights(beta, delta)
    return np.asarray(output * (kappa - 2.0 * np.asarray(delta, float)) / 3.0)


def gradient(beta: ArrayLike, delta: ArrayLike) -> Array:
    """Grad Phi = (beta / ||beta||) sqrt((kappa - delta) / 2), which is s w. Parameters as of `potential`.

    Returns
    -------
    ndarray, shape (..., m). NaN at beta = 0 for delta < 0, where Phi has an edge.
    """
    beta = np.asarray(beta, float)
    output, inner, _ = _weights(beta, delta)
    size, inner = np.linalg.norm(beta, axis=-1)[..., None], inner[..., None]
    direction = np.divide(beta, size, out=np.zeros_like(beta), where=size > 0.0)
    return np.where((size > 0.0) | (inner == 0.0), direction * inner, np.nan)


def _weights(beta: ArrayLike, delta: ArrayLike) -> tuple[Array, Array, Array]:
    """|a|, ||w|| and kappa = a^2 + ||w||^2; the smaller of both by their product, ||beta||."""
    size, delta = np.linalg.norm(np.asarray(beta, float), axis=-1), np.asarray(delta, float)
    kappa = np.hypot(delta, 2.0 * size)
    larger = np.sqrt((kappa + np.abs(delta)) / 2.0)
    smaller = np.divide(size, larger, out=np.zeros_like(larger), where=larger > 0.0)
    return np.where(delta >= 0.0, larger, smaller), np.where(delta >= 0.0, smaller, larger), kappa
