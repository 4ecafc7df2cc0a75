"""What is true of every dynamics that is listed, with every loss that it descends."""

import re

import numpy as np
import pytest
from examples import cases, inner, slope
from numpy.testing import assert_allclose
from problems import held, squared

from linear_networks import theory
from linear_networks.dynamics import DYNAMICS, Asymmetric, Linear, Symmetric
from linear_networks.dynamics.problem import Problem, join
from linear_networks.losses import LOSSES
from linear_networks.models import gauge
from linear_networks.theory.unknown import Unknown

CASES = cases()
GRADIENT = [case for case in CASES if case.dynamics.model.induced_by is None]
PENALIZED = [dynamics for dynamics in DYNAMICS.values() if dynamics.penalty]


def named(case):
    return case.id


def loop(problem, state, step_size, count):
    for _ in range(count):
        state = state + step_size * problem.velocity(state)
    return state


# Motion


@pytest.mark.parametrize("case", GRADIENT, ids=named)
def test_velocity_is_minus_the_gradient_of_the_objective(case):
    problem, factors, *_ = case.draw()
    state = problem.start(factors)
    direction = np.random.default_rng(1).standard_normal(state.shape)
    expected = slope(lambda parts: problem.objective(*parts), [state], [direction])
    assert_allclose(-inner([problem.velocity(state)], [direction]), expected, rtol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_objective_falls_along_the_velocity(case):
    problem, factors, *_ = case.draw()
    state = problem.start(factors)
    assert (slope(lambda parts: problem.objective(*parts), [state], [problem.velocity(state)]) < 0).all()


@pytest.mark.parametrize("case", CASES, ids=named)
def test_descent_adds_the_velocity_step_by_step(case):
    problem, factors, *_ = case.draw(runs=3, scale=0.1)
    state = problem.start(factors)
    expected = loop(problem, state, 1e-3, 30)
    assert_allclose(problem.descend(state, 1e-3, 30), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_problems_of_some_runs_are_theirs(case):
    problem, factors, *_ = case.draw(runs=3)
    state = problem.start(factors)
    for runs in (np.array([2, 0, 2]), np.array([True, False, True])):
        part = problem.select(runs)
        assert np.array_equal(part.start(factors[runs]), state[runs])
        for name in ("velocity", "product", "objective", "error", "spectrum"):
            assert np.array_equal(getattr(part, name)(state[runs]), getattr(problem, name)(state)[runs]), name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_numbers_of_a_run_do_not_depend_on_its_neighbours(case):
    problem, factors, *_ = case.draw(runs=11, scale=0.1)
    state = problem.start(factors)
    together = problem.descend(state, 1e-2, 50)
    for run in range(len(state)):
        alone = problem.select(np.array([run])).descend(state[run : run + 1], 1e-2, 50)
        assert np.array_equal(alone[0], together[run])
    spoiled = np.where(np.arange(11)[:, None] == 2, np.nan, state)
    kept = np.arange(11) != 2
    assert np.array_equal(problem.descend(spoiled, 1e-2, 50)[kept], together[kept])


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_model_that_moves_otherwise_descends_by_its_own_velocity_and_theory_knows_nothing_of_it(case):
    class Decayed(type(case.dynamics.model)):
        def pull(self, factors, force):
            return [pull - factor for pull, factor in zip(super().pull(factors, force), factors, strict=True)]

    problem, factors, *_ = case.draw()
    decayed = Problem(problem.loss, Decayed(**vars(problem.model)), problem.penalties)
    state = problem.start(factors)
    assert_allclose(decayed.velocity(state), problem.velocity(state) - state, rtol=1e-12, atol=1e-12)
    problem.descend(state, 0.1, 1)
    assert_allclose(decayed.descend(state, 0.1, 1), state + 0.1 * decayed.velocity(state), rtol=1e-13, atol=1e-13)
    assert isinstance(theory.of(decayed), Unknown)


# Gauge


@pytest.mark.parametrize("width", [2, 12])
@pytest.mark.parametrize("case", CASES, ids=named)
def test_gauge_reduction_changes_no_product_velocity_or_objective_where_the_gauge_is_kept(case, width):
    whole = case.draw(width=width)
    if not all(map(case.dynamics.keeps_gauge, whole.parameters)):
        rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((width, width)))[0]
        states = [whole.problem.start(factors) for factors in (whole.factors, whole.factors @ rotation)]
        values = [whole.problem.objective(state) for state in states]
        assert not np.allclose(*values, rtol=1e-6)
        return
    reduced = gauge.reduce(whole.factors)[0]
    narrow = case.draw(width=width, reduced=reduced.shape[-1]).problem
    full, part = whole.problem.start(whole.factors), narrow.start(reduced)
    assert_allclose(narrow.product(part), whole.problem.product(full), atol=1e-12)
    assert_allclose(narrow.objective(part), whole.problem.objective(full), rtol=1e-12)
    after = narrow.product(part + 1e-4 * narrow.velocity(part))
    assert_allclose(after, whole.problem.product(full + 1e-4 * whole.problem.velocity(full)), atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_an_imbalance_does_not_change_along_the_velocity(case):
    problem, factors, *_ = case.draw()
    state = problem.start(factors)
    if problem.imbalance(state) is not None:
        ahead, behind = (problem.imbalance(state + sign * 1e-5 * problem.velocity(state)) for sign in (1, -1))
        assert_allclose(ahead - behind, 0, atol=1e-9)


# What it costs


@pytest.mark.parametrize("scale", [0.1, 1.0])
@pytest.mark.parametrize("case", CASES, ids=named)
def test_descent_below_the_stability_limit_of_the_curvature_does_not_diverge(case, scale):
    problem, factors, parameters, of_loss = case.draw(width=8, scale=scale)
    rows = problem.data.shape[1]
    parts = problem.data, factors[:, :rows], factors[:, rows:], getattr(problem.loss, "inputs", np.ones((2, 1, 1)))
    data, left, right, inputs = (float(np.linalg.norm(part, 2, axis=(1, 2)).max()) for part in parts)
    of_loss = case.loss.curvature(inputs, data + left * right, of_loss)
    curvature = max(case.dynamics.curvature(of_loss, data, left, right, one) for one in parameters)
    state = problem.start(factors)
    first = problem.objective(state)
    for _ in range(300):
        state = state + 1.0 / curvature * problem.velocity(state)
    assert (problem.objective(state) < first).all()


@pytest.mark.parametrize("dynamics", DYNAMICS.values())
def test_larger_problems_take_more_operations(dynamics):
    assert 0.0 < dynamics.operations(3, 4, 5) <= dynamics.operations(6, 8, 10)


# What it says of itself


@pytest.mark.parametrize("dynamics", DYNAMICS.values())
def test_losses_and_colour_of_a_dynamics_are_some(dynamics):
    assert set(dynamics.losses) <= set(LOSSES)
    assert re.fullmatch("#[0-9A-F]{6}", dynamics.colour)


def test_no_two_dynamics_look_alike():
    looks = [dynamics.colour for dynamics in DYNAMICS.values()]
    assert len(set(looks)) == len(looks)


@pytest.mark.parametrize("dynamics", PENALIZED)
def test_a_penalized_dynamics_has_the_parameters_of_its_penalty(dynamics):
    assert dynamics.parameters.items() >= dynamics.penalty.parameters.items()


@pytest.mark.parametrize("dynamics", DYNAMICS.values())
def test_what_is_fitted_is_fitted_to_a_dynamics_without_the_penalty(dynamics):
    fitted = any("fit" in parameter.words for parameter in dynamics.parameters.values())
    assert fitted == (dynamics.general is not None)
    if fitted:
        assert dynamics.general in DYNAMICS.values()
        assert dynamics.general.penalty is None
        assert type(dynamics.general.model) is type(dynamics.model)
        assert dynamics.general.symmetric == dynamics.symmetric


# Some of them


def test_regularized_at_one_eighth_moves_by_equation_18():
    rng = np.random.default_rng(0)
    data, factors = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 7, 5))
    zeros = np.zeros((2, 3, 3)), np.zeros((2, 4, 4))
    link = np.block([[zeros[0], data], [data.mT, zeros[1]]])
    signs = np.diag([0.5] * 3 + [-0.5] * 4)
    expected = link @ factors - factors @ factors.mT @ factors / 2 + signs @ factors * 0.7
    eighth = held(data, np.full((2, 5), 0.7))
    assert_allclose(eighth.velocity(eighth.start(factors)), expected.reshape(2, -1), atol=1e-12)


