import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import products, solve, squared

from linear_networks import initializations
from linear_networks.arrays import squared_norm
from linear_networks.dynamics import Asymmetric, Linear
from linear_networks.models import gauge
from linear_networks.solvers.descent import Descent, sample_steps


def plain_descent(data, factors, step_size, steps):
    """Products of textbook descent on the unreduced factors, after each of the given numbers of steps."""
    rows = len(data)
    left, right = factors[:rows].copy(), factors[rows:].copy()
    products, done = [], 0
    for target in steps:
        for _ in range(target - done):
            residual = data - left @ right.T
            left, right = left + step_size * residual @ right, right + step_size * residual.T @ left
        done = target
        products.append(left @ right.T)
    return np.array(products)


def descend(dynamics, data, factors, step_size, steps):
    solution = solve(squared(dynamics, data), factors, step_size * np.asarray(steps), Descent(step_size), width=50)
    assert solution.steps.tolist() == list(steps)
    return solution


def drawn(rows=5, columns=10, width=50, scale=0.3, seed=0):
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((rows, columns))
    return data, initializations.draw("gaussian", rng, data, width, scale=scale).factors


@pytest.mark.parametrize(("rows", "columns"), [(5, 10), (10, 5), (4, 4), (1, 1)])
@pytest.mark.parametrize("width", [1, 3, 14, 15, 16, 200])
def test_descent_equals_descent_of_its_gauge_reduction(rows, columns, width):
    data, factors = drawn(rows, columns, width)
    steps = [0, 1, 10, 1000]
    reduced = gauge.reduce(factors)[0][None]
    found = products(descend(Asymmetric, data[None], reduced, 1e-3, steps), data.shape)[0]
    expected = plain_descent(data, factors, 1e-3, steps)
    assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_error_of_the_linear_model_shrinks_by_one_minus_step_size_a_step(scale):
    data, factors = drawn(scale=scale)
    steps = [0, 1, 7, 500, 3000]
    error = descend(Linear, data[None], factors[None], 1e-3, steps).observed["error"][0]
    assert_allclose(error, error[0] * (1 - 1e-3) ** np.array(steps), rtol=1e-11)


def test_imbalance_changes_by_the_second_order_term_alone():
    data, factors = drawn()
    problem = squared(Asymmetric, data[None])
    state = problem.start(factors[None])
    for _ in range(20):
        left, right = problem.split(state)
        residual = data - left @ right.mT
        change = right.mT @ residual.mT @ residual @ right - left.mT @ residual @ residual.mT @ left
        after = state + 1e-2 * problem.velocity(state)
        assert_allclose(problem.imbalance(after) - problem.imbalance(state), 1e-4 * change, atol=1e-13)
        state = after


def test_a_diverging_run_ends_alone():
    data, factors = drawn()
    start = np.stack([factors, 30 * factors, factors])
    steps = np.arange(0, 400, 20)
    together = descend(Asymmetric, np.stack([data, data, data]), start, 1e-2, steps)
    alone = descend(Asymmetric, data[None], factors[None], 1e-2, steps)
    assert together.outcome.tolist() == ["completed", "diverged", "completed"]
    for name, values in together.observed.items():
        assert np.array_equal(values[0], alone.observed[name][0])
        assert np.array_equal(values[2], alone.observed[name][0])
        assert not np.isnan(values[1, 0]).any()
        assert np.isnan(values[1, -1]).all()
    assert together.work[1] < together.work[0] == 380


def test_sample_steps_are_the_nearest_without_repeats():
    assert sample_steps([0.0, 0.0004, 0.0011, 0.0012, 0.01], 1e-3).tolist() == [0, 1, 10]


def test_squared_norm_of_a_run_does_not_depend_on_its_neighbours():
    stack = np.random.default_rng(2).standard_normal((7, 10, 64))
    assert np.array_equal(squared_norm(stack), np.concatenate([squared_norm(one[None]) for one in stack]))
