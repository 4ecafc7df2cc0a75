import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from gradflow import flow, gauge, lambda0, observables
from gradflow.dynamics import Asymmetric, Regularized

TIMES = np.concatenate([[0.0], np.geomspace(1e-4, 0.5, 40)])


def trajectory(width, seed, times=TIMES, dynamics=None):
    """X(t) of a general flow at scale 1, m = 5, n = 10, with its data and reduced start."""
    rng = np.random.default_rng(seed)
    data, factors = rng.standard_normal((5, 10)), rng.standard_normal((15, width))
    reduced = gauge.reduce(factors)[0]
    dynamics = dynamics or Asymmetric(data[None])
    observe = observables.observer(dynamics, reduced[None], np.array([width]), product=True)
    solution = flow.integrate(dynamics, reduced[None], times, observe)
    return solution.observed["product"][0].reshape(-1, 5, 10), data, reduced


@pytest.mark.parametrize("width", [50, 100, 200])
@pytest.mark.parametrize("seed", range(10))
def test_the_chosen_basin_is_the_global_one_of_a_dense_scan(width, seed):
    products, data, factors = trajectory(width, seed)
    fit = lambda0.fit(TIMES, products, data, factors)
    # 2,000 candidates over +-4 spectral radii of Q(0), in batches that fit a small memory.
    imbalance = factors[:5].T @ factors[:5] - factors[5:].T @ factors[5:]
    candidates = np.linspace(-4, 4, 2000) * np.abs(np.linalg.eigvalsh(imbalance)).max()
    objective = lambda0.Objective(TIMES, products, data, factors)
    values = np.concatenate([objective(part) for part in np.split(candidates, 20)])
    best = candidates[values.argmin()]
    assert abs(fit.best.lambda0 - best) <= 2 * (candidates[1] - candidates[0])
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
    rng = np.random.default_rng(2)
    data = rng.standard_normal((5, 10))
    dynamics = Regularized(data[None], np.full((1, 15), truth), np.full(1, 0.125), np.full(1, 15))
    products, data, factors = trajectory(30, 2, dynamics=dynamics)
    fit = lambda0.fit(TIMES, products, data, factors)
    assert fit.best.lambda0 == pytest.approx(truth, rel=1e-6)
    assert fit.best.gap_max < 1e-6


def test_both_basins_of_a_balanced_start_are_at_zero():
    rng = np.random.default_rng(3)
    data, left = rng.standard_normal((4, 4)), rng.standard_normal((4, 6))
    factors = gauge.reduce(np.concatenate([left, left]))[0]
    dynamics = Asymmetric(data[None])
    observe = observables.observer(dynamics, factors[None], np.array([6]), product=True)
    products = flow.integrate(dynamics, factors[None], TIMES, observe).observed["product"][0].reshape(-1, 4, 4)
    fit = lambda0.fit(TIMES, products, data, factors)
    assert abs(fit.best.lambda0) < 1e-12
    assert fit.best.gap_max < 1e-7


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
