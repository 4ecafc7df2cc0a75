"""The Riccati flows of many runs: `theory.riccati_flow` as loops that are compiled.

A run goes in blocks of samples. These stand innermost, so that a loop over them runs along memory. Columns of D^{1/2} L
are divided by powers of 2, so that a sample takes an exponential for each mode rather than for each entry.
"""

import math
from typing import NamedTuple

import numpy as np

from linear_networks.arrays import Array, Mask
from linear_networks.kernels.compiled import compiled, part
from linear_networks.kernels.hypotenuse import hypotenuse
from linear_networks.theory.riccati_flow import Rules

BLOCK = 32  # samples, whose work fits into the cache
LANES = 8  # a block is filled up to a multiple of it, so that no loop over samples has a rest
TINY = float(np.finfo(np.float64).tiny)
# A number of double precision is 2^power where its bits are those of power + BIAS, from FRACTION on; 0 at power -BIAS.
BIAS, FRACTION = 1023, 52
LOG2_E = float(np.log2(np.e))


class Block(NamedTuple):
    """What is known of a block of samples; these stand last.

    rest, power    : D^{1/2} |R0| = rest 2^power of each mode, and in the last row 1, both relative to e^{base t}
    weight         : F of each mode, or f while it is early
    kept           : |R0| while it is early, else 0
    scaled, metric : columns of M, with e^{-c} in the last place; e^{-2c} + M^T M and its Cholesky factor
    z              : K^T, then Z
    """

    rest: Array
    power: Array
    weight: Array
    kept: Array
    scaled: Array
    metric: Array
    z: Array


@compiled
def flows(
    t: Array,
    bases: Array,
    gaps: Array,
    vectors: Array,
    factors: Array,
    rows: int,
    product: bool,
    rules: Rules,
) -> tuple[Array, Array, Mask]:
    """P(t) of each run, or its block X(t), first `rows` rows and other columns.

    Parameters
    ----------
    t : ndarray, shape (samples,)
    bases, gaps, vectors : ndarray, shapes (batch,), (batch, N), (batch, N, N)
        S = Phi diag(base + gaps) Phi^T of each run, base >= 0 and gaps descending.
    factors : ndarray, shape (batch, N, w)
        R0, w <= N, columns by descending size.
    rows : int
    product : bool
        Whether X is asked for.
    rules : Rules

    Returns
    -------
    found : ndarray, shape (batch, samples, N, N) or (batch, samples, rows, N - rows)
    sizes : ndarray, shape (batch, samples, 3)
        Traces of the diagonal blocks of P, and ||X||_F^2.
    deficient : ndarray of bool, shape (batch,)
        Whether a start misses some of the leading modes that its width has columns for.
    """
    runs, size = gaps.shape
    shape = (rows, size - rows) if product else (size, size)
    found, sizes = np.empty((runs, len(t), *shape)), np.empty((runs, len(t), 3))
    deficient = np.empty(runs, np.bool_)
    for run in range(runs):
        deficient[run] = _flow(
            t, bases[run], gaps[run], vectors[run], factors[run], rows, rules, found[run], sizes[run]
        )
    return found, sizes, deficient


@compiled
def eigenbases(left: Array, sigma: Array, right: Array, lambda0: Array) -> tuple[Array, Array]:
    """Gaps and eigenvectors of S~ of each run, as `theory.riccati_flow.eigenbasis` gives them.

    Parameters
    ----------
    left, sigma, right : ndarray, shapes (batch, m, m), (batch, min(m, n)), (batch, n, n)
    lambda0 : ndarray, shape (batch,)

    Returns
    -------
    gaps, vectors : ndarray, shapes (batch, m + n), (batch, m + n, m + n)
    """
    (runs, modes), m, n = sigma.shape, left.shape[1], right.shape[1]
    size = m + n
    gaps, vectors = np.empty((runs, size)), np.zeros((runs, size, size))
    for run in range(runs):
        half = lambda0[run] / 2
        base = abs(half)
        for i in range(modes):
            reach = base + hypotenuse(sigma[run, i], half)
            tau = sigma[run, i] / reach if reach > 0 else 0.0
            major = 1 / hypotenuse(1.0, tau)
            u, v = (major, tau * major) if half >= 0 else (tau * major, major)
            grows, falls = i, size - 1 - i
            gaps[run, grows], gaps[run, falls] = sigma[run, i] * tau, -2 * base - sigma[run, i] * tau
            for row in range(m):
                vectors[run, row, grows], vectors[run, row, falls] = u * left[run, row, i], -v * left[run, row, i]
            for row in range(n):
                vectors[run, m + row, grows] = v * right[run, row, i]
                vectors[run, m + row, falls] = u * right[run, row, i]
        for i in range(modes, max(m, n)):
            gaps[run, i] = (half if m > n else -half) - base
            for row in range(max(m, n)):
                if m > n:
                    vectors[run, row, i] = left[run, row, i]
                else:
                    vectors[run, m + row, i] = right[run, row, i]
    return gaps, vectors


