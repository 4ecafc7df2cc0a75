"""Types of arrays, and norms of them."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


def squared_norm(arrays: Array) -> Array:
    """Squared norms, shape (batch,), of arrays of shape (batch, ...)."""
    flat = arrays.reshape(len(arrays), -1)
    # One dot product a run: a sum over two axes would depend on how NumPy orders the batch.
    return np.vecdot(flat, flat)


def gaussian_norm(rows: float, columns: float) -> float:
    """Spectral norm to expect of a matrix with standard normal entries, about sqrt(rows) + sqrt(columns)."""
    return float(np.sqrt(rows) + np.sqrt(columns))
