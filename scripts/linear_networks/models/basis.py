"""The singular basis of Y, in which its modes are apart.

The models on Y = Phi Sigma Psi^T are those on Sigma, seen from another basis: with X every trajectory turns into
Phi^T X Psi, with the factors into Phi^T U and Psi^T V, and no loss, error, singular value or imbalance changes. On
Sigma, which holds exact zeros, every mode has rows of its own, and as long as these are small they obey linear
equations: what a mode grows from keeps its digits, however large the rows of other modes are. In any other basis, a
mode of size 1e-13 lies below the rounding of one of size 1e3.
"""

from typing import NamedTuple, Self

import numpy as np

from linear_networks.arrays import Array

ROUNDING = 4.0 * float(np.finfo(np.float64).eps)  # of a row in the singular basis, per row that it is a sum of


class Basis(NamedTuple):
    """Orthogonal bases of the rows and the columns of a batch of matrices Y.

    Attributes
    ----------
    left, right : ndarray, shapes (batch, m, m) and (batch, n, n)
        Phi and Psi.
    values : ndarray, shape (batch, min(m, n))
        Diagonal of Phi^T Y Psi.
    """

    left: Array
    values: Array
    right: Array

    @classmethod
    def singular(cls, matrices: Array) -> Self:
        """The singular bases; where Y is symmetric, psi_i is phi_i or -phi_i exactly."""
        batch, rows, columns = matrices.shape
        left, values, right = np.linalg.svd(matrices)
        right = right.mT.copy()
        if rows == columns:
            for run in np.flatnonzero((matrices == matrices.mT).all(axis=(1, 2))):
                signed, vectors = np.linalg.eigh(matrices[run])
                order = np.argsort(-np.abs(signed), kind="stable")
                left[run], values[run] = vectors[:, order], np.abs(signed[order])
                right[run] = left[run] * np.where(signed[order] < 0.0, -1.0, 1.0)
        return cls(left, values, right)

    @classmethod
    def eigen(cls, matrices: Array) -> Self:
        """The eigenbasis of symmetric matrices, eigenvalues descending."""
        values, vectors = (part[..., ::-1].copy() for part in np.linalg.eigh(matrices))
        return cls(vectors, values, vectors)

    def diagonal(self, values: Array) -> Array:
        """Rectangular diagonal matrices of these values, shape (batch, m, n)."""
        diagonal = np.zeros((len(values), self.left.shape[-1], self.right.shape[-1]))
        index = np.arange(values.shape[-1])
        diagonal[:, index, index] = values
        return diagonal

    def part(self, data: Array, values: Array) -> Array:
        """What these singular values leave of the matrices of the basis: all of it where they are all there."""
        size, whole = values.shape[-1], (values == self.values).all(axis=1)
        part = self.left[..., :size] * values[:, None, :] @ self.right[..., :size].mT
        return np.where(whole[:, None, None], data, part)


def turn(basis: Array, rows: Array) -> Array:
    """Rows Phi^T F of a factor; those that are nothing but the rounding of the sum are 0.

    A row that is 0 stays 0 in every flow: a mode that its start does not contain is not made up.
    """
    turned = basis.mT @ rows
    noise = ROUNDING * basis.shape[-1] * np.linalg.norm(np.abs(basis.mT) @ np.abs(rows), axis=-1)
    turned[np.linalg.norm(turned, axis=-1) <= noise] = 0.0
    return turned
