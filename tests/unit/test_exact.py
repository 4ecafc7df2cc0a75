"""The closed forms as a solver, through the dynamics and every start that has one, against the integrator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import held, products, solve, squared, taught

from linear_networks import initializations
from linear_networks.dynamics import Asymmetric, Linear, Riccati, Symmetric
from linear_networks.initializations.gaussian import Gaussian
from linear_networks.matrices.teacher import Teacher
from linear_networks.solvers import exact
from linear_networks.solvers.exact import Exact
from linear_networks.solvers.flow import Flow

TIMES = np.concatenate([[0.0], np.geomspace(1e-3, 8.0, 40)])
SHAPES = [(3, 3), (3, 5), (5, 3)]
STARTS = {
    "balanced": {"kind": "balanced", "scale": 0.3},
    "rescaled to 0": {"kind": "rescaled", "scale": 0.3, "imbalance": 0.0},
    "identity +": {"kind": "identity", "scale": 0.3, "imbalance": 1.5},
    "identity -": {"kind": "identity", "scale": 0.3, "imbalance": -1.5},
    "spectral": {"kind": "spectral", "scale": 0.1, "imbalance": [0.0, 1.0, -3.0]},
}


def drawn(shape, start, width, seeds=(0, 1), symmetric=False):
    """Data and starts of a small batch."""
    data, starts, tied = [], [], {"tied": True} if symmetric else {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        matrix = rng.standard_normal(shape)
        data.append(matrix + matrix.T if symmetric else matrix)
        starts.append(initializations.draw(rng=rng, data=data[-1], width=width, **tied, **start).reduced())
    return np.stack(data), initializations.stack(starts)


def both(problem, start, width):
    """The problem by closed form and by integration, observed alike."""
    return (solve(problem, start, TIMES, solver, width) for solver in (Exact(), Flow(1e-10)))


def assert_same(solved, integrated, names=("product", "error", "singular_values", "loss", "distance")):
    for name in names:
        found, expected = solved.observed[name], integrated.observed[name]
        assert_allclose(found, expected, rtol=0, atol=1e-9 * max(1.0, np.abs(expected).max()), err_msg=name)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", STARTS)
def test_the_asymmetric_model_from_every_start_that_has_a_closed_form(shape, name):
    data, start = drawn(shape, STARTS[name], 3)
    assert_same(*both(squared(Asymmetric, data), start, 3))


@pytest.mark.parametrize("width", [2, 3, 9])
@pytest.mark.parametrize("kind", [Symmetric, Riccati])
def test_the_symmetric_model_with_indefinite_data(kind, width):
    data, start = drawn((3, 3), {"kind": "gaussian", "scale": 0.5}, width, symmetric=True)
    assert_same(*both(squared(kind, data), start, width))


@pytest.mark.parametrize("width", [1, 4, 20])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_regularized_model_with_its_loss_and_gramian(shape, width):
    data, start = drawn(shape, {"kind": "gaussian", "scale": 0.7}, width)
    reduced = start.factors.shape[-1]
    target = np.stack([np.full(reduced, 1.3), np.full(reduced, -0.4)])
    names = ("product", "error", "singular_values", "loss", "distance", "gramian_distance")
    assert_same(*both(held(data, target, reduced=width - reduced), start, width), names)


def test_the_linear_model():
    data, start = drawn((3, 5), {"kind": "gaussian", "scale": 0.7}, 4)
    assert_same(*both(squared(Linear, data), start, 4))


def test_blocks_of_times_give_the_same_numbers(monkeypatch):
    data, start = drawn((3, 5), STARTS["balanced"], 3)
    whole = solve(squared(Asymmetric, data), start, TIMES, Exact())
    monkeypatch.setattr(exact, "BLOCK", 1)
    parts = solve(squared(Asymmetric, data), start, TIMES, Exact())
    assert np.array_equal(parts.observed["product"], whole.observed["product"])


def off_manifold(weight):
    """Products of (19) with Lambda = diag(eigenvalues of Q(0)) + I, off the manifold Q = Lambda, at a weight."""
    rng = np.random.default_rng(3)
    data, factors = rng.standard_normal((1, 3, 5)), 0.7 * rng.standard_normal((1, 8, 4))
    eigenvalues, vectors = np.linalg.eigh(imbalance(factors, 3))
    return regularized_flow(data, factors @ vectors, eigenvalues + 1.0, weight)


def imbalance(factors, rows):
    left, right = factors[:, :rows], factors[:, rows:]
    return left.mT @ left - right.mT @ right


def regularized_flow(data, factors, target, weight):
    return products(solve(held(data, target, weight), factors, TIMES, Flow(1e-10)), data.shape[1:])


@pytest.mark.parametrize("weight", [1 / 16, 1 / 8, 1 / 4])
def test_on_its_manifold_the_regularized_flow_is_the_general_one(weight):
    rng = np.random.default_rng(3)
    data, factors = rng.standard_normal((1, 3, 5)), 0.7 * rng.standard_normal((1, 8, 4))
    eigenvalues, vectors = np.linalg.eigh(imbalance(factors, 3))
    general = products(solve(squared(Asymmetric, data), factors, TIMES, Flow(1e-10)), (3, 5))
    assert_allclose(regularized_flow(data, factors @ vectors, eigenvalues, weight), general, atol=1e-8)


@pytest.mark.parametrize("weight", [1 / 16, 1 / 4])
def test_off_its_manifold_another_weight_than_one_eighth_gives_another_product(weight):
    assert np.abs(off_manifold(weight) - off_manifold(1 / 8)).max() > 1e-2


def test_the_sigmoid_model_conserves_its_imbalance_and_recovers_a_noiseless_teacher():
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    tasks = [Teacher.draw(rng, samples=200, features=3, noise=0.0) for rng in rngs]
    rngs = [np.random.default_rng(seed) for seed in range(2)]
    start = initializations.stack([Gaussian.draw(rng, np.zeros((3, 3)), 8, 0.5) for rng in rngs])
    solution = solve(taught(Asymmetric, tasks), start, np.linspace(0.0, 30.0, 20))
    norms = np.linalg.norm(imbalance(start.factors, 3), axis=(1, 2))
    assert np.all(solution.observed["drift"] <= 1e-8 * norms[:, None])
    assert np.all(solution.observed["error"][:, -1] < 1e-4 * solution.observed["error"][:, 0])
    assert np.all(np.diff(solution.observed["loss"], axis=1) <= 0)