@part
def _flow(
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
    """P(t) of one run, or its block X, and sizes of blocks, into arrays; whether the start is deficient."""
    (size, width), samples = factor.shape, len(t)
    scale, noise, gauge = _start(basis, factor, rules)
    rank, speed = 0, np.empty(size)
    for step in (0.0, -1e4):  # by size, then by speed
        for i in range(size):
            speed[i] = step * i
        rank = _rotate(gauge, speed, noise)
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
            _rotate(own, block.power[:size, 0].copy(), noise)
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
def _start(basis: Array, factor: Array, rules: Rules) -> tuple[float, Array, Array]:
    """Largest entry of R0, rounding of each row of Phi^T R0, and [Phi^T R0; R0], both in units of it."""
    size, width = factor.shape
    scale = 0.0
    for i in range(size):
        for j in range(width):
            scale = max(scale, abs(factor[i, j]))
    if scale == 0:
        scale = 1.0
    noise, gauge = np.zeros(size), np.zeros((2 * size, width))
    for i in range(size):
        for j in range(width):
            total = largest = 0.0
            for k in range(size):
                term = basis[k, i] * (factor[k, j] / scale)
                total += term
                largest += abs(term)
            gauge[i, j], gauge[size + i, j] = total, factor[i, j] / scale
            noise[i] += largest * largest
    return scale, rules.rounding * size * np.sqrt(noise), gauge


@part
def _rotate(gauge: Array, power: Array, noise: Array) -> int:
    """A Householder LQ, in place, that picks rows by what is left of them, weighted by 2^power; how many it picks."""
    (both, width), size = gauge.shape, len(power)
    mirror = np.empty(width)
    for j in range(width):
        pick, most, end = -1, 0.0, 0.0
        for i in range(size):
            length = 0.0
            for k in range(j, width):
                length += gauge[i, k] * gauge[i, k]
            length = np.sqrt(length)
            if length > noise[i]:
                height = np.log2(length) + power[i]
                if pick < 0 or height > most:
                    pick, most, end = i, height, length
            else:
                gauge[i, j:] = 0.0
        if pick < 0:
            return j
        head = gauge[pick, j] + (end if gauge[pick, j] >= 0 else -end)
        for k in range(j, width):
            mirror[k] = gauge[pick, k]
        mirror[j] = head
        factor = 1 / (end * abs(head))
        for i in range(both):
            dot = 0.0
            for k in range(j, width):
                dot += gauge[i, k] * mirror[k]
            dot *= factor
            for k in range(j, width):
                gauge[i, k] -= dot * mirror[k]
        gauge[pick, j + 1 :] = 0.0
    return width


@part
def _block(size: int, width: int) -> Block:
    """Room for a block of samples."""
    return Block(
        np.empty((size + 1, BLOCK)),
        np.empty((size + 1, BLOCK)),
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
        block.rest[size, s], block.power[size, s] = _split(-base * t, 1.0)
        for i in range(size):
            if i > 0 and gaps[i] == gaps[i - 1]:
                before = block.rest[i - 1, s], block.power[i - 1, s], block.weight[i - 1, s]
            else:
                before = _mode(t, base, gaps[i], scale, early)
            block.rest[i, s], block.power[i, s], block.weight[i, s] = before
    return some


@part
def _mode(t: float, base: float, gap: float, scale: float, early: bool) -> tuple[float, float, float]:
    """D^{1/2} |R0|, relative to e^{base t}, as a fraction and a power of 2, and F, or f while it is early."""
    mu = base + gap
    x, span = abs(mu) * t, max(t, TINY)
    if x > 0:
        span *= np.expm1(-2 * x) / (-2 * x)
    root = np.sqrt(span)
    rest, power = _split((gap if mu > 0 else -base) * t, root * scale)
    if not early:
        return rest, power, (np.exp(-x) if mu < 0 else 1.0) / root
    weight = np.sqrt(2 * abs(mu) * np.tanh(x / 2))
    return rest, power, weight if mu > 0 else -weight


@part
def _split(exponent: float, factor: float) -> tuple[float, float]:
    """Fraction and power of 2 of e^exponent times a factor, however large the exponent."""
    rise = exponent * LOG2_E
    whole = np.rint(rise)
    rest, more = math.frexp(np.exp2(rise - whole) * factor)
    return rest, whole + more


@part
def _solve(gauge: Array, basis: Array, width: int, samples: int, rules: Rules, block: Block) -> Array:
    """Z of P = Z^T Z by Cholesky's factors C C^T = e^{-2c} + M^T M and C Z = K^T; the smallest pivot of each sample."""
    size, (metric, z) = len(basis), (block.metric, block.z)
    _scale(gauge, width, samples, size, block)
    _lift(gauge, basis, width, samples, block)
    least = np.full(samples, np.inf)
    factor = np.empty(samples)
    for j in range(width):
        for s in range(samples):
            pivot = metric[j, j, s]
            least[s] = min(least[s], pivot)
            factor[s] = 1 / np.sqrt(pivot) if pivot >= rules.pivot else 0.0
        for i in range(j, width):
            for s in range(samples):
                metric[i, j, s] *= factor[s]
        for a in range(size):
            for s in range(samples):
                z[j, a, s] *= factor[s]
        for i in range(j + 1, width):
            for k in range(j + 1, i + 1):
                for s in range(samples):
                    metric[i, k, s] -= metric[i, j, s] * metric[k, j, s]
            for a in range(size):
                for s in range(samples):
                    z[i, a, s] -= metric[i, j, s] * z[j, a, s]
    return least


@part
def _scale(gauge: Array, width: int, samples: int, size: int, block: Block) -> None:
    """M = D^{1/2} L e^{-c} and e^{-2c} + M^T M."""
    scaled, metric, largest = block.scaled, block.metric, np.empty(samples)
    bits = np.empty(samples, np.int64)
    power = bits.view(np.float64)
    for j in range(width):
        for s in range(samples):
            largest[s] = block.power[size, s]
        for i in range(size):
            if gauge[i, j] != 0:
                height = np.log2(abs(gauge[i, j]))
                for s in range(samples):
                    top = height + block.power[i, s]
                    largest[s] = top if top > largest[s] else largest[s]
        for s in range(samples):
            largest[s] = np.rint(largest[s])
        for i in range(size + 1):
            entry = gauge[i, j] if i < size else 1.0
            if entry != 0:
                for s in range(samples):
                    difference = max(block.power[i, s] - largest[s], -BIAS)
                    bits[s] = np.int64(min(difference, BIAS) + BIAS) << FRACTION
                for s in range(samples):
                    scaled[j, i, s] = entry * block.rest[i, s] * power[s]
        for k in range(j + 1):
            rows = size + 1 if k == j else size
            metric[j, k, :samples] = 0.0
            for i in range(rows):
                if i == size or (gauge[i, j] != 0 and gauge[i, k] != 0):
                    for s in range(samples):
                        metric[j, k, s] += scaled[j, i, s] * scaled[k, i, s]


@part
def _lift(gauge: Array, basis: Array, width: int, samples: int, block: Block) -> None:
    """K^T of K = Phi F M, or R0 e^{-c} + Phi f M while it is early."""
    size, z, weighted = len(basis), block.z, np.empty(samples)
    for j in range(width):
        for a in range(size):
            for s in range(samples):
                z[j, a, s] = gauge[size + a, j] * (block.kept[s] * block.scaled[j, size, s])
        for i in range(size):
            if gauge[i, j] != 0:
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
    whole, total = found.shape[1] == size, np.empty(z.shape[2])
    sizes[:] = 0.0
    for a in range(size):
        for b in range(a, size):
            beside = a < rows and b >= rows
            if whole or beside or a == b:
                total[:] = 0.0
                for j in range(width):
                    for s in range(len(total)):
                        total[s] += z[j, a, s] * z[j, b, s]
                for s in range(samples):
                    if whole:
                        found[s, a, b] = found[s, b, a] = total[s]
                    elif beside:
                        found[s, a, b - rows] = total[s]
                    if beside:
                        sizes[s, 2] += total[s] * total[s]
                    elif a == b:
                        sizes[s, 0 if a < rows else 1] += total[s]
