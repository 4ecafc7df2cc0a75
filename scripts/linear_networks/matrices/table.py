"""Correlations of tables of samples."""

import logging

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array
from linear_networks.components import Parameter
from linear_networks.matrices.source import Data, Source


class Table(Source):
    """Correlation of a target column of a .csv or .parquet table with its whitened other columns."""

    name, label = "table", "correlation of a table"
    reads = "table"
    parameters = {
        "path": Parameter("file that Y is read from, relative to the config file", str),
        "target": Parameter(
            "target column of the table that Y is the correlation of; classes if it holds text or whole numbers",
            str,
            axis=False,
        ),
    }

    @staticmethod
    def draw(features: Array, targets: Array) -> Data:
        """The correlation; what was left out is logged."""
        matrix, rank = correlation(features, targets)
        if rank < features.shape[1]:
            message = "%d of %d features are constant or collinear; the pseudo-inverse leaves them out"
            logging.info(message, features.shape[1] - rank, features.shape[1])
        return Data(matrix)

    @staticmethod
    def shape(*, features: Array, targets: Array) -> tuple[int, int]:
        return targets.shape[1], features.shape[1]


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
