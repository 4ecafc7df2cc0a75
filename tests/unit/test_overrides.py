"""Whatever a subclass changes of a problem, its descent is a plain loop of its own velocity."""

import numpy as np
import pytest
from conftest import examples
from examples import cases
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.dynamics.problem import Problem
from linear_networks.losses.squared import Squared
from linear_networks.models.direct import Direct
from linear_networks.models.factored import Factored
from linear_networks.models.metric import Metric
from linear_networks.models.tied import Tied

CASES = cases()


def force(change):
    return lambda base: {"force": lambda self, product: change(base.force(self, product), product)}


def product(change):
    return lambda base: {"product": lambda self, factors: change(base.product(self, factors))}


def pull(change):
    return lambda base: {"pull": lambda self, *given: [change(move) for move in base.pull(self, *given)]}


def velocity(change):
    return lambda base: {"velocity": lambda self, state: change(base.velocity(self, state), state)}


def bounded(array):
    return array if np.linalg.norm(array) < 2.0 else array / 2.0


# Of each, whether it is still compiled.
OF_LOSS = [
    (force(lambda force, product: 0.5 * force), True),
    (force(lambda force, product: force - 0.1 * product), True),
    (force(lambda force, product: np.tanh(force)), False),
    (force(lambda force, product: bounded(force)), False),
    (force(lambda force, product: force * force), False),
]
OF_MODEL = [
    (product(lambda product: 1.1 * product), True),
    (product(lambda product: product + np.ones(product.shape[1:]) / 100.0), True),
    (product(lambda product: np.where(product > 0.0, product, 0.9 * product)), False),
    (pull(lambda move: -0.3 * move), True),
    (pull(lambda move: move + 0.01 * move @ move.mT @ move), True),
    (pull(lambda move: move - move[:, :1]), False),
]
OF_PROBLEM = [
    (velocity(lambda move, state: move - 0.2 * state), True),
    (velocity(lambda move, state: -move / 4.0 + state), True),
    (velocity(lambda move, state: np.sin(move)), False),
    (velocity(lambda move, state: move * (1.0 if state.max() < 1.0 else 0.1)), False),
]
OF_PENALTY = [(pull(lambda move: 0.2 * move), True), (pull(lambda move: np.clip(move, -0.1, 0.1)), False)]


def changed(component, changes):
    """An instance of a subclass of a subclass ..., one a change, with the attributes of a component."""
    kind = type(component)
    for change, _ in changes:
        kind = type("Changed", (kind,), change(kind))
    copy = object.__new__(kind)
    copy.__dict__.update(component.__dict__)
    return copy


def drawn(changes):
    return st.lists(st.sampled_from(changes), max_size=2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@examples(20)
@given(drawn(OF_LOSS), drawn(OF_MODEL), drawn(OF_PENALTY), drawn(OF_PROBLEM), st.integers(0, 20))
def test_every_override_descends_by_its_own_velocity(case, of_loss, of_model, of_penalty, of_problem, count):
    whole, factors, *_ = case.draw(runs=3, scale=0.1)
    penalties = tuple(changed(penalty, of_penalty) for penalty in whole.penalties)
    problem = changed(Problem(changed(whole.loss, of_loss), changed(whole.model, of_model), penalties), of_problem)
    state = expected = problem.start(factors)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(count):
            expected = expected + 1e-3 * problem.velocity(expected)
        np.testing.assert_allclose(problem.descend(state, 1e-3, count), expected, rtol=1e-10, atol=1e-13)


def is_compiled(problem, factors):
    return problem.descent(1e-3).is_compiled(problem.start(factors))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("change", [*OF_LOSS, *OF_MODEL, *OF_PROBLEM])
def test_what_is_made_of_products_stays_compiled_and_nothing_else_does(case, change):
    whole, factors, *_ = case.draw(runs=2, scale=0.1)
    loss = changed(whole.loss, [change] if change in OF_LOSS else [])
    model = changed(whole.model, [change] if change in OF_MODEL else [])
    problem = changed(Problem(loss, model, whole.penalties), [change] if change in OF_PROBLEM else [])
    assert is_compiled(problem, factors) is (change[1] and is_compiled(whole, factors))


@pytest.mark.parametrize("model", [Direct, Metric, Tied, Factored])
def test_the_models_of_the_paper_are_compiled(model):
    rng = np.random.default_rng(0)
    problem = Problem(Squared(rng.standard_normal((2, 3, 3))), model())
    assert is_compiled(problem, rng.standard_normal((2, 6, 4)))
