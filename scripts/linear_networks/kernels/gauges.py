"""Starts of the Riccati flow in the gauge in which each mode has the columns that it needs.

Columns lie along memory: those of Phi^T R0, then of R0.
"""

import numpy as np

from linear_networks.arrays import Array, Index
from linear_networks.kernels.compiled import part


@part
def start(basis: Array, factor: Array, rounding: float) -> tuple[float, Array, Array]:
    """Largest entry of R0, rounding of each row of Phi^T R0, and [Phi^T R0; R0], both in units of it."""
    size, width = factor.shape
    scale = 0.0
    for i in range(size):
        for j in range(width):
            scale = max(scale, abs(factor[i, j]))
    if scale == 0:
        scale = 1.0
    noise, gauge = np.zeros(size), np.zeros((width, 2 * size))
    terms, sizes = np.empty(size), np.empty(size)
    for j in range(width):
        terms[:], sizes[:] = 0.0, 0.0
        for k in range(size):
            entry = factor[k, j] / scale
            gauge[j, size + k] = entry
            for i in range(size):
                terms[i] += basis[k, i] * entry
                sizes[i] += abs(basis[k, i] * entry)
        for i in range(size):
            gauge[j, i] = terms[i]
            noise[i] += sizes[i] * sizes[i]
    return scale, rounding * size * np.sqrt(noise), gauge


@part
def rotate(gauge: Array, power: Index, noise: Array) -> int:
    """A Householder LQ, in place, that picks rows by what is left of them, weighted by 2^power; how many it picks."""
    (width, both), size = gauge.shape, len(power)
    mirror, dots, squares = np.empty(width), np.empty(both), np.empty(size)
    for j in range(width):
        squares[:] = 0.0
        for k in range(j, width):
            for i in range(size):
                squares[i] += gauge[k, i] * gauge[k, i]
        pick, most, end = -1, 0.0, 0.0
        for i in range(size):
            length = np.sqrt(squares[i])
            if length > noise[i]:
                height = np.log2(length) + power[i]
                if pick < 0 or height > most:
                    pick, most, end = i, height, length
            else:
                gauge[j:, i] = 0.0
        if pick < 0:
            return j
        for k in range(j, width):
            mirror[k] = gauge[k, pick]
        mirror[j] += end if mirror[j] >= 0 else -end
        factor = 1 / (end * abs(mirror[j]))
        dots[:] = 0.0
        for k in range(j, width):
            for i in range(both):
                dots[i] += gauge[k, i] * (factor * mirror[k])
        for k in range(j, width):
            for i in range(both):
                gauge[k, i] -= dots[i] * mirror[k]
        gauge[j + 1 :, pick] = 0.0
    return width
