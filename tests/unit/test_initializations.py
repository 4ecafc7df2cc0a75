import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from linear_networks import initializations, matrices
from linear_networks.initializations import draw
from linear_networks.models import gauge

SHAPES = [(3, 4), (4, 3), (3, 3)]


def stream(seed=0):
    return np.random.default_rng(seed)


def split(start, rows):
    return start.factors[:rows], start.factors[rows:]


def imbalance(start, rows):
    left, right = split(start, rows)
    return left.T @ left - right.T @ right


def product(start, rows):
    left, right = split(start, rows)
    return left @ right.T


def gaussian(width, scale=1.0, rows=3, columns=4, seed=0):
    return initializations.gaussian(stream(seed), rows, columns, width, scale)


def test_a_smaller_width_takes_the_first_columns_of_a_larger_one():
    assert np.array_equal(gaussian(20).factors[:, :6], gaussian(6).factors)


def test_a_scale_multiplies_the_same_normals():
    assert_allclose(gaussian(5, 0.01).factors, 0.01 * gaussian(5).factors, rtol=1e-15)


def test_entries_are_standard_normal():
    entries = gaussian(5000).factors.ravel()
    assert abs(entries.mean()) < 4 / np.sqrt(entries.size)
    assert entries.std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("scale", [1e-8, 1.0])
@pytest.mark.parametrize("width", [1, 3, 12])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_balanced_start_has_no_imbalance_and_the_product_of_the_gaussian_one(rows, columns, width, scale):
    start = initializations.balanced(stream(), rows, columns, width, scale)
    assert start.factors.shape == (rows + columns, width)
    assert_allclose(imbalance(start, rows), 0, atol=1e-13 * scale**2)
    expected = product(gaussian(width, scale, rows, columns), rows)
    assert_allclose(product(start, rows), expected, atol=1e-14 * np.abs(expected).max() * 10)


@pytest.mark.parametrize("norm", [0.0, 1e-6, 4.6, 1e4])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_rescaled_start_keeps_the_product_and_has_the_asked_imbalance(rows, columns, norm):
    start = initializations.rescaled(stream(), rows, columns, 8, 0.3, norm)
    assert np.linalg.norm(imbalance(start, rows), 2) == pytest.approx(norm, rel=1e-9, abs=1e-13)
    expected = product(initializations.balanced(stream(), rows, columns, 8, 0.3), rows)
    assert_allclose(product(start, rows), expected, atol=1e-14)


def test_a_zero_product_cannot_be_rescaled():
    with pytest.raises(ValueError, match="cannot be rescaled"):
        initializations.rescaled(stream(), 3, 4, 8, 0.0, 1.0)


@pytest.mark.parametrize("scale", [0.0, 1.0])
@pytest.mark.parametrize(("lambda0", "width"), [(2.0, 1), (2.0, 3), (-2.0, 4), (1e3, 3), (-1e-6, 2), (0.0, 9)])
def test_an_identity_start_has_an_imbalance_of_lambda0_times_the_identity(lambda0, width, scale):
    start = initializations.identity(stream(), 3, 4, width, scale, lambda0)
    assert start.lambda0 == lambda0
    assert_allclose(imbalance(start, 3), lambda0 * np.eye(width), atol=1e-12 * max(1, abs(lambda0)))


@pytest.mark.parametrize(("lambda0", "width"), [(2.0, 4), (-2.0, 5)])
def test_an_identity_start_that_is_too_wide_is_refused_with_the_reason(lambda0, width):
    with pytest.raises(ValueError, match="not realizable: its rank is at most"):
        initializations.identity(stream(), 3, 4, width, 1.0, lambda0)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 8), st.integers(0, 2**32))
