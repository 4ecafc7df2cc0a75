"""Measured rates: on trajectories whose exponents are known."""

import mpmath
import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.measure import decays
from linear_networks.measure.decay import measure


def trajectory(rng, ratios):
    """(t, distance, floor, rates, promise) of 1-4 exponentials of known rates; see `promise`.

    |sum| or the norm of 2-5 sums; amplitudes 1e-3 to 1, of either sign; 5 to 60 times 1 / r_1 long; 60-400
    samples, linear or logarithmic; errors of at most one floor, 1e-13 to 1e-8 of the start: independent, one
    constant (a limit slightly wrong), or a plateau that replaces the decay.
    """
    modes, scale = rng.integers(1, 5), 10 ** rng.uniform(-2, 3)
    r = scale * np.cumprod(np.r_[1, ratios(rng, modes - 1)])
    parts = 1 if rng.random() < 0.5 else rng.integers(2, 6)
    a = 10 ** rng.uniform(-3, 0, (parts, modes)) * rng.choice([-1, 1], (parts, modes))
    end, samples = rng.uniform(5, 60) / scale, rng.integers(60, 401)
    grid = np.linspace(0, end, samples), np.geomspace(end * 10 ** rng.uniform(-4, -2), end, samples)
    t = grid[int(rng.random() < 0.5)]
    x = a @ np.exp(-r[:, None] * t)
    exact = np.linalg.norm(x, axis=0)
    floor = exact[0] * 10 ** rng.uniform(-13, -8)
    size = floor / np.sqrt(parts)
    noisy = (
        np.linalg.norm(x + size * rng.uniform(-1, 1, x.shape), axis=0),
        np.linalg.norm(x + size * rng.uniform(-1, 1, (parts, 1)), axis=0),
        np.maximum(exact, floor * rng.uniform(0.1, 1, exact.shape)),
    )[rng.choice(3, p=[0.5, 0.25, 0.25])]
    return t, noisy, floor, r, promise(t, exact, noisy, floor, r, a)


def promise(t, exact, noisy, floor, r, a):
    """Largest relative error of r_1, to first order, of a fit that knows the number of exponentials.

    The samples are those below a tenth of the start and above ten floors; their errors, at most one floor.
    """
    inside = np.arange(len(t)) > np.flatnonzero(noisy > 0.1 * noisy[0])[-1]
    inside &= np.arange(len(t)) <= np.flatnonzero(noisy > 10 * floor)[-1]
    t, exact, modes = t[inside & (exact > 0), None], exact[inside & (exact > 0), None], len(r)
    if len(a) == 1:  # the sum itself: amplitudes and rates
        e = np.exp(-t * r) / floor
        jacobian, first = np.hstack([e, -t * e * a]), modes
    else:  # the square of the norm: an amplitude for each r_i + r_j
        i, j = np.triu_indices(modes)
        e = np.exp(-t * (r[i] + r[j])) / (2 * exact * floor + floor**2)
        slope = -t * e * np.where(i == j, 1, 2) * (a.T @ a)[i, j]
        jacobian = np.hstack([e] + [slope @ ((i == k) * 1.0 + (j == k))[:, None] for k in range(modes)])
        first = len(i)
    if len(t) < jacobian.shape[1]:
        return np.inf
    norms = np.linalg.norm(jacobian, axis=0) + 1e-300
    return np.abs(np.linalg.pinv(jacobian / norms, rcond=1e-15)[first]).sum() / norms[first] / r[0]


def log_uniform_ratios(rng, count):
    return np.exp(rng.uniform(np.log(1.02), np.log(10), count))


def log_uniform_gaps(rng, count):
    return 1 + 10 ** rng.uniform(np.log10(0.02), np.log10(9), count)


@pytest.mark.slow
@pytest.mark.parametrize(("ratios", "silent"), [(log_uniform_ratios, 0.05), (log_uniform_gaps, 0.08)])
def test_rates_of_a_thousand_random_trajectories_are_right_and_their_uncertainties_honest(ratios, silent):
    """The second design has many more pairs of exponents within 10 % of each other, hence more silence."""
    drawn = [trajectory(np.random.default_rng([2021, seed]), ratios) for seed in range(1000)]
    times, distances, floors, exponents, promised = zip(*drawn, strict=True)
    found, slowest = (
        decays.measure(times, distances, np.array(floors), np.zeros(1000)),
        np.array([r[0] for r in exponents]),
    )
    assert np.array_equal(np.equal(found.reason, None), np.isfinite(found.rate))
    apart = np.array([len(r) == 1 or r[1] >= 1.1 * r[0] for r in exponents])
    error, uncertainty = np.abs(found.rate / slowest - 1), found.uncertainty / slowest
    separated = apart & (np.array(promised) < 0.005)
    returned = np.isfinite(error)
    assert separated.sum() > 700
    assert (~returned[separated]).mean() <= silent
    assert (error[separated & returned] < 0.005).mean() >= 0.95
    assert (error <= uncertainty)[returned].mean() >= 0.97  # some designs hide the slowest mode below the floor
    assert np.median(uncertainty[separated & returned]) <= 0.005


