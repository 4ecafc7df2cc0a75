import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.kernels.lanes import LANES
from linear_networks.kernels.spectra import LARGEST, singular_values


@given(st.integers(1, LARGEST + 2), st.integers(1, 30), st.integers(1, 2 * LANES + 1), st.integers(0, 2**32))
def test_singular_values_are_those_of_lapack(rows, columns, batch, seed):
    matrices = np.random.default_rng(seed).standard_normal((batch, rows, columns))
    found, expected = singular_values(matrices), np.linalg.svdvals(matrices)
    assert np.abs(found - expected).max() <= 1e-14 * expected.max() * max(rows, columns)
    assert (np.diff(found, axis=1) <= 0).all()


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1.0, 1e200])
def test_small_singular_values_of_graded_rows_have_all_their_digits(scale):
    rng = np.random.default_rng(0)
    rows = 10.0 ** -np.arange(0.0, 20.0, 4.0)[:, None] * rng.standard_normal((5, 7))
    with mpmath.workdps(60):
        expected = [float(value) for value in mpmath.svd_r(mpmath.matrix(rows.tolist()).T, compute_uv=False)]
    np.testing.assert_allclose(singular_values(scale * rows[None])[0] / scale, expected, rtol=1e-13)


def test_rank_deficient_and_zero_matrices_have_zeros():
    column, row = np.arange(1.0, 5.0)[:, None], np.arange(1.0, 4.0)[None]
    values = singular_values(np.stack([column @ row, np.zeros((4, 3))]))
    np.testing.assert_allclose(values[0], [np.linalg.norm(column) * np.linalg.norm(row), 0, 0], atol=1e-14)
    assert (values[1] == 0).all()


@pytest.mark.parametrize("size", [3, LARGEST + 4])
def test_what_is_not_finite_has_no_singular_values_and_leaves_its_neighbours_alone(size):
    matrices = np.random.default_rng(1).standard_normal((3, size, size))
    expected = singular_values(matrices)
    matrices[1, 0, 0] = np.inf
    found = singular_values(matrices)
    assert np.isnan(found[1]).all()
    assert np.array_equal(found[[0, 2]], expected[[0, 2]])
