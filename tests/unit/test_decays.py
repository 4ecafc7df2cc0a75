"""The compiled measurement of many trajectories against the plain one of each."""

import numpy as np
import pytest
from conftest import entropy, examples
from hypothesis import given
from hypothesis import strategies as st

import decays
from linear_networks.kernels import exponentials, factorizations
from linear_networks.measure import decay
from linear_networks.measure.decays import measure

CLASSES = [*decays.WITH_RATE, *decays.WITHOUT_RATE]


def drawn(seed, count=12):
    return [
        decays.draw(name, np.random.default_rng([seed, number, i]))
        for number, name in enumerate(CLASSES)
        for i in range(count)
    ]


def many(records, step_size=0.0):
    times, distances, floors, _ = zip(*records, strict=True)
    return measure(times, distances, np.array(floors), np.full(len(records), step_size))


@pytest.mark.drawn
@pytest.mark.parametrize("step_size", [0.0, 1e-3])
def test_decisions_and_rates_are_those_of_the_plain_measurement(step_size):
    """A decision at the very edge may fall otherwise: with 252 trajectories, for one in a hundred."""
    records = drawn(entropy())
    found = many(records, step_size)
    plain = [decay.measure(*record[:3], step_size=step_size) for record in records]
    assert sum(one.reason is None for one in plain) > 100
    same = [
        (one.reason, one.exponents, one.points, one.limited_by)
        == (found.reason[i], found.exponents[i], found.points[i], found.limited_by[i])
        and (one.reason is not None or abs(one.rate - found.rate[i]) <= 1e-2 * one.uncertainty)
        for i, one in enumerate(plain)
    ]
    assert np.mean(same) >= 0.98


def test_a_trajectory_is_measured_alike_alone_and_among_others():
    records = drawn(7, count=2)
    together = many(records)
    for place, record in enumerate(records):
        for one, all_of_them in zip(many([record]), together, strict=True):
            assert one[0] == all_of_them[place] or (one[0] != one[0] and all_of_them[place] != all_of_them[place])


@pytest.mark.parametrize(
    "distance",
    [
        [],
        [1.0],
        [0.0] * 20,
        [1.0] * 20,
        [np.nan, *np.exp(-np.arange(20.0))],
        [*np.exp(-np.arange(20.0)), np.inf],
        np.exp(-np.arange(9.0)),
        np.exp(-3.0 * np.arange(40.0)),
        [1.0, *[1e-3] * 30],
    ],
)
def test_what_has_no_rate_has_none_for_the_same_reason(distance):
    t, distance = np.arange(float(len(distance))), np.asarray(distance, float)
    plain = decay.measure(t, distance, 1e-12)
    found = measure([t], [distance], np.array([1e-12]), np.zeros(1))
    assert found.reason[0] == plain.reason
    assert plain.reason is None or np.isnan(found.rate[0])


def test_of_no_trajectories_there_are_no_rates():
    assert len(measure([], [], np.zeros(0), np.zeros(0)).rate) == 0


@examples(30)
@given(st.integers(1, 3), st.integers(14, 32), st.floats(-9, -3), st.integers(0, 2**32))
def test_parts_of_a_fit_are_those_of_the_plain_one(modes, samples, floor, seed):
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 1, samples))
    distance, floor = np.exp(-rng.uniform(1, 10) * t), 10**floor
    weight = 1 / (2 * distance * floor + floor**2)
    square = weight * distance**2
    gaps = np.log(rng.uniform(1.0, 5.0, modes))
    expected = decay._linearize(t[:, None], weight[:, None], square[:, None], gaps)
    basis, mix, jacobian, residual, cost = exponentials._linearize(t, weight, square, gaps)
    scale = np.linalg.norm(square)
    np.testing.assert_allclose(basis.T, expected[0], atol=1e-12)
    # The triangle is one but for the signs of its rows.
    _, _, other, left, plain_cost = expected
    turned = np.sign(jacobian[:, 0] * other[:, 0])[:, None]
    sizes = np.abs(basis).max() * np.abs(mix).max()
    np.testing.assert_allclose(jacobian * turned, other, atol=1e-9 * sizes)
    np.testing.assert_allclose(np.sqrt(cost), np.sqrt(plain_cost), atol=1e-12 * scale)


@examples(30)
@given(st.integers(2, 14), st.integers(14, 32), st.integers(0, 2**32))
def test_a_triangle_has_the_gram_matrix_of_its_table(columns, samples, seed):
    table = np.random.default_rng(seed).standard_normal((columns, samples))
    gram = table @ table.T
    factorizations.triangle(table)
    upper = np.triu(table[:, :columns].T)
    np.testing.assert_allclose(upper.T @ upper, gram, atol=1e-12 * samples)


@examples(30)
@given(st.integers(1, 3), st.integers(0, 2**32))
def test_eigenvectors_make_a_matrix_diagonal(size, seed):
    factor = np.random.default_rng(seed).standard_normal((size, size))
    values, vectors = factorizations.eigen(factor @ factor.T)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(
        vectors * values @ vectors.T, factor @ factor.T, atol=1e-12 * np.trace(factor @ factor.T)
    )
