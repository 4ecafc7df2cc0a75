import numpy as np
import pytest
from numpy.testing import assert_allclose

from linear_networks import initializations
from linear_networks.dynamics import Asymmetric, Linear, squared_norm
from linear_networks.measure import observables
from linear_networks.models import gauge
from linear_networks.solvers import descent


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


def descend(dynamics, start, step_size, steps):
    observe = observables.observer(dynamics, start, np.full(len(start), 50), product=True)
    return descent.descend(dynamics, start, step_size, np.asarray(steps), observe)


def problem(rows=5, columns=10, width=50, scale=0.3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, columns)), initializations.gaussian(rng, rows, columns, width, scale).factors


@pytest.mark.parametrize(("rows", "columns"), [(5, 10), (10, 5), (4, 4), (1, 1)])
@pytest.mark.parametrize("width", [1, 3, 14, 15, 16, 200])
def test_descent_equals_descent_of_its_gauge_reduction(rows, columns, width):
    data, factors = problem(rows, columns, width)
    steps = [0, 1, 10, 1000]
    reduced = gauge.reduce(factors)[0][None]
    found = descend(Asymmetric(data[None]), reduced, 1e-3, steps).observed["product"][0]
    expected = plain_descent(data, factors, 1e-3, steps)
    assert_allclose(found, expected.reshape(4, -1), rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_error_of_the_linear_model_shrinks_by_one_minus_step_size_a_step(scale):
    data, factors = problem(scale=scale)
    steps = [0, 1, 7, 500, 3000]
    dynamics = Linear(data[None])
    error = descend(dynamics, dynamics.start(factors[None]), 1e-3, steps).observed["error"][0]
    assert_allclose(error, error[0] * (1 - 1e-3) ** np.array(steps), rtol=1e-11)


def test_imbalance_changes_by_the_second_order_term_alone():
    data, factors = problem()
    dynamics, state, rows = Asymmetric(data[None]), factors[None], len(data)
    for _ in range(20):
        left, right = state[:, :rows], state[:, rows:]
        residual = data - left @ right.mT
        change = right.mT @ residual.mT @ residual @ right - left.mT @ residual @ residual.mT @ left
        after = state + 1e-2 * dynamics.velocity(state)
        assert_allclose(dynamics.imbalance(after) - dynamics.imbalance(state), 1e-4 * change, atol=1e-13)
        state = after


def test_a_diverging_run_ends_alone():
    data, factors = problem()
    dynamics = Asymmetric(np.stack([data, data, data]))
    start = np.stack([factors, 30 * factors, factors])
    steps = np.arange(0, 400, 20)
    together = descend(dynamics, start, 1e-2, steps)
    alone = descend(Asymmetric(data[None]), factors[None], 1e-2, steps)
    assert together.outcome.tolist() == ["completed", "diverged", "completed"]
    for name, values in together.observed.items():
        assert np.array_equal(values[0], alone.observed[name][0])
        assert np.array_equal(values[2], alone.observed[name][0])
        assert not np.isnan(values[1, 0]).any()
        assert np.isnan(values[1, -1]).all()
    assert together.work[1] < together.work[0] == 380


def test_sample_steps_are_the_nearest_without_repeats():
    assert descent.sample_steps([0.0, 0.0004, 0.0011, 0.0012, 0.01], 1e-3).tolist() == [0, 1, 10]


def test_squared_norm_of_a_run_does_not_depend_on_its_neighbours():
    stack = np.random.default_rng(2).standard_normal((7, 10, 64))
    assert np.array_equal(squared_norm(stack), np.concatenate([squared_norm(one[None]) for one in stack]))