@pytest.mark.parametrize(
    ("sigma", "imbalance", "start"), [(1.0, 1e-3, 1e-8), (0.2, 0.5, 1e-4), (3.0, 0.0, 1e-6), (1.0, 20.0, 0.1)]
)
def test_a_plateau_before_the_decay_does_not_bend_the_rate(sigma, imbalance, start):
    """dx/dt = (sigma - x) sqrt(4 x^2 + lambda^2) inverted by quadrature, 30 digits: t of given distances."""
    distance = np.geomspace(sigma - start, 1e-11 * sigma, 120)
    distance[1:40] = np.linspace(sigma - start, 0.2 * sigma, 40)[1:]
    distance = np.sort(distance)[::-1]
    with mpmath.workdps(30):
        speed = lambda v: 1 / mpmath.sqrt(4 * (sigma - mpmath.exp(v)) ** 2 + mpmath.mpf(imbalance) ** 2)  # noqa: E731
        edges = [mpmath.log(mpmath.mpf(d)) for d in distance]
        t = np.cumsum([0.0] + [float(mpmath.quad(speed, [b, a])) for a, b in zip(edges, edges[1:], strict=False)])
    floor = 1e-12 * sigma
    found = measure(t, distance + floor * np.cos(1e3 * np.arange(len(t))), floor)
    rho = np.sqrt(4 * sigma**2 + imbalance**2)
    assert found.reason is None
    assert abs(found.rate - rho) <= found.uncertainty <= 0.005 * rho
    assert found.end > found.start > t[distance < 0.1 * distance[0]][0] - 1e-12


def test_a_sum_that_crosses_zero_in_the_window_has_the_rate_of_its_slowest_term():
    t = np.linspace(0, 20, 250)
    distance = np.abs(0.02 * np.exp(-t) - np.exp(-2.5 * t))
    crossing = np.log(50) / 1.5
    found = measure(t, distance, 1e-12, fraction=0.5)
    assert found.start < crossing < found.end
    assert abs(found.rate - 1) <= found.uncertainty < 1e-3
    assert abs(found.rate - 1) < 1e-9


@pytest.mark.parametrize("gap", [0.003, 0.01, 0.03])
@pytest.mark.parametrize("floor", [1e-12, 1e-10, 1e-8])
def test_modes_too_close_to_tell_apart_widen_the_uncertainty_to_the_slower(gap, floor):
    t = np.linspace(0, 30, 200)
    found = measure(t, np.exp(-t) + np.exp(-(1 + gap) * t), floor)
    assert 1 - found.uncertainty <= found.rate <= 1 + found.uncertainty


@examples(30)
@given(time=st.integers(-30, 30), size=st.integers(-200, 200))
def test_a_rate_follows_the_unit_of_time_and_not_that_of_distance(time, size):
    t = np.linspace(0, 12, 100)
    distance = np.exp(-2 * t) + 0.5 * np.exp(-5 * t)
    one = measure(t, distance, 1e-10)
    other = measure(t * 2.0**time, distance * 2.0**size, 1e-10 * 2.0**size)
    np.testing.assert_allclose(
        [other.rate, other.uncertainty], np.array([one.rate, one.uncertainty]) / 2.0**time, rtol=1e-6
    )
    assert (other.start, other.end, other.points) == (one.start * 2.0**time, one.end * 2.0**time, one.points)


@pytest.mark.parametrize("step_size", [1e-3, 2e-2, 0.1])
@pytest.mark.parametrize("amplitude", [1e-6, 1e-3, 0.1])
def test_what_descent_splits_lies_within_the_uncertainty(step_size, amplitude):
    # x -> (1 - eta) x and y -> (1 - eta / 2) y: x + y^2 decays as y^2 in the end, however small y is.
    steps = np.unique(np.geomspace(1, 25 / step_size, 300).astype(int))
    distance = (1 - step_size) ** steps + amplitude * (1 - step_size / 2) ** (2 * steps)
    found = measure(step_size * steps, distance, 1e-12, step_size=step_size)
    assert abs(found.rate + 2 * np.log(1 - step_size / 2) / step_size) <= found.uncertainty
    assert found.uncertainty < 0.1


T = np.linspace(0, 10, 200)


@pytest.mark.parametrize(
    ("case", "t", "distance", "floor", "reason"),
    [
        ("still on the plateau", T, 1 - 1e-6 * np.exp(T), 1e-12, "not converged"),
        ("diverged", T, np.where(T < 9, np.exp(-T), np.inf), 1e-12, "not converged"),
        ("algebraic", 10 * T, 1 / (1 + 4 * 10 * T), 1e-12, "no decay"),
        ("at the limit from the start", T, np.full(200, 1e-13), 1e-12, "floor reached"),
        ("limit exact from the start", T, np.zeros(200), 0.0, "floor reached"),
        ("hidden until a high floor", T, 1 / (1 + T) ** 3 + 1e-3, 1e-3, "floor reached"),
        ("towards another limit", 2 * T, np.abs(np.exp(-2 * T) - 0.05), 1e-12, "no decay"),
        ("towards another limit, slower", 2 * T, np.abs(np.exp(-T) - 0.05), 1e-12, "no decay"),
        ("stiff on a coarse grid", T, np.exp(-80 * T), 1e-12, "too few samples"),
        ("short", T[:7], np.exp(-3 * np.arange(7)), 1e-12, "too few samples"),
    ],
)
def test_where_no_rate_can_be_vouched_for_a_reason_stands_in_its_place(case, t, distance, floor, reason):
    found = measure(t, distance, floor)
    assert found.reason == reason, case
    assert np.isnan([found.rate, found.uncertainty, found.start, found.end]).all()
    assert found.points == found.exponents == 0
    assert found.limited_by is None


def test_times_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="increase"):
        measure([0, 1, 1], [3, 2, 1], 1e-3)
