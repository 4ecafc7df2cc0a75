"""Predicted rates against plain loops of many digits, far in the tail, and against an independent integrator."""

import math
from functools import reduce

import mpmath
import numpy as np
import pytest
from mpmath.libmp import MPZ
from problems import predict
from scipy.integrate import solve_ivp

from linear_networks.dynamics import Asymmetric, Regularized, Riccati, Symmetric
from linear_networks.theory import rates
from linear_networks.theory.prediction import Facts

BITS = 2400  # of fixed-point numbers, as whole numbers of NumPy's object arrays: digits down to exp(-1600)


def fixed(array):
    return np.vectorize(lambda number: MPZ(int(np.ldexp(number, 62))) << (BITS - 62), otypes=[object])(array)


def times(*factors):
    return reduce(lambda left, right: (left @ right) >> BITS, factors)


def scaled(number, matrix):
    return int(number) * matrix >> BITS


def logarithm(number):
    """Of the modulus."""
    number = abs(int(number))
    shift = max(number.bit_length() - 60, 0)
    return math.log(number >> shift) + (shift - BITS) * math.log(2)


def norm(matrix):
    return math.isqrt(sum(int(value) ** 2 for value in np.ravel(matrix)))


def iterate(step, state, count):
    for _ in range(count):
        state = step(state)
    return state


def tail(step, state, observe, size, count):
    """Rates per unit of time, `size` a step, of what `observe` maps a state to, between count and 2 count steps."""
    middle = iterate(step, state, count)
    return decays(observe(middle), observe(iterate(step, middle, count)), count * size)


def decays(first, last, time):
    """Rates of numbers that were observed at two times."""
    return [(logarithm(early) - logarithm(late)) / time for early, late in zip(first, last, strict=True)]


def eigenvalues(matrix):
    with mpmath.workprec(2 * BITS):
        found = mpmath.eigsy(mpmath.matrix(matrix.tolist()), eigvals_only=True)
        return np.array([int(mpmath.nint(value)) for value in sorted(found, reverse=True)], dtype=object)


def drawn(rng, count):
    """Eigenvalues, descending, of either sign and not too close to each other."""
    return np.sort(np.cumsum(rng.uniform(0.4, 1.2, count)) * rng.choice([-1, 1], count))[::-1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("dynamics", "width"), [(Symmetric, 4), (Symmetric, 2), (Riccati, 4)])
def test_descent_of_the_symmetric_model_has_the_rates_of_its_own_step(dynamics, width, seed):
    rng = np.random.default_rng([31, seed, width])
    values = drawn(rng, 3)
    size = rng.uniform(0.1, 0.2) / np.abs(values).max()
    y, eta, u = fixed(np.diag(values)), fixed(2 * size), fixed(0.3 * rng.normal(size=(3, width)))
    limit = fixed(np.diag(np.where(np.arange(3) < width, np.maximum(values, 0), 0)))

    def descend_factor(u):
        return u + scaled(eta, times(y - times(u, u.T), u))

    def descend_product(x):
        half = scaled(eta, times(y - x, x))
        return x + half + half.T

    def observe(state):
        x = times(state, state.T) if dynamics is Symmetric else state
        return [norm(x - limit), *(eigenvalues(x) - np.diag(limit))[: min(width, 3)]]

    step, state = (descend_factor, u) if dynamics is Symmetric else (descend_product, times(u, u.T))
    product, *modes = tail(step, state, observe, size, 350)
    predicted = predict(dynamics, Facts(values, 3, 3, width, min(width, 3), size))
    assert predicted["product"][0].rate == pytest.approx(product, rel=1e-2)
    found = [mode.rate for mode in predicted["mode"]][: len(modes)]
    for rate, measured in zip(found, modes, strict=True):
        assert (dynamics is Riccati and np.isnan(rate)) or rate == pytest.approx(measured, rel=1e-2)


