"""One neuron with an output weight: its flow's solution against the potential that selects it."""

import numpy as np
import pytest
from problems import products, solve, taught
from scipy.integrate import solve_ivp
from scipy.optimize import approx_fprime

from linear_networks.dynamics import Asymmetric
from linear_networks.matrices.source import Data
from linear_networks.theory import one_neuron

RNG = np.random.default_rng(1)
# Two samples of four features: every fit is beta + null space.
INPUTS, OUTPUTS = RNG.standard_normal((2, 4)), np.array([1.0, -0.5])
NULL = np.linalg.svd(INPUTS)[2][2:]


def start(delta):
    """Weights (a, w) with a^2 - ||w||^2 = delta."""
    w = np.array([0.3, -0.2, 0.4, 0.1])
    if delta < 0.0:
        w *= np.sqrt((0.05 - delta) / (w @ w))
    return np.concatenate([[np.sqrt(delta + w @ w)], w])


def solution(weights, sign=1.0):
    """beta(0) and beta(inf) of gradient flow on 1/2 ||outputs - inputs (a w)||^2."""

    def velocity(t, weights):
        a, w = weights[0], weights[1:]
        pull = INPUTS.T @ (OUTPUTS - INPUTS @ (a * w))
        return np.concatenate([[pull @ w], a * pull])

    weights = weights * np.r_[sign, np.ones(4)]
    end = solve_ivp(velocity, (0.0, 300.0), weights, "DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    assert np.linalg.norm(INPUTS @ (end[0] * end[1:]) - OUTPUTS) < 1e-9
    assert np.sign(end[0]) == sign
    return weights[0] * weights[1:], end[0] * end[1:]


@pytest.mark.parametrize("delta", [3.0, 0.0, -2.0])
def test_the_gradient_is_that_of_the_potential(delta):
    beta = np.array([0.5, -1.0, 0.2, 0.0])
    slope = approx_fprime(beta, lambda point: float(one_neuron.potential(point, delta)), 1e-7)
    np.testing.assert_allclose(one_neuron.gradient(beta, delta), slope, atol=1e-6)


@pytest.mark.parametrize("delta", [1e9, 2.0, 1e-9, 0.0, -1e-9, -2.0, -1e9])
def test_the_gradient_is_the_inner_weights_at_any_balance(delta):
    w = np.array([3e-5, 0.0, -4e-5]) * np.sqrt(1.0 + 4e8 * max(-delta, 0.0) * 1.01)
    a = np.sqrt(delta + w @ w)
    np.testing.assert_allclose(one_neuron.gradient(a * w, a**2 - w @ w), w, rtol=1e-6)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("delta", [2.0, 0.0, -2.0])
def test_the_flow_moves_the_gradient_of_the_potential_in_the_row_space_only(delta, sign):
    first, last = solution(start(delta), sign)
    moved = one_neuron.gradient(last, delta) - one_neuron.gradient(first, delta)
    assert np.linalg.norm(NULL @ moved) < 1e-9
    assert np.linalg.norm(INPUTS @ moved) > 0.1


@pytest.mark.parametrize("delta", [2.0, 0.0, -2.0])
def test_the_model_of_width_1_ends_where_one_neuron_does(delta):
    task = Data(np.ones((4, 1)), INPUTS, OUTPUTS[:, None])
    a, *w = start(delta)
    factors = np.array([w + [a]]).reshape(1, 5, 1)
    found = products(solve(taught(Asymmetric, [task], "identity"), factors, [0.0, 300.0]), (4, 1))[0, :, :, 0]
    np.testing.assert_allclose(found, solution(start(delta)), rtol=1e-6)


@pytest.mark.parametrize("delta", [2.0, 0.0, -2.0])
def test_of_all_fits_the_flow_takes_the_one_of_least_potential(delta):
    first, last = solution(start(delta))
    others = last + np.concatenate([size * RNG.standard_normal((20, 2)) @ NULL for size in (1e-3, 0.1, 10.0)])

    def height(beta):
        return one_neuron.potential(beta, delta) - beta @ one_neuron.gradient(first, delta)

    assert (height(others) > height(last)).all()


def test_at_zero_the_gradient_is_0_where_the_potential_is_smooth_and_unknown_at_its_edge():
    assert (one_neuron.gradient(np.zeros((2, 2)), [1.0, 0.0]) == 0.0).all()
    assert np.isnan(one_neuron.gradient(np.zeros(2), -1.0)).all()
