"""The limit of the best lambda0 for wide Gaussian starts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from linear_networks.models import gauge
from linear_networks.theory import lambda0, wide


@pytest.mark.parametrize("ratio", [0.7, 2.0, 2.5, 4.0])
def test_the_error_of_the_regularized_flow_solves_its_equations(ratio):
    times = np.linspace(0.0, 5.0, 40)

    def velocity(t, state):
        a, b, _ = state
        return ratio * a - a**2, -ratio * b - b**2, -(a + b)

    expected = solve_ivp(velocity, (0.0, 5.0), [1.0, 1.0, 0.0], "DOP853", times, rtol=1e-12, atol=1e-14).y[2]
    assert_allclose(wide.regularized_error(times, ratio), np.exp(expected), rtol=1e-9)


def test_the_best_lambda0_of_very_wide_gaussian_starts_tends_to_the_limit():
    rng = np.random.default_rng()
    width, (rows, columns) = 100_000, (3, 4)
    data = rng.standard_normal((rows, columns))
    start = rng.standard_normal((rows + columns, width))
    # So wide, the imbalance outweighs X by far: the general flow is that of constant U U^T and V V^T.
    product = start[:rows] @ start[rows:].T
    (a, left), (b, right) = (np.linalg.eigh(part @ part.T) for part in (start[:rows], start[rows:]))
    times = np.concatenate([[0.0], np.geomspace(1e-3, 20.0, 200)]) / width
    decay = np.exp(-(a[:, None] + b) * times[:, None, None])
    products = data + left @ (decay * (left.T @ (product - data) @ right)) @ right.T
    found = lambda0.fit(times, products, data, gauge.reduce(start)[0])
    # U U^T and V V^T are multiples of the identity up to 2 (sqrt(m) + sqrt(n)) / sqrt(k), here 2 %.
    assert abs(found.best.lambda0) / width == pytest.approx(wide.best_ratio(), rel=0.05)
