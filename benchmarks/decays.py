r"""Trajectories whose rate is known, to ask of a measurement how often the truth is within its uncertainty.

Each function of `WITH_RATE` draws one trajectory of a class and says its rate; none that it draws hides its slowest
mode altogether: somewhere above ten floors that mode is at least a tenth of the distance. Those of `WITHOUT_RATE`
draw what has no exponential rate. Unless a class says otherwise, floors are 1e-13 to 1e-8 of the start, and the errors
of the samples are uniform, of at most one floor.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from linear_networks.arrays import Array


class Decay(NamedTuple):
    """Times, distances to the limit, the floor that is declared of them, and the rate (NaN: none)."""

    t: Array
    distance: Array
    floor: float
    rate: float


class Hidden(Exception):
    """Nothing in the record shows the slowest mode."""


Draw = Callable[[np.random.Generator], Decay]


def grid(rng: np.random.Generator, end: float, samples: int | None = None) -> Array:
    """Times from 0 or nearly so to `end`: 60 to 400 unless said, equally spaced in t or, if negative, in log t."""
    samples = samples or int(rng.integers(60, 401))
    if samples > 0 and rng.random() < 0.5:
        return np.linspace(0, end, samples)
    return np.geomspace(end * 10 ** rng.uniform(-4, -2), end, abs(samples))


def amplitudes(rng: np.random.Generator, parts: int, modes: int) -> Array:
    return 10 ** rng.uniform(-3, 0, (parts, modes)) * rng.choice([-1.0, 1.0], (parts, modes))


def ratios(rng: np.random.Generator, modes: int, least: float = 1.02, most: float = 10.0) -> Array:
    """Rates in units of the slowest, each `least` to `most` times the one before."""
    return np.cumprod(np.r_[1.0, np.exp(rng.uniform(np.log(least), np.log(most), modes - 1))])


def mixture(
    rng: np.random.Generator,
    rates: Array,
    a: Array,
    *,
    decays: tuple[float, float] = (5, 60),
    samples: int | None = None,
    errors: float = 1.0,
    offset: float = 0.0,
) -> Decay:
    """|sum_j a_j exp(-r_j t)|, or the norm of several such sums, in a unit of time of its own.

    `decays` is the range of the record in units of 1 / r_1, `errors` are the errors in units of the floor, `offset`
    that of the limit.
    """
    unit, t = 10 ** rng.uniform(-2, 3), grid(rng, rng.uniform(*decays), samples)
    x = a @ np.exp(-np.outer(rates, t))
    floor = float(np.linalg.norm(x[:, 0])) * 10 ** rng.uniform(-13, -8)
    slowest, distance = np.linalg.norm(a[:, :1] * np.exp(-rates[0] * t), axis=0), np.linalg.norm(x, axis=0)
    if not ((slowest > 0.1 * distance) & (slowest > 10 * floor) & (t > t[-1] / 2)).any():
        raise Hidden
    noise = errors * rng.uniform(-1, 1, x.shape) + offset
    return Decay(t / unit, np.linalg.norm(x + floor / np.sqrt(len(a)) * noise, axis=0), floor, float(rates[0] * unit))


def parts(rng: np.random.Generator) -> int:
    return 1 if rng.random() < 0.5 else int(rng.integers(2, 6))


def one_exponent(rng: np.random.Generator) -> Decay:
    return mixture(rng, np.ones(1), np.ones((1, 1)))


def signed_sums(rng: np.random.Generator) -> Decay:
    modes = int(rng.integers(2, 5))
    return mixture(rng, ratios(rng, modes), amplitudes(rng, 1, modes))


def norms(rng: np.random.Generator) -> Decay:
    """Each of 6 to 12 modes in a direction of its own, rates 1 to 5."""
    modes = int(rng.integers(6, 13))
    rates = np.sort(np.r_[1.0, rng.uniform(1, 5, modes - 1)])
    return mixture(rng, rates, np.diag(np.abs(amplitudes(rng, 1, modes)[0])))


def slow_modes(rng: np.random.Generator) -> Decay:
    """A slowest mode of 1e-6 to 1e-2 below 1 to 3 others."""
    modes = int(rng.integers(2, 5))
    rates = ratios(rng, modes, 1.2, 4)
    a = amplitudes(rng, parts(rng), modes)
    a /= np.linalg.norm(a)
    a[:, 0] *= 10 ** rng.uniform(-6, -2) / np.linalg.norm(a[:, 0])
    return mixture(rng, rates, a)


def close_exponents(rng: np.random.Generator) -> Decay:
    """1.5 to 8 % apart."""
    modes = int(rng.integers(2, 4))
    return mixture(rng, ratios(rng, modes, 1.015, 1.08), amplitudes(rng, parts(rng), modes))


def logistic(t: Array, sigma: float, shift: float, start: float) -> Array:
    """sigma - x of dx/dt = (sigma - x) sqrt(4 x^2 + shift^2), x(0) = start, integrated in y = log(sigma - x)."""
    speed = lambda _, y: -np.hypot(2 * (sigma - np.exp(y)), shift)  # noqa: E731
    path = solve_ivp(speed, (0, t[-1]), [np.log(sigma - start)], "DOP853", t, rtol=1e-12, atol=1e-12)
    return np.asarray(np.exp(path.y[0]))


def delayed(rng: np.random.Generator, modes: int, samples: int | None = None) -> Decay:
    """Norm of modes that leave the neighbourhood of 0 one after the other: rate min sqrt(4 sigma^2 + shift^2)."""
    sigma, start = 10 ** rng.uniform(-0.7, 0.7, modes), 10 ** rng.uniform(-8, -2)
    shift = 0.0 if rng.random() < 0.5 else 10 ** rng.uniform(-3, 0)
    rates = np.hypot(2 * sigma, shift)
    leave = np.log(1 + sigma / (start + shift)) / rates
    t = grid(rng, float((leave + rng.uniform(5, 25) / rates).max()), samples)
    x = np.array([logistic(t, s, shift, start * s) for s in sigma])
    distance = np.linalg.norm(x, axis=0)
    floor = distance[0] * 10 ** rng.uniform(-11, -8)
    noise = floor * rng.uniform(-1, 1, x.shape) / np.sqrt(modes)
    return Decay(t, np.linalg.norm(x + noise, axis=0), float(floor), float(rates.min()))


def plateaus(rng: np.random.Generator) -> Decay:
    return delayed(rng, 1)


def saddle_to_saddle(rng: np.random.Generator) -> Decay:
    return delayed(rng, int(rng.integers(2, 6)))


def any_sum(rng: np.random.Generator, **options: object) -> Decay:
    """1 to 4 exponents, a sum or a norm."""
    modes = int(rng.integers(1, 5))
    return mixture(rng, ratios(rng, modes), amplitudes(rng, parts(rng), modes), **options)  # type: ignore[arg-type]


def twenty_samples(rng: np.random.Generator) -> Decay:
    return any_sum(rng, samples=20)


def sixty_log_samples(rng: np.random.Generator) -> Decay:
    """Of modes that leave a plateau, or of the factors of a flow: windows of 8 to 15 samples."""
    return (delayed if rng.random() < 0.5 else flow)(rng, int(rng.integers(1, 4)), -60)


def noise(rng: np.random.Generator) -> Decay:
    """Normal errors whose standard deviation is the floor."""
    decay = any_sum(rng, errors=0.0)
    return decay._replace(distance=np.abs(decay.distance + decay.floor * rng.standard_normal(len(decay.t))))


def low_floors(rng: np.random.Generator) -> Decay:
    """Errors of ten floors."""
    return any_sum(rng, errors=10.0)


def offsets(rng: np.random.Generator) -> Decay:
    """A limit that is off by 1 to 1e9 floors."""
    return any_sum(rng, offset=10 ** rng.uniform(0, 9) * rng.choice([-1, 1]))


def powers(rng: np.random.Generator) -> Decay:
    """(1 + c t)^p exp(-t), p from -2 to 2."""
    t, unit = grid(rng, rng.uniform(5, 60)), 10 ** rng.uniform(-2, 3)
    distance = (1 + 10 ** rng.uniform(-1, 1) * t) ** rng.uniform(-2, 2) * np.exp(-t)
    floor = distance[0] * 10 ** rng.uniform(-13, -8)
    return Decay(t / unit, np.abs(distance + floor * rng.uniform(-1, 1, len(t))), float(floor), unit)


def short_records(rng: np.random.Generator) -> Decay:
    """Ends 2.5 to 8 times 1 / r_1 after the start."""
    return any_sum(rng, decays=(2.5, 8))


def near_the_stability_limit(rng: np.random.Generator) -> Decay:
    """Descent of a quadratic with eta rho up to 1.9 to 1.999: norm, or a projection whose sign alternates."""
    modes = int(rng.integers(1, 5))
    product = np.r_[rng.uniform(1.9, 1.999), 10 ** rng.uniform(-2, 0.25, modes - 1)]
    a = amplitudes(rng, 1, modes)
    a = np.diag(a[0]) if rng.random() < 0.5 else a
    modulus = np.abs(1 - product)
    rates, eta = -np.log(modulus), 10 ** rng.uniform(-4, 0)
    steps = np.unique(grid(rng, rng.uniform(5, 40) / rates.min()).astype(int))
    distance = np.linalg.norm(a @ (1 - product)[:, None] ** steps, axis=0)
    floor = distance[0] * 10 ** rng.uniform(-13, -10)
    slow = int(np.argmin(rates))
    slowest = np.linalg.norm(a[:, slow]) * modulus[slow] ** steps
    if not ((slowest > 0.1 * distance) & (slowest > 10 * floor) & (steps > steps[-1] / 2)).any():
        raise Hidden
    noisy = np.abs(distance + floor * rng.uniform(-1, 1, len(steps)))
    return Decay(eta * steps, noisy, float(floor), float(rates.min() / eta))


def flow(rng: np.random.Generator, size: int = 0, samples: int | None = None) -> Decay:
    """U' = E V, V' = E^T U with E = Y - U V^T; ||E|| decays at lambda_min(U U^T) + lambda_min(V V^T) of the limit."""
    m, n = (size, size) if size else rng.integers(1, 5, 2)
    k = int(max(m, n) + rng.integers(0, 4))
    y = rng.normal(size=(m, n))
    start = 10 ** rng.uniform(-2, 0.3) * rng.normal(size=(m + n, k))

    def field(_: float, z: Array) -> Array:
        u, v = z.reshape(m + n, k)[:m], z.reshape(m + n, k)[m:]
        e = y - u @ v.T
        return np.concatenate((e @ v, e.T @ u)).ravel()

    def left(_: float, z: Array) -> float:
        """How far the distance is above 1e-10 of ||Y||."""
        u, v = z.reshape(m + n, k)[:m], z.reshape(m + n, k)[m:]
        return float(np.linalg.norm(y - u @ v.T) - 1e-10 * np.linalg.norm(y))

    left.terminal = True  # type: ignore[attr-defined]

    def smallest(z: Array) -> float:
        u, v = z.reshape(m + n, k)[:m], z.reshape(m + n, k)[m:]
        return float(np.linalg.eigvalsh(u @ u.T)[0] + np.linalg.eigvalsh(v @ v.T)[0])

    limit = solve_ivp(field, (0, 300), start.ravel(), "DOP853", rtol=1e-9, atol=1e-13, events=left).y[:, -1]
    rate = smallest(limit)
    if rate < 0.1:
        raise Hidden
    t = grid(rng, rng.uniform(6, 30) / rate, samples)
    path = solve_ivp(field, (0, t[-1]), start.ravel(), "DOP853", t, rtol=1e-12, atol=1e-15).y.T
    path = path.reshape(-1, m + n, k)
    distance = np.linalg.norm(y - path[:, :m] @ np.swapaxes(path[:, m:], 1, 2), axis=(1, 2))
    scale = float(np.linalg.norm(y) + np.linalg.norm(y - 0) + distance.max())
    return Decay(t, distance, 1e-12 * scale, rate)


def flows(rng: np.random.Generator) -> Decay:
    return flow(rng)


WITH_RATE: dict[str, Draw] = {
    "one exponent": one_exponent,
    "signed sums": signed_sums,
    "norms of 6 to 12": norms,
    "slow modes": slow_modes,
    "1.5 to 8 % apart": close_exponents,
    "plateaus": plateaus,
    "saddle to saddle": saddle_to_saddle,
    "20 samples": twenty_samples,
    "60 log-spaced samples": sixty_log_samples,
    "noise of the floor": noise,
    "floors ten times too low": low_floors,
    "constant offsets": offsets,
    "power times exponential": powers,
    "short records": short_records,
    "descent near the limit": near_the_stability_limit,
    "real flows": flows,
}


def draw(name: str, rng: np.random.Generator) -> Decay:
    """One trajectory of a class; one that hides its slowest mode is drawn again."""
    while True:
        with suppress(Hidden):
            return {**WITH_RATE, **WITHOUT_RATE}[name](rng)


def without(rng: np.random.Generator, curve: Callable[[Array], Array], end: float) -> Decay:
    t = grid(rng, end)
    distance = curve(t)
    floor = distance.max() * 10 ** rng.uniform(-13, -8)
    return Decay(t, np.abs(distance + floor * rng.uniform(-1, 1, len(t))), float(floor), np.nan)


def algebraic(rng: np.random.Generator) -> Decay:
    p = rng.uniform(0.5, 3)
    return without(rng, lambda t: (1 + t) ** -p, 10 ** rng.uniform(1.5, 6))


def stretched(rng: np.random.Generator) -> Decay:
    power = rng.uniform(0.2, 0.8)
    return without(rng, lambda t: np.exp(-(t**power)), rng.uniform(5, 30) ** (1 / power))


def rising(rng: np.random.Generator) -> Decay:
    rate = rng.uniform(0.1, 2)
    return without(rng, lambda t: np.exp(-3 * t) + 1e-3 * np.exp(rate * t), rng.uniform(3, 10))


def two_cycles(rng: np.random.Generator) -> Decay:
    """x -> x - eta (x^3 - x) past eta = 1: alternates about 1 for ever, decaying to the cycle if at all."""
    eta, x = rng.uniform(1.02, 1.2), [1 + rng.uniform(0.1, 0.5)]
    for _ in range(int(rng.integers(100, 400))):
        x.append(x[-1] - eta * (x[-1] ** 3 - x[-1]))
    distance = np.abs(np.array(x) - 1)
    return Decay(np.arange(len(x)) * eta, distance, 1e-13, np.nan)


def drifting(rng: np.random.Generator) -> Decay:
    """A limit that moves, steadily or ever slower."""
    size, speed = 10 ** rng.uniform(-6, -2), 10 ** rng.uniform(-2, 0)
    drift = (lambda t: 1 + speed * t) if rng.random() < 0.5 else (lambda t: 1 / np.log(3 + speed * t))
    return without(rng, lambda t: np.exp(-t) + size * drift(t), rng.uniform(20, 60))


WITHOUT_RATE: dict[str, Draw] = {
    "algebraic": algebraic,
    "stretched": stretched,
    "rising": rising,
    "two-cycles": two_cycles,
    "drifting": drifting,
}
