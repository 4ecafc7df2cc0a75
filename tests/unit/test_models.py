"""What is true of every model that is listed."""

import numpy as np
import pytest
from examples import MODELS, inner, is_symmetric, slope
from numpy.testing import assert_allclose

from linear_networks.components import Listing
from linear_networks.models.direct import Direct
from linear_networks.models.metric import Metric
from linear_networks.models.tied import Tied
from linear_networks.theory import THEORIES

ALL = list(MODELS.values())
GRADIENT = [model for model in ALL if model.induced_by is None]
INDUCED = [model for model in ALL if model.induced_by is not None]


def named(model):
    return model.name


def drawn(model, rows=3, columns=4, width=5, seed=0):
    """U and V, and a force on X."""
    rng = np.random.default_rng(seed)
    if is_symmetric(model):
        left, force = rng.standard_normal((2, rows, width)), rng.standard_normal((2, rows, rows))
        return left, left, force + force.mT
    left, right = rng.standard_normal((2, rows, width)), rng.standard_normal((2, columns, width))
    return left, right, rng.standard_normal((2, rows, columns))


def directions(factors, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(factor.shape) for factor in factors]


def test_every_model_declares_itself():
    assert len(Listing(*map(type, ALL))) == len({type(model) for model in ALL})


@pytest.mark.parametrize("model", ALL, ids=named)
@pytest.mark.parametrize("width", [1, 3, 9])
def test_the_product_starts_as_that_of_the_factors(model, width):
    left, right, _ = drawn(model, width=width)
    assert_allclose(model.product(model.start(left, right)), left @ right.mT, atol=1e-12)


@pytest.mark.parametrize("model", ALL, ids=named)
@pytest.mark.parametrize("width", [1, 3, 9])
def test_shapes_are_those_of_the_factors(model, width):
    left, right, _ = drawn(model, width=width)
    factors = model.start(left, right)
    size = sum(factor[0].size for factor in factors)
    expected = [factor.shape[1:] for factor in factors]
    assert model.shapes(left.shape[1], right.shape[1], size) == expected


@pytest.mark.parametrize("model", GRADIENT, ids=named)
def test_pull_is_the_adjoint_of_the_derivative_of_the_product(model):
    left, right, force = drawn(model)
    factors = model.start(left, right)
    ways = directions(factors)
    expected = inner([force], [slope(model.product, factors, ways)])
    assert_allclose(inner(model.pull(factors, force), ways), expected, rtol=1e-7)


@pytest.mark.parametrize("model", INDUCED, ids=named)
def test_an_induced_product_moves_as_that_of_the_model_that_induces_it(model):
    left, right, force = drawn(model)
    factors, other = model.start(left, right), model.induced_by.start(*model.realized(left, right))
    found = slope(model.product, factors, model.pull(factors, force))
    expected = slope(model.induced_by.product, other, model.induced_by.pull(other, force))
    assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("model", ALL, ids=named)
def test_a_force_moves_the_product_along_itself(model):
    left, right, force = drawn(model)
    factors = model.start(left, right)
    moved = slope(model.product, factors, model.pull(factors, force))
    assert (inner([force], [moved]) > 0).all()


@pytest.mark.parametrize("model", ALL, ids=named)
def test_factors_in_other_bases_have_the_product_and_the_pull_in_these(model):
    left, right, force = drawn(model)
    rng = np.random.default_rng(2)
    rows = np.linalg.qr(rng.standard_normal((2, left.shape[1], left.shape[1])))[0]
    columns = np.linalg.qr(rng.standard_normal((2, right.shape[1], right.shape[1])))[0]
    columns = rows if is_symmetric(model) else columns
    turns = [lambda part: rows.mT @ part, lambda part: columns.mT @ part]
    factors = model.start(left, right)
    try:
        turned = model.turned(factors, *turns)
    except NotImplementedError:
        assert not any(type(model) in theory.models for theory in THEORIES.values())
        return
    assert_allclose(model.product(turned), rows.mT @ model.product(factors) @ columns, atol=1e-12)
    found = model.pull(turned, rows.mT @ force @ columns)
    for one, expected in zip(found, model.turned(model.pull(factors, force), *turns), strict=True):
        assert_allclose(one, expected, atol=1e-11)


@pytest.mark.parametrize("model", ALL, ids=named)
def test_an_imbalance_does_not_change_under_any_force(model):
    left, right, force = drawn(model)
    factors = model.start(left, right)
    if model.imbalance(factors) is not None:
        assert_allclose(slope(model.imbalance, factors, model.pull(factors, force)), 0, atol=1e-8)
        assert_allclose(model.imbalance(factors), model.imbalance(factors).mT)


@pytest.mark.parametrize("model", ALL, ids=named)
@pytest.mark.parametrize("width", [2, 6])
def test_spectra_are_singular_values_and_eigenvalues_where_the_product_is_symmetric(model, width):
    left, right, _ = drawn(model, width=width)
    factors = model.start(left, right)
    product = model.product(factors)
    values = np.linalg.eigvalsh(product)[:, ::-1] if is_symmetric(model) else np.linalg.svdvals(product)
    assert_allclose(model.spectrum(factors, model.product(factors)), values, atol=1e-12)


def test_spectra_tell_a_negative_eigenvalue_only_where_the_product_is_symmetric_throughout():
    product = np.diag([1.0, -2.0])[None]
    assert_allclose(Metric().spectrum([product], product), [[1, -2]])
    assert_allclose(Direct().spectrum([product], product), [[2, 1]])
    assert_allclose(Tied().spectrum([np.diag([1.0, 3.0])[None]], np.diag([1.0, 9.0])[None]), [[9, 1]])


@pytest.mark.parametrize("model", ALL, ids=named)
def test_whether_the_state_is_made_of_factors_is_said(model):
    left, right, _ = drawn(model)
    factors = model.start(left, right)
    is_product = len(factors) == 1 and np.array_equal(factors[0], model.product(factors))
    assert model.has_factors != is_product


@pytest.mark.parametrize("model", ALL, ids=named)
def test_larger_problems_take_more_operations(model):
    assert 0.0 < model.operations(3, 4, 5) <= model.operations(6, 8, 10)
