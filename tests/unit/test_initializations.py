import numpy as np
import pytest
from numpy.testing import assert_allclose

from gradflow import gauge, initializations


def drawn(width, scale=1.0, seed=0):
    return initializations.gaussian(np.random.default_rng(seed), 3, 4, width, scale)


def test_a_smaller_width_takes_the_first_columns_of_a_larger_one():
    assert np.array_equal(drawn(20)[:, :6], drawn(6))


def test_a_scale_multiplies_the_same_normals():
    assert_allclose(drawn(5, 0.01), 0.01 * drawn(5), rtol=1e-15)


def test_entries_are_standard_normal():
    entries = drawn(5000).ravel()
    assert abs(entries.mean()) < 4 / np.sqrt(entries.size)
    assert entries.std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("width", [1, 3, 7, 12, 40])
def test_invariants_of_the_reduction_are_those_of_the_full_imbalance(width):
    factors = drawn(width, seed=5)
    left, right = factors[:3], factors[3:]
    eigenvalues = np.linalg.eigvalsh(left.T @ left - right.T @ right)
    found = initializations.invariants(gauge.reduce(factors)[0][None], 3, np.array([width]))
    assert_allclose(found["imbalance_norm"], np.linalg.norm(eigenvalues), rtol=1e-12)
    assert_allclose(found["imbalance_min"], eigenvalues[0], rtol=1e-12)
    assert_allclose(found["imbalance_max"], eigenvalues[-1], rtol=1e-12, atol=1e-12)
    assert found["rank"] == min(width, 7)
