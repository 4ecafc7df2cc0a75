"""Data matrices Y: drawn, with a given spectrum, or the correlation of a table."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def gaussian(rng: np.random.Generator, rows: int, columns: int, symmetric: bool = False) -> Array:
    """Matrix with independent standard normal entries.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns : int
        Shape of the matrix; equal if symmetric.
    symmetric : bool
        Return (A + A^T) / sqrt(2), whose off-diagonal entries have variance 1.

    Returns
    -------
    ndarray, shape (rows, columns)
    """
    normals = rng.standard_normal((rows, columns))
    return (normals + normals.T) / np.sqrt(2.0) if symmetric else normals


def spectrum(rng: np.random.Generator, rows: int, columns: int, values: ArrayLike, symmetric: bool = False) -> Array:
    """Matrix with the given singular values (eigenvalues if symmetric) in Haar-random bases.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows, columns : int
        Shape of the matrix; equal if symmetric.
    values : array_like, shape (r,)
        Singular values, or eigenvalues of either sign if symmetric; r <= min(rows, columns), the others are zero.
    symmetric : bool

    Returns
    -------
    ndarray, shape (rows, columns)
    """
    values = np.asarray(values, dtype=np.float64)
    left = _haar(rng, rows)[:, : values.size]
    if symmetric:
        matrix = left * values @ left.T
        return (matrix + matrix.T) / 2.0
    right = _haar(rng, columns)[:, : values.size]
    return left * values @ right.T


def _haar(rng: np.random.Generator, size: int) -> Array:
    from scipy.stats import ortho_group

    # SciPy's group starts at size 2; the orthogonal 1 x 1 matrices are the two signs.
    if size == 1:
        return rng.choice([-1.0, 1.0], (1, 1))
    return ortho_group.rvs(size, random_state=rng)


def correlation(features: ArrayLike, targets: ArrayLike) -> tuple[Array, int]:
    """Correlation of targets with whitened features, the data matrix of a linear network trained on them.

    Features are centred and whitened, z = C^{+1/2} (x - mean x) with C their covariance, so that
    the squared loss of the model y = X z is that of (2) up to a constant, with Y = mean(y z^T) (footnote 3).

    Parameters
    ----------
    features : array_like, shape (samples, n)
    targets : array_like, shape (samples, m)

    Returns
    -------
    matrix : ndarray, shape (m, n)
    rank : int
        Rank of C. Below n, some features are constant or collinear; their directions carry no information
        and the pseudo-inverse leaves them out.
    """
    features, targets = np.asarray(features, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    centred = features - features.mean(axis=0)
    left, deviations, right = np.linalg.svd(centred, full_matrices=False)
    rank = int(np.sum(deviations > np.finfo(np.float64).eps * max(features.shape) * np.max(deviations)))
    # left[:, :rank] are the whitened features in their principal axes, up to sqrt(samples).
    return targets.T @ left[:, :rank] @ right[:rank] / np.sqrt(len(features)), rank


class Teacher(NamedTuple):
    """A task for a one-layer model behind a sigmoid.

    Attributes
    ----------
    weights : ndarray, shape (features, features)
        W*.
    inputs, outputs : ndarray, shape (samples, features)
        A, and B = phi(A W*) + noise.
    """

    weights: Array
    inputs: Array
    outputs: Array


def teacher(rng: np.random.Generator, samples: int, features: int, noise: float) -> Teacher:
    """Data of Figure 3: standard normal W* and inputs, and outputs with normal noise of standard deviation `noise`."""
    from scipy.special import expit

    weights = rng.standard_normal((features, features))
    inputs = rng.standard_normal((samples, features))
    outputs = expit(inputs @ weights) + noise * rng.standard_normal((samples, features))
    return Teacher(weights, inputs, outputs)


def one_hot(labels: ArrayLike) -> tuple[Array, list]:
    """Indicator columns of the classes of `labels`, in sorted order.

    Parameters
    ----------
    labels : array_like, shape (samples,)

    Returns
    -------
    indicators : ndarray, shape (samples, classes)
    classes : list
    """
    classes, index = np.unique(np.asarray(labels), return_inverse=True)
    return np.eye(len(classes))[index], classes.tolist()


def gaussian_norm(rows: float, columns: float) -> float:
    """Spectral norm to expect of a matrix with standard normal entries, about sqrt(rows) + sqrt(columns)."""
    return float(np.sqrt(rows) + np.sqrt(columns))
