"""How often the truth is within the uncertainty of a measured rate, on trajectories whose rates are known."""

import numpy as np
import pytest
from conftest import entropy
from scipy.stats import binom

import decays
from linear_networks.measure.decays import measure

pytestmark = [pytest.mark.slow, pytest.mark.drawn]


@pytest.fixture(scope="module")
def measured():
    """By class of `decays`, of the rates that fresh trajectories of it are given: whether they miss the truth."""
    seed = entropy()
    drawn = {
        name: [decays.draw(name, np.random.default_rng([seed, number, i])) for i in range(100)]
        for number, name in enumerate([*decays.WITH_RATE, *decays.WITHOUT_RATE])
    }
    return {name: missed(some) for name, some in drawn.items()}


def missed(records):
    """Of each rate that is given, whether it is further from the truth than it says."""
    times, distances, floors, rates = zip(*records, strict=True)
    found = measure(times, distances, np.array(floors), np.zeros(len(records)))
    return (np.abs(found.rate - rates) > found.uncertainty)[np.isfinite(found.rate)]


def test_the_truth_is_within_the_uncertainty_of_99_percent_of_the_rates_that_are_given(measured):
    """More misses than these have a chance of 1 in 1000 where exactly 99 % are covered."""
    misses = np.concatenate([measured[name] for name in decays.WITH_RATE])
    assert len(misses) > 800
    assert misses.sum() <= binom.ppf(0.999, len(misses), 0.01)


@pytest.mark.parametrize("name", decays.WITH_RATE)
def test_no_class_of_trajectories_has_a_coverage_below_97_percent(measured, name):
    misses = measured[name]
    assert len(misses) > 0
    assert misses.sum() <= binom.ppf(0.999, len(misses), 0.03)


@pytest.mark.parametrize("name", decays.WITHOUT_RATE)
def test_what_has_no_exponential_rate_is_given_none(measured, name):
    assert len(measured[name]) == 0
