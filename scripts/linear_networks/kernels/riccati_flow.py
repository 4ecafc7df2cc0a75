"""The Riccati flow of a run: `theory.riccati_flow` as loops that are compiled.

It goes in blocks of samples. These stand innermost, so that a loop over them runs along memory. Columns of D^{1/2} L
are divided by powers of 2, so that a sample takes an exponential for each mode rather than for each entry.
"""

import math
from typing import NamedTuple

import numpy as np

from linear_networks.arrays import Array, Index
from linear_networks.kernels.compiled import compiled, ordered, part
from linear_networks.kernels.gauges import rotate, start
from linear_networks.kernels.growth import FRACTION, VANISHED, decay, exponential
from linear_networks.kernels.hypotenuse import hypotenuse
from linear_networks.theory.riccati_flow import Rules

BLOCK = 64  # samples
LANES = 8  # a block is filled up to a multiple of it, so that no loop over samples has a rest
TINY = float(np.finfo(np.float64).tiny)


class Block(NamedTuple):
    """What is known of a block of samples; these stand last.

    rest, power    : D^{1/2} |R0| = rest 2^power of each mode, and in the last row 1, both relative to e^{base t}
    weight         : F of each mode, or f while it is early
    kept           : |R0| while it is early, else 0
    scaled, metric : columns of M, with e^{-c} in the last place; e^{-2c} + M^T M and its Cholesky factor
    z              : K^T, then Z
    """

    rest: Array
    power: Index
    weight: Array
    kept: Array
    scaled: Array
    metric: Array
    z: Array


@compiled
def eigenbasis(left: Array, sigma: Array, right: Array, lambda0: float) -> tuple[float, Array, Array]:
    """As `theory.riccati_flow.eigenbasis`."""
    m, n, modes, half = len(left), len(right), len(sigma), lambda0 / 2
    base, size = abs(half), m + n
    gaps, basis = np.empty(size), np.zeros((size, size))
    for i in range(modes):
        reach = base + hypotenuse(sigma[i], half)
        tau = sigma[i] / reach if reach > 0 else 0.0
        cosine = 1 / hypotenuse(1.0, tau)
        u, v = (cosine, tau * cosine) if half >= 0 else (tau * cosine, cosine)
        falling = size - 1 - i
        gaps[i], gaps[falling] = sigma[i] * tau, -2 * base - sigma[i] * tau
        for row in range(m):
            basis[row, i], basis[row, falling] = u * left[row, i], -v * left[row, i]
        for row in range(n):
            basis[m + row, i], basis[m + row, falling] = v * right[row, i], u * right[row, i]
    for i in range(modes, m):
        gaps[i] = half - base
        for row in range(m):
            basis[row, i] = left[row, i]
    for i in range(modes, n):
        gaps[i] = -half - base
        for row in range(n):
            basis[m + row, i] = right[row, i]
    return base, gaps, basis


@compiled
def flow(
    t: Array,
    base: float,
    gaps: Array,
    basis: Array,
    factor: Array,
    rows: int,
    rules: Rules,
    found: Array,
    sizes: Array,
) -> bool:
    """P(t) of one run as `theory.riccati_flow.flow` gives it, or its block X(t), into arrays.

    Parameters
    ----------
    t, base, gaps, basis, factor
        As there.
    rows : int
        Of X, which is the block beside as many leading rows and columns of P.
    rules : Rules
    found : ndarray, shape (samples, N, N) or (samples, rows, N - rows)
        Takes P or X.
    sizes : ndarray, shape (samples, 3)
        Takes the traces of the diagonal blocks, and ||X||_F^2.

    Returns
    -------
    deficient : bool
    """
    (size, width), samples = factor.shape, len(t)
    scale, noise, gauge = start(basis, factor, rules.rounding)
    rank, order = 0, np.empty(size, np.int64)
    for step in (0, -10000):  # by size, then by speed
        for i in range(size):
            order[i] = step * i
        rank = rotate(gauge, order, noise)
    deficient = False
    for j in range(width):
        deficient |= gauge[j, j] == 0
    block, again = _block(size, width), np.empty(samples, np.int64)
    done = failed = 0
    while done < samples + failed:  # in blocks, then those that need a gauge of their own
        alone = done >= samples
        first = again[done - samples] if alone else done
        last = first + 1 if alone else min(first + BLOCK, samples)
        times = _times(t[first:last])
        early = _rates(times, base, gaps, scale, rules, block)
        columns = width if early else rank  # others are of use to R0 alone
        own = gauge.copy()
        if alone:
            rotate(own, block.power[:size, 0].copy(), noise)
        least = _solve(own, basis, columns, len(times), rules, block)
        _write(block.z, columns, rows, found[first:last], sizes[first:last])
        if not alone:
            for sample in range(first, last):
                if least[sample - first] < rules.pivot:
                    again[failed] = sample
                    failed += 1
        done += last - first
    return deficient