def test_regularized_is_the_asymmetric_model_on_its_invariant_manifold():
    rng = np.random.default_rng(0)
    data, factors = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 7, 5))
    asymmetric = squared(Asymmetric, data)
    eigenvalues, vectors = np.linalg.eigh(asymmetric.imbalance(asymmetric.start(factors)))
    problem = held(data, eigenvalues, weight=[0.125, 0.3])
    expected = [part @ vectors for part in asymmetric.split(asymmetric.velocity(asymmetric.start(factors)))]
    assert_allclose(problem.velocity(problem.start(factors @ vectors)), join(expected), atol=1e-11)


def test_the_product_of_tied_factors_is_that_of_the_riccati_equation():
    case = next(case for case in CASES if case.dynamics is DYNAMICS["riccati"])
    riccati, factors, *_ = case.draw(width=2)
    tied = squared(Symmetric, riccati.data)
    one, two = riccati.start(factors), tied.start(factors)
    assert_allclose(riccati.product(one), tied.product(two), atol=1e-13)
    ahead = tied.product(two + 1e-6 * tied.velocity(two)) - tied.product(two - 1e-6 * tied.velocity(two))
    assert_allclose(riccati.product(riccati.velocity(one)), ahead / 2e-6, atol=1e-7)


def test_one_layer_and_two_share_loss_and_force_of_one_product():
    for case in (case for case in CASES if case.dynamics is Asymmetric):
        two, factors, *_ = case.draw()
        one = Problem(two.loss, Linear.model)
        left, right = two.split(two.start(factors))
        assert_allclose(one.objective(one.start(factors)), two.objective(two.start(factors)), rtol=1e-13)
        (force,) = one.split(one.velocity(one.start(factors)))
        assert_allclose(two.velocity(two.start(factors)), join([force @ right, force.mT @ left]), atol=1e-12)


def test_an_error_is_relative_to_the_data():
    data = np.array([[[3.0, 0.0], [0.0, 4.0]]])
    problem = squared(Linear, data)
    assert problem.error(np.zeros((1, 4))) == 1.0
    assert problem.error(join([data])) == 0.0
    assert_allclose(problem.error(join([data + [[3.0, 0.0], [0.0, 0.0]]])), 0.6)
