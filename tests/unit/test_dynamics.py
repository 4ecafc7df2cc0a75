import numpy as np
import pytest
from numpy.testing import assert_allclose

from linear_networks import initializations, matrices
from linear_networks.dynamics import (
    DYNAMICS,
    Asymmetric,
    Linear,
    Regularized,
    RegularizedGramian,
    Riccati,
    SigmoidAsymmetric,
    SigmoidLinear,
    Symmetric,
)
from linear_networks.models import gauge


def problem(name, rows=3, columns=4, width=5, batch=2, seed=0):
    """A batch of problems of a dynamics, and its full-width factors."""
    rng = np.random.default_rng(seed)
    if name in ("symmetric", "riccati"):
        columns = rows
    if name.startswith("sigmoid"):
        tasks = [matrices.teacher(rng, 30, rows, 0.01) for _ in range(batch)]
        arrays = {"data": np.stack([task.weights for task in tasks])}
        arrays["inputs"] = np.stack([task.inputs for task in tasks])
        arrays["outputs"] = np.stack([task.outputs for task in tasks])
        columns = rows
    else:
        arrays = {"data": rng.standard_normal((batch, rows, columns))}
    if name in ("symmetric", "riccati"):
        arrays["data"] = arrays["data"] + arrays["data"].mT
    factors = rng.standard_normal((batch, rows + columns, width))
    if name == "regularized":
        arrays["target"] = np.full((batch, width), 0.7)
        arrays["weight"] = np.array([0.125, 0.3])
        arrays["reduced"] = np.zeros(batch)
    return DYNAMICS[name](**arrays), factors


@pytest.mark.parametrize("name", sorted(set(DYNAMICS) - {"riccati"}))
def test_velocity_is_minus_the_gradient_of_the_loss(name):
    dynamics, factors = problem(name)
    state = dynamics.start(factors)
    direction = np.random.default_rng(1).standard_normal(state.shape)
    ahead, behind = (dynamics.loss(state + sign * 1e-6 * direction) for sign in (1, -1))
    expected = (dynamics.velocity(state) * direction).sum(axis=(1, 2))
    assert_allclose((behind - ahead) / 2e-6, expected, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(DYNAMICS))
def test_descent_adds_the_velocity_step_by_step(name):
    dynamics, factors = problem(name)
    state = dynamics.start(0.1 * factors)
    expected = state
    for _ in range(30):
        expected = expected + 1e-3 * dynamics.velocity(expected)
    assert_allclose(dynamics.descend(state, 1e-3, 30), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [Linear, Symmetric, Asymmetric])
def test_a_dynamics_that_moves_otherwise_descends_by_its_own_velocity(kind):
    class Decayed(kind):
        def velocity(self, state):
            return super().velocity(state) - state

    dynamics, factors = problem("symmetric" if kind is Symmetric else "asymmetric")
    decayed = Decayed(dynamics.data)
    state = decayed.start(factors)
    assert_allclose(decayed.descend(state, 0.1, 1), state + 0.1 * decayed.velocity(state), rtol=1e-14)


def test_velocity_of_the_regularized_model_with_a_diagonal_is_minus_the_gradient_of_its_loss():
    dynamics, factors = problem("regularized")
    dynamics = Regularized(
        dynamics.data, np.random.default_rng(2).standard_normal((2, 5)), dynamics.weight, np.zeros(2)
    )
    direction = np.random.default_rng(1).standard_normal(factors.shape)
    ahead, behind = (dynamics.loss(factors + sign * 1e-6 * direction) for sign in (1, -1))
    expected = (dynamics.velocity(factors) * direction).sum(axis=(1, 2))
    assert_allclose((behind - ahead) / 2e-6, expected, rtol=1e-6)


def test_riccati_moves_as_the_product_of_the_symmetric_model():
    symmetric, factors = problem("symmetric")
    state = symmetric.start(factors)
    speed = symmetric.velocity(state)
    riccati = Riccati(symmetric.data)
    assert_allclose(riccati.start(factors), state @ state.mT, atol=1e-13)
    assert_allclose(riccati.velocity(riccati.start(factors)), speed @ state.mT + state @ speed.mT, atol=1e-12)


def test_regularized_at_one_eighth_moves_by_equation_18():
    dynamics, factors = problem("regularized")
    rows, columns = dynamics.data.shape[1:]
    zeros = np.zeros((2, rows, rows)), np.zeros((2, columns, columns))
    link = np.block([[zeros[0], dynamics.data], [dynamics.data.mT, zeros[1]]])
    signs = np.diag([0.5] * rows + [-0.5] * columns)
    expected = link @ factors - factors @ factors.mT @ factors / 2 + signs @ factors * 0.7
    eighth = Regularized(dynamics.data, dynamics.target, np.full(2, 0.125), np.zeros(2))
    assert_allclose(eighth.velocity(factors), expected, atol=1e-12)


def test_regularized_is_the_asymmetric_model_on_its_invariant_manifold():
    dynamics, factors = problem("regularized")
    asymmetric = Asymmetric(dynamics.data)
    eigenvalues, vectors = np.linalg.eigh(asymmetric.imbalance(factors))
    held = Regularized(dynamics.data, eigenvalues, dynamics.weight, np.zeros(2))
    assert_allclose(held.velocity(factors @ vectors), asymmetric.velocity(factors) @ vectors, atol=1e-11)


