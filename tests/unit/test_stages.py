"""The compiled steps of a flow against the plain ones."""

import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import DOP853
from test_products import drawn

from linear_networks import theory as theories
from linear_networks.dynamics import Asymmetric, Linear, Regularized, Symmetric
from linear_networks.kernels.lanes import LANES
from linear_networks.kernels.stage_code import AT_ONCE
from linear_networks.kernels.stages import Stages
from linear_networks.solvers import dormand_prince
from linear_networks.solvers.dormand_prince import NUDGE, Plain
from linear_networks.solvers.modes import Modes

SIZES = st.integers(1, 7)


def both(problem, state):
    """Compiled steps and plain ones from the same states."""
    velocity = problem.velocity(state)
    direction = velocity / np.linalg.norm(velocity, axis=1)[:, None]
    modes = Modes(problem, theories.of(problem).basis(problem))
    compiled = dormand_prince.steps(problem, modes, state, velocity, direction)
    assert isinstance(compiled, Stages)
    return compiled, Plain(problem, modes, state, velocity, direction)


def within(steps, passed, rows, x):
    """States within a step, in the order of their rows."""
    numbers, states = map(np.concatenate, zip(*steps.inside(passed, rows, x), strict=True))
    return states[np.argsort(numbers)]


def test_the_method_is_that_of_scipy():
    weights = np.zeros_like(dormand_prince.WEIGHTS)
    weights[:12, :12], weights[12, :12], weights[13:] = DOP853.A, DOP853.B, DOP853.A_EXTRA
    assert np.array_equal(dormand_prince.WEIGHTS, weights)
    assert np.array_equal(dormand_prince.DENSE[3:], DOP853.D)
    for found, expected in ((dormand_prince.FIFTH, DOP853.E5), (dormand_prince.THIRD, DOP853.E3)):
        assert np.array_equal(np.append(found, 0.0), expected)


def relative(found, expected):
    return np.linalg.norm(found - expected, axis=-1) / np.linalg.norm(expected, axis=-1)


def assert_equal_steps(found, expected, step, problem, state):
    (ends, told), (plain_ends, plain_told) = found.attempt(step), expected.attempt(step)
    assert relative(ends, plain_ends).max() <= 1e-12
    assert_allclose(told.size, plain_told.size, rtol=1e-12)
    # What cancels is right to rounding of what it is made of.
    speed = np.sqrt(plain_told.speed) + np.linalg.norm(problem.velocity(state), axis=1)
    for name in ("speed", "fifth", "third"):
        one, other = (np.sqrt(getattr(told, name)) for told in (told, plain_told))
        assert (np.abs(one - other) <= 1e-12 * speed).all()
    bend, plain_bend = np.sqrt(told.bend), np.sqrt(plain_told.bend)
    assert (np.abs(bend - plain_bend) <= 1e-12 / NUDGE * (speed / np.sqrt(told.size) + plain_bend)).all()
    return ends


@pytest.mark.parametrize("kind", [Linear, Symmetric, Asymmetric, Regularized])
@examples(5)
@given(SIZES, SIZES, st.integers(1, 14), st.integers(1, 2 * LANES + 1), st.integers(0, 2**32))
def test_steps_and_states_within_are_those_of_numpy(kind, rows, columns, width, runs, seed):
    rng = np.random.default_rng(seed)
    problem, state = drawn(kind, rng, runs, rows, columns, width)
    found, expected = both(problem, state)
    step = rng.uniform(0.0, 0.3, runs)
    ends = assert_equal_steps(found, expected, step, problem, state)

    passed = rng.random(runs) < 0.7
    samples = rng.integers(0, 2 * AT_ONCE + 2, passed.sum())
    where = np.repeat(np.arange(passed.sum()), samples)
    if where.size:
        x = rng.random(len(where))
        inside, plain = (within(steps, passed, where, x) for steps in (found, expected))
        assert relative(inside, plain).max() <= 1e-12

    # Some of the runs go on, from the end of the step or once more from its start.
    accepted, turned, kept = (rng.random((3, runs)).T < (0.6, 0.6, 0.8)).T
    turned = np.where(turned, 0.5, 0.0)
    for steps in (found, expected):
        steps.accept(accepted, turned)
    if kept.any():
        found, expected, problem = found.select(kept), expected.select(kept), problem.select(kept)
        state = np.where(accepted[:, None], ends, state)[kept]
        assert_equal_steps(found, expected, step[kept], problem, state)


@pytest.mark.parametrize("accepted", [True, False])
def test_the_direction_turns_to_that_of_the_largest_curvature(accepted):
    """Of a quadratic loss, by power iterations: its curvature is found whatever the first direction is."""
    problem, state = drawn(Linear, np.random.default_rng(0), LANES + 1, 3, 4, 2)
    found, expected = both(problem, state)
    step = np.full(len(state), 0.1)
    for steps in (found, expected):
        _, told = steps.attempt(step)
        # Minus the identity turns every direction to its opposite, of which the norm is 1.
        assert_allclose(np.sqrt(told.bend), 1.0, atol=1e-6)
        steps.accept(np.full(len(state), accepted), np.full(len(state), 1.0))
        assert_allclose(np.sqrt(steps.attempt(step)[1].bend), 1.0, atol=1e-6)


def test_states_within_are_seen_from_the_basis_of_y_where_turning_them_is_not_compiled():
    problem, state = drawn(Asymmetric, np.random.default_rng(0), 3, 1, 90, 1)
    found, expected = both(problem, state)
    assert not found.method.shows
    rows, x = np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5])
    for steps in (found, expected):
        steps.attempt(np.full(3, 0.01))
    inside, plain = (within(steps, np.array([True, False, True]), rows, x) for steps in (found, expected))
    assert relative(inside, plain).max() <= 1e-12
