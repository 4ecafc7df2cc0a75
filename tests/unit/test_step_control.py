"""The compiled control of steps against the plain one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.kernels import step_control as compiled
from linear_networks.outcomes import COMPLETED, CONVERGED, DIVERGED, STALLED
from linear_networks.solvers import step_control as plain
from linear_networks.solvers.step_control import OUTCOMES, REAL, RUN, Rules

SEEDS = st.integers(0, 2**32)
RULES = Rules(rtol=1e-8, horizon=1.0, evaluations=13)
# Numbers that runs meet on their way to an end of any kind.
SPECIAL = np.array([0.0, 1e-300, 1e-30, 1e-15, 1e-10, 1e-8, 1.0, 1e10, 1e300, np.inf, np.nan])


def drawn(rng, count):
    """Runs at any state, as many of which have something special as have not."""
    runs = np.zeros(count, RUN)
    for name in REAL:
        runs[name] = numbers(rng, count)
    for name in ("known", "moving"):
        runs[name] = rng.random(count) < 0.8
    runs["still"] = rng.choice([0, 1, 63, 64, 128], count)
    runs["t"] = rng.choice([0.0, 0.5, 1.0], count)
    return runs


def numbers(rng, count):
    return np.where(rng.random(count) < 0.2, rng.choice(SPECIAL, count), 10.0 ** rng.uniform(-12.0, 3.0, count))


def both(name, runs, *arguments):
    """The runs after the compiled control, and after the plain one."""
    found, expected = runs.copy(), runs.copy()
    getattr(compiled, name)(found, *arguments)
    with np.errstate(all="ignore"):
        getattr(plain, name)(expected, *arguments)
    return found, expected


def assert_equal(found, expected):
    for name in RUN.names:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@given(SEEDS, st.integers(1, 40))
def test_steps_are_judged_as_by_the_plain_control(seed, count):
    rng = np.random.default_rng(seed)
    runs = drawn(rng, count)
    told = [numbers(rng, count) for _ in range(4)]
    found, expected = both("judge", runs, *told, RULES)
    assert_equal(found, expected)
    for one in range(count):
        alone = runs[one : one + 1].copy()
        compiled.judge(alone, *(values[one : one + 1] for values in told), RULES)
        assert_equal(alone, found[one : one + 1])


@given(SEEDS, st.integers(1, 40))
def test_runs_end_as_by_the_plain_control(seed, count):
    found, expected = both("end", drawn(np.random.default_rng(seed), count), RULES)
    assert_equal(found, expected)


def test_codes_of_outcomes_are_their_places():
    codes = {"COMPLETED": COMPLETED, "CONVERGED": CONVERGED, "DIVERGED": DIVERGED, "STALLED": STALLED}
    assert all(OUTCOMES[getattr(compiled, name)] == outcome for name, outcome in codes.items())


def one(**values):
    """A run on its way, but for some of its numbers."""
    run = np.zeros(1, RUN)
    usual = {"moving": True, "known": True, "data": 1.0, "unit": 1.0, "first_error": 1.0, "first_loss": 0.5}
    usual |= {"t": 0.5, "step": 0.1, "trial": 0.1, "growth": 10.0, "size": 1.0, "speed": 1.0, "largest": 1.0}
    usual |= {"error": 0.5, "loss": 0.1, "distance": 0.5}
    for name, value in (usual | values).items():
        run[name] = value
    return run


def test_every_way_to_end_is_told_from_going_on():
    ways = {
        COMPLETED: [{"t": 1.0}],
        DIVERGED: [{"speed": np.inf}, {"error": 1e9}, {"step": 1e-20}],
        CONVERGED: [{"loss": 1e-21, "error": 1e-11}, {"distance": 1e-11}, {"step": 1e-15, "distance": 1e-10}],
        STALLED: [{"speed": 0.0}],
    }
    for outcome, cases in ways.items():
        for case in cases:
            run = one(**case)
            compiled.end(run, RULES)
            assert not run["moving"][0]
            assert run["trial"][0] == 0.0
            assert OUTCOMES[run["outcome"][0]] == outcome
    run = one(t=0.95)
    compiled.end(run, RULES)
    assert run["moving"][0]
    assert run["trial"][0] == RULES.horizon - 0.95


def test_a_run_that_rests_where_no_limit_is_known_is_looked_at_once_in_a_while():
    runs = np.concatenate([one(known=False, step=1e-15, still=still) for still in range(200)])
    compiled.end(runs, RULES)
    assert np.flatnonzero(runs["resting"]).tolist() == [0, 64, 128, 192]


def test_steps_grow_to_what_is_accurate_and_stable_and_only_after_one_that_was_not_rejected():
    accurate = np.array([1e-30]), np.array([1.0]), np.array([1.0])
    for bend, step in ((1.0, 1.0), (10000.0, RULES.reach / 100.0)):
        run = one()
        compiled.judge(run, *accurate, np.array([bend]), RULES)
        assert run["accepted"][0]
        assert run["step"][0] == step
    run = one()
    compiled.judge(run, np.array([1.0]), np.array([1.0]), np.array([1.0]), np.array([1.0]), RULES)
    assert (run["accepted"][0], run["t"][0]) == (False, 0.5)
    assert run["step"][0] == 0.1 * RULES.smallest
    run["trial"] = run["step"]
    compiled.judge(run, *accurate, np.array([1.0]), RULES)
    assert run["step"][0] == run["trial"][0]
