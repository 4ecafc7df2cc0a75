"""What is true of every loss that is listed."""

import numpy as np
import pytest
from examples import draw_data, settings, slope
from numpy.testing import assert_allclose

from linear_networks.losses import LOSSES
from linear_networks.losses.regression import Regression
from linear_networks.matrices.teacher import Teacher
from linear_networks.theory import THEORIES

KINDS = [(loss, one) for loss in LOSSES.values() for (one,) in settings(loss)]


def drawn(loss, parameters, seed=0, runs=3):
    """A loss of random data, and products X."""
    rng = np.random.default_rng(seed)
    data = [draw_data(rng, 3, 4) for _ in range(runs)]
    return loss.of(data, parameters), rng.standard_normal((runs, 3, 4))


@pytest.mark.parametrize(("loss", "parameters"), KINDS)
def test_force_is_minus_the_gradient_of_the_value(loss, parameters):
    some, product = drawn(loss, parameters)
    direction = np.random.default_rng(1).standard_normal(product.shape)
    expected = slope(lambda parts: some.value(*parts), [product], [direction])
    assert_allclose(-np.vecdot(some.force(product).reshape(3, -1), direction.reshape(3, -1)), expected, rtol=1e-7)


@pytest.mark.parametrize(("loss", "parameters"), KINDS)
def test_the_loss_of_some_runs_is_theirs(loss, parameters):
    some, product = drawn(loss, parameters)
    for runs in (np.array([2, 0, 2]), np.array([True, False, True])):
        part = some.select(runs)
        assert np.array_equal(part.data, some.data[runs])
        assert np.array_equal(part.value(product[runs]), some.value(product)[runs])
        assert np.array_equal(part.force(product[runs]), some.force(product)[runs])


@pytest.mark.parametrize(("loss", "parameters"), KINDS)
def test_descent_of_the_product_is_stable_up_to_the_curvature_and_ends_where_no_curvature_is_larger(loss, parameters):
    some, product = drawn(loss, parameters)
    inputs = max((np.linalg.norm(one, 2) for one in getattr(some, "inputs", [])), default=1.0)
    error = float(np.linalg.norm(some.data - product, 2, axis=(1, 2)).max())
    curvature = loss.curvature(float(inputs), error, parameters)
    last = some.value(product)
    for _ in range(3000):
        product = product + some.force(product) / curvature
        assert (some.value(product) <= last * (1.0 + 1e-12)).all()
        last = some.value(product)
    direction = np.random.default_rng(2).standard_normal(product.shape)
    for _ in range(100):
        direction /= np.linalg.norm(direction, axis=(1, 2), keepdims=True)
        direction = -slope(lambda parts: some.force(*parts), [product], [direction])
    assert (np.linalg.norm(direction, axis=(1, 2)) <= curvature * (1.0 + 1e-6)).all()


@pytest.mark.parametrize(("loss", "parameters"), KINDS)
def test_samples_are_needed_where_they_are_said_to_be(loss, parameters):
    data = draw_data(np.random.default_rng(0), 3, 4)
    bare = data._replace(inputs=None, outputs=None)
    if loss.needs_samples:
        with pytest.raises(ValueError, match="need at least one array"):
            loss.of([bare], parameters)
    else:
        assert np.array_equal(loss.of([bare], parameters).data[0], data.values)


@pytest.mark.parametrize("loss", LOSSES.values())
def test_a_limit_is_known_of_the_losses_that_a_theory_is_about(loss):
    assert loss.has_limit == any(theory.loss is loss for theory in THEORIES.values())


@pytest.mark.parametrize("loss", LOSSES.values())
def test_more_samples_take_no_less_time(loss):
    assert 0.0 <= loss.seconds(3, 4, 10) <= loss.seconds(3, 4, 1000)
    assert loss.needs_samples or loss.seconds(3, 4, 1000) == 0.0


def test_a_teacher_without_noise_is_a_minimum_of_its_own_loss():
    task = Teacher.draw(np.random.default_rng(3), samples=50, features=4, noise=0.0)
    loss, weights = Regression.of([task], {"link": "sigmoid"}), task.values[None]
    assert loss.value(weights) == 0
    assert_allclose(loss.force(weights), 0, atol=1e-14)


def test_regression_without_a_link_is_least_squares():
    some, _ = drawn(Regression, {"link": "identity"})
    fitted = np.stack([np.linalg.lstsq(a, b)[0] for a, b in zip(some.inputs, some.outputs, strict=True)])
    assert_allclose(some.force(fitted), 0, atol=1e-12)
    whole = some.value(fitted) + 0.5 * np.linalg.norm(some.inputs @ (some.data - fitted), axis=(1, 2)) ** 2
    assert_allclose(some.value(some.data), whole, rtol=1e-12)
