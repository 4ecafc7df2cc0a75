import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import held, products, solve, squared
from scipy.integrate import solve_ivp

from linear_networks.dynamics import Asymmetric
from linear_networks.models import gauge
from linear_networks.theory import closed_forms, lambda0

TIMES = np.concatenate([[0.0], np.geomspace(1e-4, 0.5, 40)])


def products_of(problem, factors, times):
    """X(t) of one run, by the project's flow."""
    return products(solve(problem, factors[None], times), problem.data.shape[1:])[0]


def trajectory(width, seed, times=TIMES, truth=None):
    """X(t) of a general flow at scale 1, m = 5, n = 10, or one held to a lambda0; with its data, reduced start."""
    rng = np.random.default_rng(seed)
    data, factors = rng.standard_normal((5, 10)), rng.standard_normal((15, width))
    reduced = gauge.reduce(factors)[0]
    problem = squared(Asymmetric, data[None])
    if truth is not None:
        problem = held(data[None], np.full((1, 15), truth), reduced=15)
    return products_of(problem, reduced, times), data, reduced


def plain_objective(candidates, times, products, data, factors):
    """Relative integrated squared distance of the flow of Proposition 5, one candidate at a time."""
    rows, objective = len(data), []
    for candidate in candidates:
        found = closed_forms.regularized(times, data[None], factors[None], [candidate])[0, :, :rows, rows:]
        squares = ((found - products) ** 2).sum(axis=(1, 2)), (products**2).sum(axis=(1, 2))
        above, below = (np.sum((part[1:] + part[:-1]) * np.diff(times)) for part in squares)
        objective.append(above / below)
    return np.array(objective)


def random_problem(seed, small):
    """Any shape, width, scale and horizon; or the few narrow ones whose minima lie close to 0."""
    rng = np.random.default_rng(seed)
    rows, columns = (1, 2) if small else rng.integers(1, (6, 11))
    width = int(rng.integers(2, 4)) if small else int(np.exp(rng.uniform(0, np.log(51))))
    scale, times = np.exp(rng.uniform(np.log(0.1), np.log(2))), np.linspace(0, rng.uniform(0.5, 5), 40)
    data = rng.standard_normal((rows, columns))
    factors = gauge.reduce(scale * rng.standard_normal((rows + columns, width)))[0]
    return times, products_of(squared(Asymmetric, data[None]), factors, times), data, factors


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_no_lambda0_of_a_dense_scan_is_better_than_the_basin_of_its_sign(seed, small):
    problem = random_problem(seed, small)
    fit = lambda0.fit(*problem)
    magnitudes = fit.radius * np.concatenate(
        [np.geomspace(1e-4, 1, 40), np.linspace(0, 4, 40)[1:], np.geomspace(4, 200, 10)]
    )
    for sign, basin in ((-1, fit.negative), (1, fit.positive)):
        assert sign * basin.lambda0 >= 0
        values = plain_objective(np.append(0.0, sign * magnitudes), *problem)
        assert basin.objective <= values.min() * 1.001
        assert basin.objective == pytest.approx(plain_objective([basin.lambda0], *problem)[0], rel=1e-9)
        if basin.edge:  # the objective falls outside
            outside = basin.lambda0 * 1.1 if basin.lambda0 else -sign * 1e-4 * fit.radius
            assert plain_objective([outside], *problem)[0] < basin.objective


@pytest.mark.parametrize("width", [50, 100, 200])
@pytest.mark.parametrize("seed", range(10))
def test_the_chosen_basin_is_the_global_one_of_a_dense_scan(width, seed):
    products, data, factors = trajectory(width, seed)
    fit = lambda0.fit(TIMES, products, data, factors)
    # 400 candidates over +-4 spectral radii of Q(0); the vertex of the parabola through the best and its neighbours.
    imbalance = factors[:5].T @ factors[:5] - factors[5:].T @ factors[5:]
    radius = np.abs(np.linalg.eigvalsh(imbalance)).max()
    candidates = np.linspace(-4, 4, 400) * radius
    values = lambda0.Objective(TIMES, products, data, factors)(candidates)
    around = values.argmin() + np.arange(-1, 2)
    bend, slope, _ = np.polyfit((candidates[around] - candidates[around[1]]) / radius, values[around], 2)
    best = candidates[around[1]] - radius * slope / (2 * bend)
    assert abs(fit.best.lambda0 - best) <= 2e-3 * radius
    assert fit.best.objective <= values.min() * (1 + 1e-12)
    assert fit.negative.lambda0 < 0 < fit.positive.lambda0
    assert not fit.best.edge