@part
def _block(size: int, width: int) -> Block:
    """Room for a block of samples."""
    return Block(
        np.empty((size + 1, BLOCK)),
        np.empty((size + 1, BLOCK), np.int64),
        np.empty((size, BLOCK)),
        np.empty(BLOCK),
        np.empty((width, size + 1, BLOCK)),
        np.empty((width, width, BLOCK)),
        np.empty((width, size, BLOCK)),
    )


@part
def _times(some: Array) -> Array:
    """Times of a block, of which the last is repeated until the block is full."""
    times = np.empty((len(some) + LANES - 1) // LANES * LANES)
    for s in range(len(times)):
        times[s] = some[min(s, len(some) - 1)]
    return times


@part
def _rates(times: Array, base: float, gaps: Array, scale: float, rules: Rules, block: Block) -> bool:
    """What modes, 1 and R0 have become; whether a sample is early."""
    size, some, fastest = len(gaps), False, 0.0
    for gap in gaps:
        fastest = max(fastest, abs(base + gap))
    for s, t in enumerate(times):
        early = max(fastest * t, scale * scale * t) <= rules.early
        some |= early
        block.kept[s] = scale if early else 0.0
    samples = len(times)
    root, fraction, power = np.ones(samples), np.empty(samples), np.empty(samples)
    for i in range(size, -1, -1):  # from 1 and what does not grow beside it to what does
        if i < size - 1 and gaps[i] == gaps[i + 1]:
            for s in range(samples):
                block.rest[i, s], block.power[i, s] = block.rest[i + 1, s], block.power[i + 1, s]
                block.weight[i, s] = block.weight[i + 1, s]
            continue
        if i < size:
            _weigh(times, base + gaps[i], block.kept, root, block.weight[i])
            for s in range(samples):
                root[s] *= scale
        if i == size or base + gaps[i] > 0:
            exponential(times, gaps[i] if i < size else -base, fraction, power)
        for s in range(samples):
            block.rest[i, s], more = math.frexp((1 + fraction[s]) * root[s])
            block.power[i, s] = np.int64(power[s]) + more
    return some


@ordered
def _weigh(times: Array, mu: float, kept: Array, root: Array, weight: Array) -> None:
    """D^{1/2} without what grows in it, and F, or f while it is early."""
    left, lost = np.empty(len(times)), np.empty(len(times))
    decay(times, abs(mu), left, lost)
    for s, t in enumerate(times):
        x, span = abs(mu) * t, max(t, TINY)
        root[s] = np.sqrt(span * (lost[s] * (1 + left[s]) / (2 * x)) if x > 0 else span)
        weight[s] = (left[s] if mu < 0 else 1.0) / root[s]
    for s in range(len(times)):
        if kept[s] > 0:
            gained = np.sqrt(2 * abs(mu) * (lost[s] / (1 + left[s])))
            weight[s] = gained if mu > 0 else -gained


@part
def _solve(gauge: Array, basis: Array, width: int, samples: int, rules: Rules, block: Block) -> Array:
    """Z of P = Z^T Z by Cholesky's factors C C^T = e^{-2c} + M^T M and C Z = K^T; the smallest pivot of each sample."""
    size, (metric, z) = len(basis), (block.metric, block.z)
    _scale(gauge, width, samples, size, block)
    _lift(gauge, basis, width, samples, block)
    least, factor = np.full(samples, np.inf), np.empty((width, samples))
    for j in range(width):
        for s in range(samples):
            pivot = metric[j, j, s]
            least[s] = min(least[s], pivot)
            factor[j, s] = 1 / np.sqrt(pivot) if pivot >= rules.pivot else 0.0
        for i in range(j + 1, width):
            for s in range(samples):
                metric[i, j, s] *= factor[j, s]
            for k in range(j + 1, i + 1):
                for s in range(samples):
                    metric[i, k, s] -= metric[i, j, s] * metric[k, j, s]
    for a in range(size):
        for j in range(width):
            for i in range(j):
                for s in range(samples):
                    z[j, a, s] -= metric[j, i, s] * z[i, a, s]
            for s in range(samples):
                z[j, a, s] *= factor[j, s]
    return least


@part
def _scale(gauge: Array, width: int, samples: int, size: int, block: Block) -> None:
    """M = D^{1/2} L e^{-c} and e^{-2c} + M^T M."""
    scaled, metric, power = block.scaled, block.metric, block.power
    rest, bits, largest = block.rest.view(np.int64), block.scaled.view(np.int64), np.empty(samples, np.int64)
    for j in range(width):
        for s in range(samples):
            largest[s] = power[size, s]
        for i in range(size):
            if gauge[j, i] != 0:
                _, height = math.frexp(gauge[j, i])
                for s in range(samples):
                    largest[s] = max(largest[s], height + power[i, s])
        for i in range(size + 1):
            entry, height = math.frexp(gauge[j, i] if i < size else 1.0)
            if entry != 0:
                for s in range(samples):
                    shift = height + power[i, s] - largest[s]
                    bits[j, i, s] = rest[i, s] + (shift << FRACTION) if shift > VANISHED else 0
                for s in range(samples):
                    scaled[j, i, s] *= entry
        for k in range(j + 1):
            rows = size + 1 if k == j else size
            metric[j, k, :samples] = 0.0
            for i in range(rows):
                if i == size or (gauge[j, i] != 0 and gauge[k, i] != 0):
                    for s in range(samples):
                        metric[j, k, s] += scaled[j, i, s] * scaled[k, i, s]


@part
def _lift(gauge: Array, basis: Array, width: int, samples: int, block: Block) -> None:
    """K^T of K = Phi F M, or R0 e^{-c} + Phi f M while it is early."""
    size, z, weighted = len(basis), block.z, np.empty(samples)
    for j in range(width):
        for a in range(size):
            for s in range(samples):
                z[j, a, s] = gauge[j, size + a] * (block.kept[s] * block.scaled[j, size, s])
        for i in range(size):
            if gauge[j, i] != 0:
                for s in range(samples):
                    weighted[s] = block.weight[i, s] * block.scaled[j, i, s]
                for a in range(size):
                    share = basis[a, i]
                    for s in range(samples):
                        z[j, a, s] += share * weighted[s]


@part
def _write(z: Array, width: int, rows: int, found: Array, sizes: Array) -> None:
    """P = Z^T Z of each sample, or its block X; traces of its diagonal blocks, and ||X||_F^2."""
    size, samples = z.shape[1], len(found)
    whole, row = found.shape[1] == size, np.empty((size, z.shape[2]))
    sizes[:] = 0.0
    for a in range(size):
        for b in range(a, size):
            if whole or a == b or (a < rows and b >= rows):
                row[b] = 0.0
                for j in range(width):
                    for s in range(z.shape[2]):
                        row[b, s] += z[j, a, s] * z[j, b, s]
        for s in range(samples):
            sizes[s, 0 if a < rows else 1] += row[a, s]
            if a < rows:
                for b in range(rows, size):
                    sizes[s, 2] += row[b, s] * row[b, s]
            if whole:
                for b in range(a, size):
                    found[s, a, b] = found[s, b, a] = row[b, s]
            elif a < rows:
                for b in range(rows, size):
                    found[s, a, b - rows] = row[b, s]
