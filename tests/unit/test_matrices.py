import re

import numpy as np
import pytest
from declared import defaults, examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from linear_networks.arrays import gaussian_norm
from linear_networks.components import REQUIRED, Refused
from linear_networks.matrices import SOURCES
from linear_networks.matrices.file import File
from linear_networks.matrices.gaussian import Gaussian
from linear_networks.matrices.spectrum import Spectrum, _haar
from linear_networks.matrices.table import Table, correlation, one_hot
from linear_networks.matrices.teacher import Teacher
from linear_networks_workflow import inputs


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_spectrum_has_the_given_singular_values(rows, columns, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.uniform(0, 5, min(rows, columns)))[::-1]
    assert_allclose(np.linalg.svdvals(Spectrum.draw(rng, rows, columns, values).values), values, atol=1e-13)


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_symmetric_spectrum_has_the_given_eigenvalues(size, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.uniform(-5, 5, size))
    matrix = Spectrum.draw(rng, size, size, values, symmetric=True).values
    assert np.array_equal(matrix, matrix.T)
    assert_allclose(np.linalg.eigvalsh(matrix), values, atol=1e-13)


@given(st.integers(2, 8), st.integers(0, 2**32))
def test_the_bases_of_a_spectrum_are_those_of_scipy(size, seed):
    ours, theirs = np.random.default_rng(seed), np.random.default_rng(seed)
    assert np.array_equal(_haar(ours, size), ortho_group.rvs(size, random_state=theirs))
    assert ours.random() == theirs.random()


def test_a_short_spectrum_is_completed_by_zeros():
    matrix = Spectrum.draw(np.random.default_rng(0), 4, 3, [2.0]).values
    assert_allclose(np.linalg.svdvals(matrix), [2, 0, 0], atol=1e-14)


def test_haar_bases_have_no_preferred_direction():
    # For Haar-random unit vectors, an entry of u v^T has mean 0 and variance 1 / (rows columns).
    rng = np.random.default_rng(1)
    entries = np.array([Spectrum.draw(rng, 3, 3, [1.0]).values[0, 0] for _ in range(4000)])
    assert abs(entries.mean()) < 4 * entries.std() / np.sqrt(4000)
    assert entries.var() == pytest.approx(1 / 9, rel=0.1)


def test_gaussian_symmetric_has_unit_variance_off_the_diagonal():
    matrix = Gaussian.draw(np.random.default_rng(2), 200, 200, symmetric=True).values
    assert np.array_equal(matrix, matrix.T)
    assert matrix[np.triu_indices(200, 1)].var() == pytest.approx(1.0, rel=0.05)


def test_gaussian_norm_is_the_norm_of_a_large_gaussian_matrix():
    drawn = np.linalg.norm(np.random.default_rng(3).standard_normal((300, 200)), 2)
    assert gaussian_norm(300, 200) == pytest.approx(drawn, rel=0.03)


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    features = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 4)) + rng.standard_normal(4)
    targets = features @ rng.standard_normal((4, 2)) + rng.standard_normal((500, 2))
    return features, targets


def test_correlation_is_the_least_squares_solution_on_whitened_features(table):
    features, targets = table
    matrix, rank = correlation(features, targets)
    # An independent route: whiten by the eigendecomposition of the covariance, then solve least squares.
    eigenvalues, axes = np.linalg.eigh(np.cov(features.T, bias=True))
    whitened = (features - features.mean(0)) @ axes / np.sqrt(eigenvalues) @ axes.T
    solution = np.linalg.lstsq(np.column_stack([whitened, np.ones(500)]), targets, rcond=None)[0]
    assert rank == 4
    assert_allclose(matrix, solution[:4].T, atol=1e-12)


def test_constant_and_collinear_features_are_left_out(table):
    features, targets = table
    matrix, _ = correlation(features, targets)
    spoilt = np.column_stack([features, np.full(500, 3.0), features[:, 0] - 2 * features[:, 1]])
    wider, rank = correlation(spoilt, targets)
    assert rank == 4
    # Whitening is free of the choice of coordinates, and so are the singular values.
    assert_allclose(np.linalg.svdvals(wider), np.linalg.svdvals(matrix), atol=1e-12)


@pytest.mark.parametrize("unit", [1e-300, 1e-21, 1e-9, 1e12, 1e40])
def test_rank_and_singular_values_do_not_depend_on_units(table, unit):
    features, targets = table
    matrix, _ = correlation(features, targets)
    turned, rank = correlation(features * [1.0, unit, 1.0, 1.0], targets)
    assert rank == 4
    assert_allclose(np.linalg.svdvals(turned), np.linalg.svdvals(matrix), rtol=1e-9)
    collinear, rank = correlation(np.column_stack([features, unit * features[:, 0]]), targets)
    assert rank == 4
    assert_allclose(np.linalg.svdvals(collinear), np.linalg.svdvals(matrix), rtol=1e-9)


@pytest.mark.parametrize("unit", [1e-40, 1.0, 1e40])
def test_a_table_of_any_unit_is_refused_only_where_nothing_varies_or_correlates(table, unit):
    features, targets = unit * table[0], unit * table[1]
    Table.check(features=features, targets=targets)
    shifted = features + 1e3 * unit
    for key, change in [
        ("target", {"targets": np.full_like(targets, unit / 3)}),
        ("path", {"features": np.full_like(features, unit / 3)}),
        ("target", {"features": shifted - correlated(shifted, targets)}),
    ]:
        with pytest.raises(Refused) as refusal:
            Table.check(**{"features": features, "targets": targets, **change})
        assert refusal.value.key == key


