import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from linear_networks import matrices


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_spectrum_has_the_given_singular_values(rows, columns, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.uniform(0, 5, min(rows, columns)))[::-1]
    assert_allclose(np.linalg.svdvals(matrices.spectrum(rng, rows, columns, values)), values, atol=1e-13)


@given(st.integers(1, 6), st.integers(0, 2**32))
def test_symmetric_spectrum_has_the_given_eigenvalues(size, seed):
    rng = np.random.default_rng(seed)
    values = np.sort(rng.uniform(-5, 5, size))
    matrix = matrices.spectrum(rng, size, size, values, symmetric=True)
    assert np.array_equal(matrix, matrix.T)
    assert_allclose(np.linalg.eigvalsh(matrix), values, atol=1e-13)


def test_a_short_spectrum_is_completed_by_zeros():
    matrix = matrices.spectrum(np.random.default_rng(0), 4, 3, [2.0])
    assert_allclose(np.linalg.svdvals(matrix), [2, 0, 0], atol=1e-14)


def test_haar_bases_have_no_preferred_direction():
    # For Haar-random unit vectors, an entry of u v^T has mean 0 and variance 1 / (rows columns).
    rng = np.random.default_rng(1)
    entries = np.array([matrices.spectrum(rng, 3, 3, [1.0])[0, 0] for _ in range(4000)])
    assert abs(entries.mean()) < 4 * entries.std() / np.sqrt(4000)
    assert entries.var() == pytest.approx(1 / 9, rel=0.1)


def test_gaussian_symmetric_has_unit_variance_off_the_diagonal():
    matrix = matrices.gaussian(np.random.default_rng(2), 200, 200, symmetric=True)
    assert np.array_equal(matrix, matrix.T)
    assert matrix[np.triu_indices(200, 1)].var() == pytest.approx(1.0, rel=0.05)


def test_gaussian_norm_is_the_norm_of_a_large_gaussian_matrix():
    drawn = np.linalg.norm(np.random.default_rng(3).standard_normal((300, 200)), 2)
    assert matrices.gaussian_norm(300, 200) == pytest.approx(drawn, rel=0.03)


@pytest.fixture
def table():
    rng = np.random.default_rng(4)
    features = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 4)) + rng.standard_normal(4)
    targets = features @ rng.standard_normal((4, 2)) + rng.standard_normal((500, 2))
    return features, targets


def test_correlation_is_the_least_squares_solution_on_whitened_features(table):
    features, targets = table
    matrix, rank = matrices.correlation(features, targets)
    # An independent route: whiten by the eigendecomposition of the covariance, then solve least squares.
    eigenvalues, axes = np.linalg.eigh(np.cov(features.T, bias=True))
    whitened = (features - features.mean(0)) @ axes / np.sqrt(eigenvalues) @ axes.T
    solution = np.linalg.lstsq(np.column_stack([whitened, np.ones(500)]), targets, rcond=None)[0]
    assert rank == 4
    assert_allclose(matrix, solution[:4].T, atol=1e-12)


def test_constant_and_collinear_features_are_left_out(table):
    features, targets = table
    matrix, _ = matrices.correlation(features, targets)
    spoilt = np.column_stack([features, np.full(500, 3.0), features[:, 0] - 2 * features[:, 1]])
    wider, rank = matrices.correlation(spoilt, targets)
    assert rank == 4
    # Whitening is free of the choice of coordinates, and so are the singular values.
    assert_allclose(np.linalg.svdvals(wider), np.linalg.svdvals(matrix), atol=1e-12)


def test_a_teacher_labels_its_samples_up_to_the_noise():
    weights, inputs, outputs = matrices.teacher(np.random.default_rng(5), 2000, 4, 1e-3)
    assert (weights.shape, inputs.shape, outputs.shape) == ((4, 4), (2000, 4), (2000, 4))
    noise = outputs - 1 / (1 + np.exp(-inputs @ weights))
    assert noise.std() == pytest.approx(1e-3, rel=0.05)
    assert inputs.std() == pytest.approx(1, rel=0.05)


def test_one_hot_marks_each_class_once():
    indicators, classes = matrices.one_hot(["b", "a", "b"])
    assert classes == ["a", "b"]
    assert_allclose(indicators, [[0, 1], [1, 0], [0, 1]])
