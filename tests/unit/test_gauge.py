import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from linear_networks.models import gauge


@given(st.integers(1, 8), st.integers(1, 12), st.integers(0, 2**32))
def test_reduced_factors_have_the_same_gramian_and_restore_to_the_original(size, width, seed):
    factors = np.random.default_rng(seed).standard_normal((3, size, width))
    reduced, basis = gauge.reduce(factors)
    assert reduced.shape == (3, size, min(size, width))
    assert_allclose(reduced @ reduced.mT, factors @ factors.mT, atol=1e-13 * width)
    assert_allclose(
        basis.mT @ basis, np.broadcast_to(np.eye(min(size, width)), (3, *[min(size, width)] * 2)), atol=1e-13
    )
    assert_allclose(gauge.restore(reduced, basis), factors, atol=1e-13)