@pytest.mark.parametrize("name", sorted(DYNAMICS))
@pytest.mark.parametrize("width", [2, 12])
def test_gauge_reduction_changes_no_product_velocity_or_loss(name, width):
    dynamics, factors = problem(name, width=width)
    reduced = gauge.reduce(factors)[0]
    narrow = dynamics
    if name == "regularized":
        size = reduced.shape[-1]
        narrow = Regularized(dynamics.data, dynamics.target[:, :size], dynamics.weight, np.full(2, width - size))
    whole, part = dynamics.start(factors), narrow.start(reduced)
    assert_allclose(narrow.product(part), dynamics.product(whole), atol=1e-12)
    assert_allclose(narrow.loss(part), dynamics.loss(whole), rtol=1e-12)
    step = 1e-4
    after = narrow.product(part + step * narrow.velocity(part))
    assert_allclose(after, dynamics.product(whole + step * dynamics.velocity(whole)), atol=1e-12)


def test_regularized_loss_is_known_from_the_gramian():
    dynamics, factors = problem("regularized")
    eighth = Regularized(dynamics.data, dynamics.target, np.full(2, 0.125), np.zeros(2))
    view = RegularizedGramian(dynamics.data, np.full(2, 0.7), np.full(2, 5))
    gramian = factors @ factors.mT
    assert_allclose(view.loss(gramian), eighth.loss(factors), rtol=1e-12)
    assert_allclose(view.product(gramian), eighth.product(factors), atol=1e-14)


@pytest.mark.parametrize("name", ["asymmetric", "sigmoid-asymmetric"])
def test_imbalance_of_a_two_layer_model_does_not_change_along_its_velocity(name):
    dynamics, factors = problem(name)
    ahead, behind = (dynamics.imbalance(factors + sign * 1e-5 * dynamics.velocity(factors)) for sign in (1, -1))
    assert_allclose(ahead - behind, 0, atol=1e-11)


def test_sigmoid_models_share_loss_and_force_of_one_product():
    two, factors = problem("sigmoid-asymmetric")
    one = SigmoidLinear(two.data, two.inputs, two.outputs)
    left, right = two.factors(factors)
    assert_allclose(one.loss(one.start(factors)), two.loss(factors), rtol=1e-13)
    force = one.velocity(one.start(factors))
    assert_allclose(two.velocity(factors), np.concatenate([force @ right, force.mT @ left], axis=1), atol=1e-12)


def test_a_teacher_without_noise_is_a_minimum_of_its_own_loss():
    task = matrices.teacher(np.random.default_rng(3), 50, 4, 0.0)
    model = SigmoidLinear(*(part[None] for part in task))
    assert model.loss(task.weights[None]) == 0
    assert_allclose(model.velocity(task.weights[None]), 0, atol=1e-14)
    assert model.error(task.weights[None]) == 0


def test_spectra_are_singular_values_and_eigenvalues_where_the_product_is_symmetric():
    data = np.diag([1.0, -2.0])[None]
    assert_allclose(Riccati(data).spectrum(data), [[1, -2]])
    assert_allclose(Linear(data).spectrum(data), [[2, 1]])
    assert_allclose(Symmetric(data).spectrum(np.diag([1.0, 3.0])[None]), [[9, 1]])


@pytest.mark.parametrize("name", sorted(DYNAMICS))
def test_descent_below_the_stability_limit_of_the_curvature_does_not_diverge(name):
    dynamics, factors = problem(name, width=8)
    rows = dynamics.data.shape[1]
    parts = dynamics.data, factors[:, :rows], factors[:, rows:], getattr(dynamics, "inputs", np.ones((2, 1, 1)))
    norms = [float(np.linalg.norm(part, 2, axis=(1, 2)).max()) for part in parts]
    step_size = 0.5 * 2.0 / dynamics.curvature(*norms)
    state = dynamics.start(factors)
    first = dynamics.loss(state)
    for _ in range(300):
        state = state + step_size * dynamics.velocity(state)
    assert np.all(dynamics.loss(state) < first)


@pytest.mark.parametrize(
    ("name", "width"),
    [(name, width) for name in ("symmetric", "asymmetric", "regularized") for width in (1, 2, 7)]
    + [("linear", 7), ("riccati", 7)],
)
def test_limits_are_fixed_points_that_long_descent_reaches(name, width):
    dynamics, factors = problem(name, width=width, batch=3, seed=4)
    if name == "regularized":
        dynamics = Regularized(dynamics.data, dynamics.target, np.full(3, 0.125), np.zeros(3))
    state = dynamics.start(factors)
    for _ in range(60_000):
        state = state + 0.01 * dynamics.velocity(state)
    assert_allclose(dynamics.product(state), dynamics.limit(np.full(3, width)), atol=1e-7)
    if name == "regularized":
        assert_allclose(dynamics.gramian(state), dynamics.gramian_limit(np.full(3, width)), atol=1e-7)


def test_the_limit_of_one_run_does_not_depend_on_whether_that_of_another_is_known():
    dynamics, factors = problem("regularized")
    assert dynamics.weight.tolist() == [0.125, 0.3]
    limits = dynamics.limit(np.full(2, 5))
    alone = dynamics.select(np.array([0])).limit(np.full(1, 5))
    assert np.array_equal(limits[:1], alone)
    assert np.isnan(limits[1]).all()


def test_closed_forms_are_refused_where_there_is_none():
    dynamics, factors = problem("asymmetric")
    start = initializations.Start(factors)
    with pytest.raises(ValueError, match="spectral starts and where"):
        dynamics.closed_form(np.ones(1), start)
    regularized, _ = problem("regularized")
    with pytest.raises(ValueError, match="weight 1/8"):
        regularized.closed_form(np.ones(1), start)
    sigmoid, factors = problem("sigmoid-asymmetric")
    assert isinstance(sigmoid, SigmoidAsymmetric)
    with pytest.raises(ValueError, match="behind a sigmoid"):
        sigmoid.closed_form(np.ones(1), initializations.Start(factors))