def correlated(features, targets):
    """The part of features that targets explain linearly."""
    targets = targets - targets.mean(axis=0)
    return targets @ np.linalg.lstsq(targets, features - features.mean(axis=0), rcond=None)[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 2)), "every entry is 0"),
        (np.array([[1e-60, -2e-60]]), "the largest number of Y is 2.0e-60"),
        (np.array([[1.0, -2e60]]), "the largest number of Y is 2.0e+60"),
    ],
)
def test_matrices_without_a_relative_error_are_refused(values, message):
    with pytest.raises(Refused, match=re.escape(message)):
        File.check(values=values)


def test_a_teacher_labels_its_samples_up_to_the_noise():
    weights, inputs, outputs = Teacher.draw(np.random.default_rng(5), 2000, 4, 1e-3)
    assert (weights.shape, inputs.shape, outputs.shape) == ((4, 4), (2000, 4), (2000, 4))
    noise = outputs - 1 / (1 + np.exp(-inputs @ weights))
    assert noise.std() == pytest.approx(1e-3, rel=0.05)
    assert inputs.std() == pytest.approx(1, rel=0.05)


def test_one_hot_marks_each_class_once():
    indicators, classes = one_hot(["b", "a", "b"])
    assert classes == ["a", "b"]
    assert_allclose(indicators, [[0, 1], [1, 0], [0, 1]])


ARRAYS = {
    "matrix": {"values": np.arange(1.0, 7.0).reshape(2, 3)},
    "table": {"features": np.arange(8.0).reshape(4, 2) ** 2, "targets": np.eye(4)[:, :1]},
}


def drawn(source, seed=0):
    """A matrix of a source, and the parameters that it was drawn from."""
    if source.reads:
        return source.draw(**ARRAYS[source.reads]), ARRAYS[source.reads]
    parameters = examples(source)
    return source.draw(np.random.default_rng(seed), **parameters), parameters


@pytest.mark.parametrize("source", SOURCES.values())
def test_a_source_draws_from_the_parameters_that_it_declares_with_their_defaults(source):
    declared = {name: parameter.default for name, parameter in source.parameters.items()}
    given = {"rng": REQUIRED}
    if source.reads:
        replaced = {"path", *inputs.READERS[source.reads].keys}
        assert replaced <= declared.keys()
        declared = {name: default for name, default in declared.items() if name not in replaced}
        given = dict.fromkeys(ARRAYS[source.reads], REQUIRED)
    assert defaults(source.draw) == given | declared


@pytest.mark.parametrize("source", SOURCES.values())
def test_a_source_draws_finite_matrices_of_the_shape_that_it_announces(source):
    data, parameters = drawn(source)
    rows, columns = source.shape(**parameters)
    assert data.values.shape == (rows, columns)
    assert all(np.isfinite(part).all() for part in data if part is not None)
    assert source.has_samples == (data.inputs is not None) == (data.outputs is not None)
    if source.has_samples:
        assert data.inputs.shape == (len(data.outputs), rows)
        assert data.outputs.shape == (len(data.inputs), columns)


@pytest.mark.parametrize("source", SOURCES.values())
def test_a_source_draws_the_same_from_the_same_stream_and_another_matrix_from_another(source):
    (data, _), (again, _), (other, _) = drawn(source), drawn(source), drawn(source, seed=1)
    for part, same in zip(data, again, strict=True):
        assert np.array_equal(part, same)
    assert np.array_equal(data.values, other.values) == (source.reads is not None)


@pytest.mark.parametrize("source", [source for source in SOURCES.values() if source.reads is None])
def test_a_source_expects_the_norms_that_it_draws(source):
    drawings = [drawn(source, seed) for seed in range(30)]
    parameters = drawings[0][1]
    pairs = [("values", source.expected_norm(**parameters)), ("inputs", source.expected_input_norm(**parameters))]
    for name, expected in pairs:
        norms = [0.0 if getattr(data, name) is None else np.linalg.norm(getattr(data, name), 2) for data, _ in drawings]
        assert np.median(norms) <= 1.2 * expected
        assert expected <= 3 * np.median(norms)


@pytest.mark.parametrize("source", SOURCES.values())
def test_a_source_that_is_checked_to_be_symmetric_is(source):
    parameters = ARRAYS[source.reads] if source.reads else {**examples(source), "symmetric": True}
    if "symmetric" not in source.parameters:
        with pytest.raises(Refused):
            source.check_symmetric(**{key: value for key, value in parameters.items() if key != "symmetric"})
        return
    source.check_symmetric(**parameters)
    values = source.draw(np.random.default_rng(0), **parameters).values
    assert np.array_equal(values, values.T)


def test_a_symmetric_file_is_taken_for_one():
    SOURCES["file"].check_symmetric(values=np.eye(3))


@pytest.mark.parametrize(
    ("name", "parameters", "key"),
    [
        ("gaussian", {"rows": 2, "columns": 3, "symmetric": True}, "symmetric"),
        ("spectrum", {"rows": 2, "columns": 3, "values": [1.0], "symmetric": True}, "symmetric"),
        ("spectrum", {"rows": 2, "columns": 3, "values": [3.0, 2.0, 1.0]}, "values"),
        ("spectrum", {"rows": 2, "columns": 3, "values": [-1.0]}, "values"),
        ("spectrum", {"rows": 2, "columns": 3, "values": [0.0]}, "values"),
        ("spectrum", {"rows": 2, "columns": 3, "values": [1e-60, 0.0]}, "values"),
        ("spectrum", {"rows": 2, "columns": 2, "values": [1.0, -1e60], "symmetric": True}, "values"),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_refused_by_their_key(name, parameters, key):
    with pytest.raises(Refused) as refusal:
        SOURCES[name].check(**parameters)
    assert refusal.value.key == key