def test_a_spectral_start_is_diagonal_in_the_singular_basis_with_the_asked_modes(rows, columns, width, seed):
    rng = stream(seed)
    data = rng.standard_normal((rows, columns))
    size = min(rows, columns)
    products = rng.standard_normal(size) * 10.0 ** rng.integers(-8, 2, size)
    gaps = rng.choice([0.0, 1e-12, -1.0, 1.0, 1e3], size)
    start = initializations.spectral(data, width, products, gaps)
    kept = np.arange(size) < width
    left, values, right = start.modes.left, start.modes.singular_values, start.modes.right
    assert_allclose(left * values @ right.T, data, atol=1e-13)
    assert_allclose(
        left.T @ product(start, rows) @ right, np.diag(products * kept), atol=1e-12 * np.abs(products).max()
    )
    found = np.diag(imbalance(start, rows))[:size]
    assert_allclose(found, (gaps * kept)[:width], atol=1e-12 * max(np.abs(gaps).max(), np.abs(products).max()))


def test_a_tiny_mode_beside_a_large_imbalance_keeps_its_digits():
    start = initializations.spectral(np.eye(1), 1, [1e-20], 1e3)
    assert product(start, 1)[0, 0] == pytest.approx(1e-20, rel=1e-14)


def test_a_symmetric_spectral_start_is_diagonal_in_the_eigenbasis_and_tied():
    data = matrices.spectrum(stream(), 3, 3, [1.0, -1.0, 0.5], symmetric=True)
    start = initializations.spectral(data, 5, [0.3, 0.2, 0.1], 0.0, symmetric=True)
    left, right = split(start, 3)
    assert np.array_equal(left, right)
    values, vectors = np.linalg.eigh(data)
    assert_allclose(vectors.T @ left @ left.T @ vectors, np.diag([0.1, 0.2, 0.3]), atol=1e-15)
    assert_allclose(values, [-1, 0.5, 1], atol=1e-14)


def test_a_tied_start_has_equal_factors():
    left, right = split(draw("gaussian", stream(), np.zeros((3, 3)), 5, tied=True, scale=0.5), 3)
    assert np.array_equal(left, right)
    assert np.array_equal(left, gaussian(5, 0.5, 3, 3).factors[:3])


def test_drawn_spectral_products_grow_with_the_scale():
    data = stream(1).standard_normal((3, 4))
    small, large = (
        draw("spectral", stream(), data, 5, scale=scale, imbalance=1.0).modes.products for scale in (1, 100)
    )
    assert_allclose(100 * small, large)
    assert np.all(small > 0)


def test_a_kind_that_cannot_be_tied_is_refused():
    with pytest.raises(ValueError, match="no tied start of kind 'balanced'"):
        draw("balanced", stream(), np.zeros((3, 3)), 5, tied=True, scale=1.0)


def test_starts_of_one_kind_stack_into_a_batch():
    starts = [draw("identity", stream(seed), np.zeros((3, 4)), 2, scale=1.0, imbalance=2.0) for seed in range(3)]
    batch = initializations.stack(starts)
    assert batch.factors.shape == (3, 7, 2)
    assert batch.lambda0.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("width", [1, 3, 7, 12, 40])
def test_invariants_of_the_reduction_are_those_of_the_full_imbalance(width):
    factors = gaussian(width, seed=5).factors
    left, right = factors[:3], factors[3:]
    eigenvalues = np.linalg.eigvalsh(left.T @ left - right.T @ right)
    found = initializations.invariants(gauge.reduce(factors)[0][None], 3, np.array([width]))
    assert_allclose(found["imbalance_norm"], np.linalg.norm(eigenvalues), rtol=1e-12)
    assert_allclose(found["imbalance_min"], eigenvalues[0], rtol=1e-12)
    assert_allclose(found["imbalance_max"], eigenvalues[-1], rtol=1e-12, atol=1e-12)
    nonzero = np.sort(eigenvalues[np.abs(eigenvalues) > 1e-10])[::-1]
    assert_allclose(np.sort(found["imbalance_eigenvalues"][0])[::-1], nonzero, rtol=1e-12)
    assert found["rank"] == min(width, 7)
    assert found["product_rank"] == min(width, 3)
