"""Factorizations of a few rows and columns."""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.compiled import part


@part
def triangle(table: Array) -> tuple[Array, Array]:
    """R of a table whose rows are the columns of a matrix, in place: R[i, j] is table[j, i].

    By Householder's reflections I - f h h^T, whose factors f and heads of the vectors h are returned; the other entries
    of each h stand behind the diagonal.
    """
    columns, n = table.shape
    heads, factors = np.zeros(columns), np.zeros(columns)
    for j in range(columns):
        total = 0.0
        for s in range(j, n):
            total += table[j, s] * table[j, s]
        if total == 0:
            continue
        head = table[j, j]
        end = -np.sqrt(total) if head >= 0 else np.sqrt(total)
        heads[j], factors[j] = head - end, 1 / (total - end * head)
        table[j, j] = heads[j]
        for column in range(j + 1, columns):
            dot = 0.0
            for s in range(j, n):
                dot += table[j, s] * table[column, s]
            dot *= factors[j]
            for s in range(j, n):
                table[column, s] -= dot * table[j, s]
        table[j, j] = end
    return heads, factors


@part
def eigen(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues and vectors of a symmetric matrix of up to three rows, by Jacobi's rotations."""
    size, a = len(matrix), matrix.copy()
    vectors = np.eye(size)
    for _ in range(8):
        for i in range(size - 1):
            for j in range(i + 1, size):
                if a[i, j] == 0:
                    continue
                ratio = (a[j, j] - a[i, i]) / (2 * a[i, j])
                tangent = (1.0 if ratio >= 0 else -1.0) / (abs(ratio) + np.sqrt(ratio * ratio + 1))
                cosine = 1 / np.sqrt(tangent * tangent + 1)
                sine = tangent * cosine
                for row in range(size):
                    left, right = a[row, i], a[row, j]
                    a[row, i], a[row, j] = cosine * left - sine * right, sine * left + cosine * right
                    left, right = vectors[row, i], vectors[row, j]
                    vectors[row, i], vectors[row, j] = cosine * left - sine * right, sine * left + cosine * right
                for column in range(size):
                    left, right = a[i, column], a[j, column]
                    a[i, column], a[j, column] = cosine * left - sine * right, sine * left + cosine * right
    return np.diag(a).copy(), vectors
