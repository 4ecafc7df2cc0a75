"""How often the truth is within the uncertainty of a measured rate, on trajectories whose rates are known."""

import numpy as np
import pytest
from conftest import entropy
from scipy.stats import binom

import decays
from linear_networks.measure.decay import measure

pytestmark = [pytest.mark.slow, pytest.mark.drawn]


@pytest.fixture(scope="module")
def measured():
    """By class of `decays`, measurements of fresh trajectories of it, each beside its rate."""
    seed = entropy()
    drawn = {
        name: [decays.draw(name, np.random.default_rng([seed, number, i])) for i in range(100)]
        for number, name in enumerate([*decays.WITH_RATE, *decays.WITHOUT_RATE])
    }
    return {name: [(measure(*decay[:3]), decay.rate) for decay in some] for name, some in drawn.items()}


def misses(pairs):
    """Rates that are given, and how many of them are further from the truth than they say."""
    given = [abs(found.rate - rate) > found.uncertainty for found, rate in pairs if found.reason is None]
    return len(given), sum(given)


def test_the_truth_is_within_the_uncertainty_of_99_percent_of_the_rates_that_are_given(measured):
    """More misses than these have a chance of 1 in 1000 where exactly 99 % are covered."""
    given, missed = misses([pair for name in decays.WITH_RATE for pair in measured[name]])
    assert given > 800
    assert missed <= binom.ppf(0.999, given, 0.01)


@pytest.mark.parametrize("name", decays.WITH_RATE)
def test_no_class_of_trajectories_has_a_coverage_below_97_percent(measured, name):
    given, missed = misses(measured[name])
    assert given > 0
    assert missed <= binom.ppf(0.999, given, 0.03)


@pytest.mark.parametrize("name", decays.WITHOUT_RATE)
def test_what_has_no_exponential_rate_is_given_none(measured, name):
    assert [found.rate for found, _ in measured[name] if found.reason is None] == []
