"""What is true of every penalty that is listed, for factors of two layers."""

import numpy as np
import pytest
from examples import PENALTIES, inner, settings, slope
from numpy.testing import assert_allclose

from linear_networks.components import Listing
from linear_networks.models import gauge
from linear_networks.penalties.imbalance import Imbalance

WIDTH, RUNS = 5, 3
KINDS = [(penalty, some) for penalty in PENALTIES.values() for some in settings(penalty, WIDTH, RUNS)]


def drawn(penalty, parameters, seed=0, width=WIDTH):
    """A penalty of factors of full width, and these."""
    rng = np.random.default_rng(seed)
    factors = [rng.standard_normal((RUNS, rows, width)) for rows in (3, 4)]
    return penalty.of(width, np.full(RUNS, width), parameters), factors


def test_every_penalty_declares_itself():
    assert len(Listing(*PENALTIES.values())) == len(PENALTIES)


@pytest.mark.parametrize(("penalty", "parameters"), KINDS)
def test_pull_is_minus_the_gradient_of_the_value(penalty, parameters):
    some, factors = drawn(penalty, parameters)
    ways = [np.random.default_rng(1).standard_normal(factor.shape) for factor in factors]
    assert_allclose(-inner(some.pull(factors), ways), slope(some.value, factors, ways), rtol=1e-6)


@pytest.mark.parametrize(("penalty", "parameters"), KINDS)
def test_the_penalty_of_some_runs_is_theirs(penalty, parameters):
    some, factors = drawn(penalty, parameters)
    for runs in (np.array([2, 0, 2]), np.array([True, False, True])):
        part, chosen = some.select(runs), [factor[runs] for factor in factors]
        assert np.array_equal(part.value(chosen), some.value(factors)[runs])
        for found, expected in zip(part.pull(chosen), some.pull(factors), strict=True):
            assert np.array_equal(found, expected[runs])


@pytest.mark.parametrize(("penalty", "parameters"), KINDS)
def test_the_gauge_is_kept_where_it_is_said_to_be(penalty, parameters):
    some, factors = drawn(penalty, parameters)
    kept = penalty.keeps_gauge(parameters[0])
    rotation = np.linalg.qr(np.random.default_rng(2).standard_normal((WIDTH, WIDTH)))[0]
    rotated = some.value([factor @ rotation for factor in factors])
    assert np.allclose(rotated, some.value(factors), rtol=1e-12) == kept


@pytest.mark.parametrize(
    ("penalty", "parameters"), [(penalty, some) for penalty, some in KINDS if penalty.keeps_gauge(some[0])]
)
@pytest.mark.parametrize("width", [2, 12])
def test_gauge_reduction_changes_no_value_and_no_pull(penalty, parameters, width):
    some, factors = drawn(penalty, parameters, width=width)
    short, basis = gauge.reduce(np.concatenate(factors, axis=1))
    reduced = [short[:, :3], short[:, 3:]]
    narrow = penalty.of(short.shape[-1], np.full(RUNS, width), parameters)
    assert_allclose(narrow.value(reduced), some.value(factors), rtol=1e-12)
    for found, expected in zip(narrow.pull(reduced), some.pull(factors), strict=True):
        assert_allclose(found @ basis.mT, expected, atol=1e-10)


@pytest.mark.parametrize("penalty", PENALTIES.values())
def test_a_penalty_adds_curvature_and_operations(penalty):
    assert penalty.curvature(3.0) >= 3.0
    assert penalty.operations(3, 4, 5) > 0.0


def test_the_imbalance_costs_nothing_where_it_is_the_diagonal_that_it_is_held_to():
    rng = np.random.default_rng(4)
    factors = [rng.standard_normal((1, rows, 5)) for rows in (3, 4)]
    left, right = factors
    values, vectors = np.linalg.eigh(left.mT @ left - right.mT @ right)
    factors = [factor @ vectors for factor in factors]
    held = Imbalance(values, np.full(1, 0.3), np.zeros(1))
    assert_allclose(held.value(factors), 0, atol=1e-24)
    assert all(np.abs(pull).max() < 1e-12 for pull in held.pull(factors))
