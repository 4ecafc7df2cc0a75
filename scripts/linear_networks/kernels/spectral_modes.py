"""Products of spectral starts: the modes of `theory.closed_forms.spectral_mode`, compiled, and their sum."""

from typing import NamedTuple

import numpy as np

from linear_networks.arrays import Array
from linear_networks.kernels.compiled import kept, ordered
from linear_networks.kernels.growth import decay
from linear_networks.kernels.hypotenuse import hypotenuse

TINY = float(np.finfo(np.float64).tiny)


class Mode(NamedTuple):
    """What does not depend on time, named as in `spectral_mode`."""

    forward: bool
    lam: float
    s: float
    rho: float
    eta: float
    larger: float
    excess: float


@kept
@ordered
def products(
    t: Array, phi: Array, sigma: Array, psi: Array, start: Array, imbalance: Array, negligible: float
) -> Array:
    """X(t) = sum_i x_i(t) phi_i psi_i^T of each run.

    Parameters
    ----------
    t : ndarray, shape (samples,)
    phi, psi : ndarray, shapes (batch, m, p), (batch, n, p)
    sigma, start, imbalance : ndarray, shape (batch, p)
    negligible : float
        Beside one.

    Returns
    -------
    ndarray, shape (batch, samples, m, n)
    """
    (runs, modes), m, n = sigma.shape, phi.shape[1], psi.shape[1]
    found, x, outer = np.empty((runs, len(t), m * n)), np.empty((modes, len(t))), np.empty((modes, m * n))
    root, left, lost = np.empty(len(t)), np.empty(len(t)), np.empty(len(t))
    for run in range(runs):
        for i in range(modes):
            mode = _mode(sigma[run, i], imbalance[run, i], start[run, i])
            decay(t, mode.s / 4, root, lost)
            decay(t, mode.s, left, lost)
            for s in range(len(t)):
                spent = lost[s] if mode.s > 0 else t[s]
                x[i, s] = _value(mode, left[s], max(root[s], TINY), spent, negligible)
            for a in range(m):
                for b in range(n):
                    outer[i, a * n + b] = phi[run, a, i] * psi[run, b, i]
        for s in range(len(t)):
            found[run, s] = 0.0
            for i in range(modes):
                for entry in range(m * n):
                    found[run, s, entry] += x[i, s] * outer[i, entry]
    return found.reshape((runs, len(t), m, n))


@ordered
def _mode(sigma: float, imbalance: float, start: float) -> Mode:
    """A mode from its start."""
    lam, size = abs(imbalance), 2 * abs(start)
    s = hypotenuse(2 * sigma, lam)
    if s <= TINY * 1e8 * size:  # beside a start so large it is not felt in any time
        s = 0.0
    rho, eta = (2 * sigma / s, lam / s) if s > 0 else (1.0, lam)
    r0 = hypotenuse(size, lam)
    larger = r0 + size if r0 > 0 else 1.0
    excess = size * (1 + size / (r0 + lam if r0 > 0 else 1.0))
    return Mode(start >= 0, lam, s, rho, eta, larger, excess)


@ordered
def _value(mode: Mode, z: float, root: float, spent: float, negligible: float) -> float:
    """x(t) of a mode, with z = e^{-st} and its fourth root, and s int_0^t e^{-s t'} dt', or t itself."""
    forward, lam, s, rho, eta, larger, excess = mode
    safe, low, over = s if s > 0 else 1.0, eta * eta / (1 + rho), 1 / root
    half = lam * over * over
    grown = larger * over * over * over * over if forward else half * (half / larger)  # p0 / z
    rise, wait = min(grown, safe), safe / grown if grown > safe else 1.0
    q0 = lam / larger * eta if forward else larger / safe  # in units of s
    p_below = rise / safe * (spent + q0 / (1 + rho)) + (1 + rho) * wait
    q_below = 1 + rho + low * z + q0 * spent
    pace = rise / p_below
    p = pace * q_below
    if forward:
        rising = rho + rho * rho / (1 + eta) + (low + eta) * z
        ahead = pace * (2 * rho * (lam / larger) * spent + excess / larger * rising)  # p - l
        return ahead * (1 + lam / (p if p > 0 else 1.0)) / 4
    span = 1 + rho + eta
    behind = (2 * rho * lam * spent - excess * (span * z - 2 * rho * eta / span)) / q_below  # l - q
    if p <= negligible * lam:  # z / l may overflow
        return behind / 4
    share = span * z / (lam if lam > 0 else 1.0)
    remainder = 2 * rho * spent / q_below + excess / q_below * (2 * rho / span / safe - share)  # (l - q) / l
    return (behind + p * remainder) / 4