def test_a_basin_is_refined_to_1e_8_of_the_spectral_radius():
    products, data, factors = trajectory(50, 0)
    fit = lambda0.fit(TIMES, products, data, factors)
    objective = lambda0.Objective(TIMES, products, data, factors)
    for basin in (fit.negative, fit.positive):
        # The slope, here by Richardson extrapolation over far larger steps, changes sign within the stated precision.
        def slope(place):
            coarse, fine = (
                (objective([place + h])[0] - objective([place - h])[0]) / (2 * h)
                for h in (2e-3 * fit.radius, 1e-3 * fit.radius)
            )
            return (4 * fine - coarse) / 3

        curvature = basin.curvature / fit.radius**2
        assert abs(slope(basin.lambda0)) <= 1e-6 * curvature * fit.radius


def test_the_objective_is_that_of_equation_19_integrated_independently():
    products, data, factors = trajectory(30, 1)
    candidate, width = -40.0, factors.shape[1]

    def velocity(_, state):
        factors = state.reshape(15, width)
        left, right = factors[:5], factors[5:]
        residual = data - left @ right.T
        pull = (left.T @ left - right.T @ right - candidate * np.eye(width)) / 2
        return np.concatenate([residual @ right - left @ pull, residual.T @ left + right @ pull]).ravel()

    solved = solve_ivp(velocity, (0, TIMES[-1]), factors.ravel(), "DOP853", TIMES, rtol=1e-11, atol=1e-12)
    states = solved.y.T.reshape(-1, 15, width)
    gaps = ((states[:, :5] @ states[:, 5:].mT - products) ** 2).sum(axis=(1, 2))
    expected = np.trapezoid(gaps, TIMES) / np.trapezoid((products**2).sum(axis=(1, 2)), TIMES)
    assert lambda0.Objective(TIMES, products, data, factors)([candidate])[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("truth", [-60.0, 25.0])
def test_a_flow_of_proposition_5_is_recognized(truth):
    products, data, factors = trajectory(30, 2, truth=truth)
    fit = lambda0.fit(TIMES, products, data, factors)
    assert fit.best.lambda0 == pytest.approx(truth, rel=1e-6)
    assert fit.best.gap_max < 1e-6


@pytest.mark.parametrize("radii", [-100.0, -7.0, 7.0, 100.0])
def test_a_minimum_beyond_four_radii_is_found(radii):
    rng = np.random.default_rng(4)
    data, factors = rng.standard_normal((3, 4)), 0.3 * rng.standard_normal((7, 5))
    imbalance = factors[:3].T @ factors[:3] - factors[3:].T @ factors[3:]
    truth = radii * np.abs(np.linalg.eigvalsh(imbalance)).max()
    problem = held(data[None], np.full((1, 5), truth), reduced=5)
    fit = lambda0.fit(TIMES, products_of(problem, factors, TIMES), data, factors)
    assert fit.best.lambda0 == pytest.approx(truth, rel=1e-6)
    assert not fit.best.edge
    assert np.all(np.diff(fit.candidates) > 0)
    assert fit.candidates[0] < truth < fit.candidates[-1]


def balanced_start(excess):
    rng = np.random.default_rng(3)
    data, left = rng.standard_normal((4, 4)), rng.standard_normal((4, 6))
    factors = gauge.reduce(np.concatenate([left, left + excess * rng.standard_normal((4, 6))]))[0]
    return products_of(squared(Asymmetric, data[None]), factors, TIMES), data, factors


def test_both_basins_of_a_balanced_start_are_at_zero():
    products, data, factors = balanced_start(0.0)
    fit = lambda0.fit(TIMES, products, data, factors)
    assert fit.radius == 0
    assert fit.candidates == [0]
    for basin in (fit.negative, fit.positive):
        assert basin.lambda0 == 0
        assert not basin.edge
        assert basin.gap_max < 1e-7


@pytest.mark.parametrize("excess", [1e-13, 1e-10, 1e-7, 1e-4])
def test_lambda0_of_a_nearly_balanced_start_is_near_zero(excess):
    """The flow from it is known to some 1e-10 only: what is below that is no reason for a large lambda0."""
    products, data, factors = balanced_start(excess)
    fit = lambda0.fit(TIMES, products, data, factors)
    assert 0 < fit.radius < 100 * excess
    assert abs(fit.best.lambda0) <= 4 * fit.radius + 1e-8
    assert fit.best.objective <= plain_objective([0.0], TIMES, products, data, factors)[0] * (1 + 1e-6)


def test_gaps_and_curvature_describe_the_basin():
    products, data, factors = trajectory(50, 4)
    fit = lambda0.fit(TIMES, products, data, factors)
    objective = lambda0.Objective(TIMES, products, data, factors)
    gaps = np.linalg.norm(objective.flow(np.array([fit.best.lambda0]))[0] - products, axis=(1, 2))
    assert fit.best.gap_max == pytest.approx((gaps / np.linalg.norm(products, axis=(1, 2))).max())
    assert fit.best.gap_l2**2 == pytest.approx(fit.best.objective)
    step = 0.02 * fit.radius
    rise = objective([fit.best.lambda0 + step, fit.best.lambda0 - step]).mean() - fit.best.objective
    assert_allclose(rise, fit.best.curvature * 0.02**2 / 2, rtol=0.1)
