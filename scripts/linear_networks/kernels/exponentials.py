"""Sums of one to three exponentials fitted to the samples of a window, as `measure.decay` does.

A table of samples lies the other way round than there: its rows are the columns of the matrix, so that a loop over
samples runs along memory. Parts of arrays are copied number by number: as a whole, they take seconds to compile.
"""

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.compiled import part
from linear_networks.kernels.factorizations import eigen, triangle
from linear_networks.measure.decay import Rules

TINY = 1e-300


@part
def search(t: Array, weight: Array, square: Array, rate: float, gaps: Array) -> Array:
    """Logarithm of the best of many gaps (models, q - 1), each with its r_1 by Gauss-Newton."""
    q, n = gaps.shape[1] + 1, len(t)
    table = np.empty((q * (q + 1) // 2 + 2, n))
    sizes, closest, found = np.empty(q), np.full(q, rate), np.inf
    for model in range(len(gaps)):
        sizes[0] = best = rate
        for j in range(q - 1):
            sizes[j + 1] = gaps[model, j]
        least = np.inf
        for _ in range(4):
            k = _basis(t, weight, sizes, table)
            for s in range(n):
                table[k, s] = square[s]
                table[k + 1, s] = t[s] * square[s]
            triangle(table)
            residual, shift, rest = table[k, k], table[k + 1, k], table[k + 1, k + 1]
            if not residual * residual < least:
                break
            least, best = residual * residual, sizes[0]
            step = residual * shift / (2 * (shift * shift + rest * rest) + TINY)
            sizes[0] = min(max(best - step, best / 3), best * 3)
        if least < found:
            found = least
            closest[0] = best
            for j in range(q - 1):
                closest[j + 1] = gaps[model, j]
    return np.log(closest)


@part
def fit(t: Array, weight: Array, square: Array, gaps: Array, rules: Rules) -> tuple[Array, float, Array]:
    """Variable projection (Kaufman) with Levenberg-Marquardt steps in the logarithms of the gaps."""
    q, n = len(gaps), len(t)
    basis, mix, jacobian, residual, cost = _linearize(t, weight, square, gaps)
    damping, spent = 1e-6, 1
    while spent < rules.evaluations:
        values, vectors, push, scale = _directions(jacobian, residual)
        if (push * push / values).sum() < 1e-3 * max(cost, 1e-3 * n):
            break
        while spent < rules.evaluations:
            step = np.zeros(q)
            for i in range(q):
                for j in range(q):
                    step[i] += vectors[i, j] * (push[j] / (values[j] + damping)) / scale[i]
            if damping < 1e3 and np.abs(step).max() > 1.5:
                damping *= 10
                continue
            there = gaps + np.minimum(np.maximum(step, -1.5), 1.5)
            new = _linearize(t, weight, square, there)
            spent += 1
            if new[4] < cost:
                gaps = there
                basis, mix, jacobian, residual, cost = new
                damping *= 0.03
                break
            damping *= 30
    misfit = np.sqrt(cost / (n - len(basis) - q))
    return gaps, misfit, _limits(t, gaps, basis, mix, max(1.0, misfit))


@part
def _directions(jacobian: Array, residual: Array) -> tuple[Array, Array, Array, Array]:
    """Eigenvalues and vectors of the scaled J^T J, the pushes along them, and the scales of the columns of J."""
    rows, q = jacobian.shape
    scale, push, gram = np.zeros(q), np.zeros(q), np.zeros((q, q))
    for j in range(q):
        for i in range(rows):
            scale[j] += jacobian[i, j] * jacobian[i, j]
        scale[j] = np.sqrt(scale[j])
    scale += 1e-12 * scale.max() + TINY
    for i in range(rows):
        for j in range(q):
            for other in range(q):
                gram[j, other] += (jacobian[i, j] / scale[j]) * (jacobian[i, other] / scale[other])
    values, vectors = eigen(gram)
    for i in range(rows):
        for j in range(q):
            for other in range(q):
                push[j] += vectors[other, j] * (jacobian[i, other] / scale[other]) * residual[i]
    return np.maximum(values, 1e-15), vectors, push, scale


@part
def _basis(t: Array, weight: Array, sizes: Array, table: Array) -> int:
    """Terms exp(-(r_i + r_j) t), i <= j, weighted and normalized, into the first rows of a table; how many."""
    q, n, k = len(sizes), len(t), 0
    decays, rate = np.empty((q, n)), 0.0
    for i in range(q):
        rate += sizes[i]
        for s in range(n):
            decays[i, s] = np.exp(-t[s] * rate)
    for i in range(q):
        for j in range(i, q):
            total = 0.0
            for s in range(n):
                table[k, s] = decays[i, s] * decays[j, s] * weight[s]
                total += table[k, s] * table[k, s]
            for s in range(n):
                table[k, s] /= np.sqrt(total) + TINY
            k += 1
    return k


@part
def _linearize(t: Array, weight: Array, square: Array, gaps: Array) -> tuple[Array, Array, Array, Array, float]:
    """Basis, its mixture along the gaps, Jacobian, residual, cost; one QR of [basis, t basis, data] does."""
    q, n = len(gaps), len(t)
    k, sizes = q * (q + 1) // 2, np.exp(gaps)
    table = np.empty((2 * k + 1, n))
    _basis(t, weight, sizes, table)
    basis = table[:k].copy()
    for s in range(n):
        for p in range(k):
            table[k + p, s] = t[s] * table[p, s]
        table[2 * k, s] = square[s]
    triangle(table)
    solved = np.empty(k)
    for i in range(k - 1, -1, -1):
        total, head = table[2 * k, i], table[i, i]
        for j in range(i + 1, k):
            total -= table[j, i] * solved[j]
        solved[i] = total / (head + 1e-13 if abs(head) < 1e-13 else head)
    mix, p = np.empty((k, q)), 0
    for i in range(q):
        for j in range(i, q):
            for gap in range(q):
                mix[p, gap] = -((gap <= i) + (gap <= j)) * solved[p] * sizes[gap]
            p += 1
    jacobian, residual, cost = np.zeros((k + 1, q)), np.empty(k + 1), 0.0
    for i in range(k + 1):
        residual[i] = table[2 * k, k + i]
        cost += residual[i] * residual[i]
        for gap in range(q):
            for j in range(i, k):
                jacobian[i, gap] += table[k + j, k + i] * mix[j, gap]
    return basis, mix, jacobian, residual, cost


@part
def _limits(t: Array, gaps: Array, basis: Array, mix: Array, level: float) -> Array:
    """Noise and resolution in units of r_1, for errors of a floor per sample or of the misfit, of any signs."""
    (k, n), q = basis.shape, len(gaps)
    table = np.zeros((k + q + 1, n))
    for s in range(n):
        for p in range(k):
            table[p, s] = basis[p, s]
            # The slope along r_1 is the last but one.
            table[k + q - 1, s] += basis[p, s] * mix[p, 0] * t[s]
            for gap in range(1, q):
                table[k + gap - 1, s] += basis[p, s] * mix[p, gap] * t[s]
        table[k + q, s] = basis[0, s] * t[s] * t[s] * (mix[0, 0] * np.exp(gaps[0]))
    heads, factors = triangle(table)
    moves = np.empty(2)
    for place in range(2):
        column = k + q - 1 + place
        unit = np.zeros(n)
        unit[column] = 1.0
        for j in range(column, -1, -1):
            dot = heads[j] * unit[j]
            for s in range(j + 1, n):
                dot += table[j, s] * unit[s]
            unit[j] -= factors[j] * dot * heads[j]
            for s in range(j + 1, n):
                unit[s] -= factors[j] * dot * table[j, s]
        moves[place] = np.abs(unit).sum() / max(abs(table[column, column]), TINY)
    return np.array([2 * level * moves[0], 3 * np.sqrt(level * moves[1])])
