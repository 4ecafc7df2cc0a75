"""Correlations of tables of samples."""

import logging

import numpy as np
from numpy.typing import ArrayLike

from linear_networks.arrays import Array
from linear_networks.components import Parameter, Refused
from linear_networks.matrices.source import Data, Source, check_size

# A coefficient of correlation below it is of rounding, not of data.
UNCORRELATED = 1e-8
# Features are scaled by powers of it, of 2, where they differ in size by more than its root.
STEP = 40


class Table(Source):
    """Correlation of a target column of a table with its whitened other columns.

    The table is text (.csv, .tsv, .txt, each also .gz) or .parquet.
    """

    name, label = "table", "correlation of a table"
    reads = "table"
    parameters = {
        "path": Parameter("file that Y is read from, relative to the config file", str),
        "target": Parameter("target column of the table that Y is the correlation of", str, axis=False),
        "target_kind": Parameter(
            "what the target column holds; left out, decimals are real values, and text, truth values and whole "
            "numbers are classes",
            str,
            None,
            words=("classes", "real"),
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

    @staticmethod
    def expected_norm(*, features: Array, targets: Array) -> float:
        # By normal equations, which are quick, and too coarse for Y itself.
        centred = _scaled(_centred(features))
        cross = (targets - targets.mean(axis=0)).T @ centred
        square = cross @ np.linalg.pinv(centred.T @ centred, hermitian=True) @ cross.T
        return float(np.sqrt(np.linalg.norm(square, 2) / len(features)))

    @staticmethod
    def check(*, features: Array, targets: Array) -> None:
        varying = [_scaled(_centred(part)) for part in (features, targets)]
        if not varying[1].any():
            raise Refused("target", "the target does not vary, and correlates with no feature; name another")
        if not varying[0].any():
            raise Refused("path", "no feature varies, and none correlates with the target; a column has to")
        if np.max(np.abs(varying[1].T @ varying[0])) < UNCORRELATED:
            raise Refused(
                "target", "no feature correlates with the target, and the relative error of Y = 0 is undefined"
            )
        check_size("target", float(np.max(np.std(targets, axis=0))))


def correlation(features: ArrayLike, targets: ArrayLike) -> tuple[Array, int]:
    """Correlation of targets with whitened features, the data matrix of a linear network trained on them.

    Features are centred and whitened, z = C^{+1/2} (x - mean x) with C their covariance, so that
    the squared loss of the model y = X z is that of (2) up to a constant, with Y = mean(y z^T) (footnote 3).
    Features that are a million times smaller than the largest, or more, are measured in a smaller unit, which
    turns z. Rank and singular values do not depend on units.

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
    centred = _centred(features)
    _, exponents = np.frexp(np.max(np.abs(centred), axis=0))
    # Powers of 2 scale without rounding.
    centred = np.ldexp(centred, STEP * np.rint((exponents.max() - exponents) / STEP).astype(int))
    left, deviations, right = np.linalg.svd(centred, full_matrices=False)
    rank = int(np.sum(deviations > np.finfo(np.float64).eps * max(features.shape) * np.max(deviations)))
    # left[:, :rank] are the whitened features in their principal axes, up to sqrt(samples).
    return targets.T @ left[:, :rank] @ right[:rank] / np.sqrt(len(features)), rank


def _centred(columns: Array) -> Array:
    """Columns without their means; 0 where a column varies by rounding only."""
    rounding = np.finfo(np.float64).eps * max(columns.shape) * np.max(np.abs(columns), axis=0)
    return np.where(np.ptp(columns, axis=0) > rounding, columns - columns.mean(axis=0), 0.0)


def _scaled(columns: Array) -> Array:
    """Columns of norm 1, or 0, in which squares do not vanish."""
    tiny = np.finfo(np.float64).tiny
    columns = columns / np.maximum(np.max(np.abs(columns), axis=0), tiny)
    columns /= np.maximum(np.linalg.norm(columns, axis=0), tiny)
    return columns


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
    indicators = np.zeros((len(index), len(classes)))
    indicators[np.arange(len(index)), index] = 1.0
    return indicators, classes.tolist()
