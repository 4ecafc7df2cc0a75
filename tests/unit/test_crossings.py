"""When a sampled quantity comes to a level, from curves that are known."""

import numpy as np
import pytest

from linear_networks.measure.crossings import time_to

TIMES = np.concatenate([[0.0], np.geomspace(1e-3, 10.0, 399)])


def test_the_time_to_a_level_of_an_exponential_is_exact_between_samples():
    rng = np.random.default_rng()
    rates, levels = rng.uniform(0.5, 50.0, 20), rng.uniform(0.01, 0.9, 20)
    curves = np.exp(-rates[:, None] * TIMES)
    assert time_to(TIMES, curves, levels) == pytest.approx(-np.log(levels) / rates, rel=1e-12)
    found = time_to(TIMES, 1e-6 / curves, 1e-6 / levels, rising=True)
    assert found == pytest.approx(-np.log(levels) / rates, rel=1e-12)


def test_each_run_has_times_and_a_level_of_its_own():
    times, levels = np.stack([TIMES, 2.0 * TIMES]), [0.1, 0.2]
    assert time_to(times, np.exp(-times), levels) == pytest.approx(-np.log(levels), rel=1e-12)


def test_a_level_that_is_met_at_the_start_or_never_has_the_first_time_or_none():
    curves = [np.exp(-TIMES), np.exp(-TIMES), np.full(400, np.nan)]
    assert time_to(TIMES, curves, [2.0, 1e-6, 0.5]).tolist() == [0.0, np.inf, np.inf]


def test_a_run_that_is_not_observed_to_the_end_has_what_was_seen():
    assert time_to([0.0, 1.0, 2.0], [[4.0, 1.0, np.nan]], [2.0]) == pytest.approx([0.5])


def test_between_samples_that_are_not_positive_the_quantity_itself_is_linear():
    assert time_to([0.0, 1.0, 2.0], [[0.0, 1.0, 1.0]], [0.5], rising=True).tolist() == [0.5]
    assert time_to([0.0, 1.0], [[1.0, -1.0]], [0.5]).tolist() == [0.25]
