"""States that are gathered before they are observed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.solvers.sampling import MANY, OF_EACH, Sampling
from linear_networks.solvers.solution import Solution

RUNS, SAMPLES, ENTRIES = 3, 700, 2


@given(st.lists(st.integers(1, 2 * OF_EACH * RUNS), min_size=1, max_size=20))
def test_every_state_is_observed_once_where_it_belongs(sizes):
    seen = []

    def look(states, runs):
        seen.append(len(states))
        return {"state": states, "run": runs.astype(float)}

    order = np.random.default_rng(0).permutation(RUNS * SAMPLES)[: sum(sizes)]
    runs, samples = np.divmod(order, SAMPLES)
    states = np.random.default_rng(1).standard_normal((len(order), ENTRIES))
    solution = Solution(RUNS, np.arange(float(SAMPLES)))
    sampling = Sampling(solution, ENTRIES, look)
    for part in np.split(np.arange(len(order)), np.cumsum(sizes)[:-1]):
        sampling.add(runs[part], samples[part], states[part])
    sampling.finish()
    assert sum(seen) == len(order)
    assert max(seen) <= min(MANY, OF_EACH * RUNS)
    assert np.array_equal(solution.observed["state"][runs, samples], states)
    assert np.array_equal(solution.observed["run"][runs, samples], runs)
    assert np.isfinite(solution.observed["run"]).sum() == len(order)
