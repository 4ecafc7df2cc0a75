"""Which starts need the digits of `many_digits`."""

import numpy as np

from linear_networks.arrays import Array, Mask

GRADED = 1e3  # ratio of rows that leaves twelve digits of the small ones


def is_graded(*blocks: Array) -> Mask:
    """Whether rows of a block differ by more than `GRADED`, or rows of different blocks and columns both do, per run.

    A row of zeros differs from any other. A single column scales its rows and mixes nothing.

    Parameters
    ----------
    *blocks : ndarray, shape (batch, rows, w)
        The rows that the eigenvectors mix.
    """
    sizes = [np.linalg.norm(block, axis=-1) for block in blocks]
    if not _differ(np.concatenate(sizes, axis=-1)).any():
        return np.zeros(len(blocks[0]), dtype=np.bool_)
    within = np.any([_differ(size) for size in sizes], axis=0)
    columns = np.linalg.norm(np.concatenate(blocks, axis=1), axis=1)
    columns = np.where(columns > 0, columns, columns.max(axis=-1, keepdims=True))  # those of zeros play no part
    across = _differ(np.concatenate(sizes, axis=-1)) & _differ(columns)
    return (within | across) & (blocks[0].shape[-1] > 1)


def _differ(sizes: Array) -> Mask:
    """Whether the largest is more than `GRADED` times the smallest."""
    differ: Mask = sizes.max(axis=-1) / GRADED > sizes.min(axis=-1)
    return differ