@pytest.mark.parametrize("seed", range(8))
def test_a_mode_of_a_spectral_start_descends_at_the_rate_of_the_imbalance_that_it_ends_with(seed):
    rng = np.random.default_rng([32, seed])
    sigma, size = rng.choice([0.0, 0.7, 1.6]), rng.uniform(0.02, 0.2)
    data, eta, state = fixed([sigma])[0], fixed([size])[0], fixed(rng.uniform([1.0, 0.1], [2.0, 0.6]))

    def step(z):
        force = data - (z[0] * z[1] >> BITS)
        return z + scaled(eta, scaled(force, z[::-1]))

    (rate,) = tail(step, state, lambda z: [data - (z[0] * z[1] >> BITS)], size, 400)
    u, v = (float(value / 2**BITS) for value in iterate(step, state, 800))
    facts = Facts(np.array([sigma]), 1, 1, 1, 1, size, moving=np.array([True]), modes=np.array([u * u - v * v]))
    assert predict(Asymmetric, facts)["mode"][0].rate == pytest.approx(rate, rel=1e-3)
    assert predict(Asymmetric, facts)["product"][0].rate == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize(
    ("rows", "columns", "width", "lambda0"),
    [
        *[(2, 3, 5, -1.3), (2, 3, 5, 0.6), (3, 2, 4, -1.3), (3, 2, 4, 2.0), (2, 2, 4, 0.6), (4, 2, 2, 1.0)],
        *[(4, 2, 3, -0.6), (4, 2, 3, 2.0), (2, 4, 2, -1.3), (3, 3, 2, 0.6)],
    ],
)
def test_descent_of_the_regularized_model_has_the_rates_of_its_own_step(rows, columns, width, lambda0):
    rng = np.random.default_rng([33, rows, columns, width])
    values = np.cumsum(rng.uniform(0.5, 1.0, min(rows, columns)))[::-1]
    size = 0.7 / np.hypot(2 * values[0], lambda0)
    data = np.zeros((rows, columns))
    np.fill_diagonal(data, values)
    y, eta, target = fixed(data), fixed(size), fixed(lambda0 * np.eye(width))

    def step(r):
        u, v = r[:rows], r[rows:]
        force, excess = y - times(u, v.T), (times(u.T, u) - times(v.T, v) - target) >> 1
        return r + scaled(
            eta, np.concatenate([times(force, v) - times(u, excess), times(force.T, u) + times(v, excess)])
        )

    middle = iterate(step, fixed(0.4 * rng.normal(size=(rows + columns, width))), 400)
    late = iterate(step, middle, 400)
    end = iterate(step, late, 400)
    limit = times(end, end.T)

    def observe(r):
        gap = times(r, r.T) - limit
        return [norm(gap[:rows, rows:]), norm(gap)]

    product, gramian = decays(observe(middle), observe(late), 400 * size)
    facts = Facts(values, rows, columns, width, min(width, rows + columns), size, lambda0=lambda0)
    predicted = predict(Regularized, facts)
    assert predicted["product"][0].rate == pytest.approx(product, rel=1e-2)
    assert predicted["gramian"][0].rate == pytest.approx(gramian, rel=1e-2)


def problem(rng, rank=None):
    """Y of a rank, and factors, of sizes 2 to 4 and of a width at which X can reach it."""
    rows, columns = rng.integers(2, 5, 2)
    rank = rng.integers(1, min(rows, columns) + 1) if rank is None else rank
    width = rng.integers(rank, rows + columns + 2)
    left, right = (np.linalg.qr(rng.normal(size=(size, size)))[0][:, :rank] for size in (rows, columns))
    data = left * rng.uniform(0.6, 2.0, rank) @ right.T
    return data, rng.normal(size=(rows, width)), rng.normal(size=(columns, width))


@pytest.mark.parametrize("seed", range(25))
def test_the_asymmetric_flow_converges_at_its_local_rate_whatever_the_rank_of_the_data(seed):
    data, left, right = problem(np.random.default_rng([34, seed]))
    (m, k), n = left.shape, len(right)

    def field(_, z):
        u, v = z[: m * k].reshape(m, k), z[m * k :].reshape(n, k)
        e = data - u @ v.T
        return np.concatenate(((e @ v).ravel(), (e.T @ u).ravel()))

    def flow(times):
        start = np.concatenate((left.ravel(), right.ravel()))
        z = solve_ivp(field, (0, times[-1]), start, "DOP853", times, rtol=1e-13, atol=1e-18).y.T
        u, v = z[:, : m * k].reshape(-1, m, k), z[:, m * k :].reshape(-1, n, k)
        return u, v, np.linalg.norm(data - u @ np.swapaxes(v, 1, 2), axis=(1, 2))

    u, v, distance = flow(np.array([0.0, 1000.0]))
    rate = rates.local(data[None], u[-1:], v[-1:])[0]
    if np.isnan(rate):
        assert distance[-1] > 1e-6  # too slow to tell
        return
    u, v, distance = flow(np.linspace(0, 24 / rate, 2001))
    window = (distance < 1e-7) & (distance > 1e-9)
    slope = -np.polyfit(np.linspace(0, 24 / rate, 2001)[window], np.log(distance[window]), 1)[0]
    # Late, but not in the limit: faster terms may be left, slower ones not.
    assert rate * (1 - 1e-3) <= slope <= 1.03 * rate
    # Far from the limit the rate is that of the limit all the same, or is not told.
    early = rates.local(np.broadcast_to(data, (2001, m, n)), u, v)
    told = np.isfinite(early)
    assert told[distance < 1e-5].all()
    assert early[told & (distance < 1e-2)] == pytest.approx(rate, rel=2e-2)


