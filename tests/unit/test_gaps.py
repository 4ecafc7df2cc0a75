"""How far two trajectories are apart, where that is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from linear_networks.measure import gaps

TIMES = np.linspace(0.0, 3.0, 301)


def test_a_trajectory_that_is_a_part_larger_is_that_part_away_at_every_time_and_in_the_mean():
    products = TIMES[:, None, None] * np.array([[1.0, -2.0]])
    assert_allclose(gaps.relative(products, 1.1 * products)[1:], 0.1, rtol=1e-12)
    assert gaps.relative(products, 1.1 * products)[0] == 0.0
    assert gaps.mean_square(TIMES, products, 1.1 * products) == pytest.approx(0.1, rel=1e-12)


def test_the_mean_square_is_that_of_the_integrals_on_any_times():
    times = np.concatenate([[0.0], np.geomspace(1e-4, 3.0, 2000)])
    # The integral of t^2 over that of 1, up to 3.
    found = gaps.mean_square(times, np.ones((2001, 1)), 1.0 + times[:, None])
    assert found == pytest.approx(np.sqrt(3.0), rel=1e-4)


def test_trajectories_of_zeros_are_no_gap_or_an_infinite_one():
    zero, one = np.zeros((301, 2)), np.ones((301, 2))
    assert gaps.mean_square(TIMES, zero, zero) == 0.0
    assert gaps.mean_square(TIMES, zero, one) == np.inf