@pytest.mark.parametrize("seed", range(10))
def test_descent_converges_at_the_local_rate_of_its_step_up_to_where_it_is_unstable(seed):
    rng = np.random.default_rng([35, seed])
    data, left, right = problem(rng)
    m = len(left)
    size = rng.uniform(0.3, 1.7) / (np.linalg.norm(left, 2) ** 2 + np.linalg.norm(right, 2) ** 2)
    y, eta = fixed(data), fixed(size)

    def step(r):
        u, v = r[:m], r[m:]
        force = y - times(u, v.T)
        return r + scaled(eta, np.concatenate([times(force, v), times(force.T, u)]))

    middle = iterate(step, fixed(np.concatenate([left, right])), 400)
    (measured,) = tail(step, middle, lambda r: [norm(y - times(r[:m], r[m:].T))], size, 200)
    end = (middle / 2**BITS).astype(float)
    rate = rates.local(data[None], end[None, :m], end[None, m:], size)[0]
    if np.linalg.norm(data - end[:m] @ end[m:].T) < 1e-6:
        assert rate == pytest.approx(measured, rel=1e-2)


@pytest.mark.parametrize("width", [3, 8])
def test_nothing_is_predicted_where_tied_or_balanced_factors_of_singular_data_converge_as_a_power(width):
    rng = np.random.default_rng(36)
    basis = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    values = np.array([2.0, 1.0, 1e-17, 0.0])
    assert np.isnan(predict(Symmetric, Facts(values, 4, 4, width, min(width, 4)))["product"][0].rate)
    assert predict(Symmetric, Facts(values, 4, 4, 2, 2))["product"][0].rate == pytest.approx(2.0)
    facts = Facts(values, 4, 4, width, min(width, 4), lambda0=0.0)
    assert np.isnan(predict(Asymmetric, facts)["product"][0].rate)
    # Late, the factors of the singular directions have shrunk as 1 / sqrt(t) and are as large as the distance's root.
    small = basis[:, 2:] * np.sqrt(1e-4)
    factor = np.concatenate([basis[:, :2] * np.sqrt(values[:2]), small], axis=1)
    data = basis * values @ basis.T
    assert np.isnan(rates.local(data[None], factor[None], factor[None])[0])


def test_a_start_of_width_1_has_the_rate_of_its_lambda0():
    """Q is 1 x 1: the flow of Proposition 5 solves every start."""
    values = np.array([2.0, 1.0])
    facts = Facts(values, 2, 3, 1, 1, lambda0=0.5)
    h = np.hypot(2 * values, 0.5) / 2
    assert predict(Asymmetric, facts)["product"][0].rate == pytest.approx(h[0] - h[1])


def test_the_bound_of_the_flow_is_none_of_descent():
    imbalance = np.array([3.0, 1.0, 1.0])
    flow = Facts(np.array([1.0]), 2, 1, 3, 3, imbalance=imbalance, local=2.0)
    assert predict(Asymmetric, flow)["product"][0].bound == 1.0
    assert np.isnan(predict(Asymmetric, flow._replace(step_size=0.1))["product"][0].bound)


def test_modes_that_rest_do_not_slow_the_product():
    facts = Facts(np.array([2.0, 0.0]), 2, 2, 2, 2, moving=np.array([True, False]), modes=np.array([1.0, 1.0]))
    found = predict(Asymmetric, facts)
    assert found["product"][0].rate == found["mode"][0].rate == np.hypot(4.0, 1.0)
    assert np.isnan(found["mode"][1].rate)
