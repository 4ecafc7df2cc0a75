import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import squared
from scipy.integrate import solve_ivp

from linear_networks.arrays import squared_norm
from linear_networks.dynamics import Asymmetric, Linear, Symmetric
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import Start
from linear_networks.losses.squared import Squared
from linear_networks.models import gauge
from linear_networks.models.direct import Direct
from linear_networks.models.metric import Metric
from linear_networks.solvers import runge_kutta
from linear_networks.theory.limits import Limit

EPS = np.finfo(float).eps


def observer(problem, start):
    initial = problem.imbalance(start)

    def observe(problem, state, runs):
        observation = {"product": problem.product(state), "error": problem.error(state)}
        if initial is not None:
            observation["drift"] = norm(problem.imbalance(state) - initial[runs])
        return observation

    return observe


def integrate(problem, start, times, rtol=1e-8, progress=lambda fraction: None):
    """Runs from factors, shape (batch, m + n, w), or from other states, shape (batch, entries)."""
    factors = Start(np.nan_to_num(start)) if start.ndim == 3 else None
    limit = Limit.of(problem, np.full(len(start), start.shape[-1]), factors)
    state = start if factors is None else problem.start(start)
    return runge_kutta.integrate(problem, state, times, observer(problem, state), rtol, progress, limit)


def imbalance(problem, factors):
    return problem.imbalance(problem.start(factors))


def norm(matrices):
    return np.sqrt(squared_norm(matrices))


def drawn(rows=5, columns=10, width=50, scale=0.3, seed=0):
    """Data and gauge-reduced factors of one run, and the factors before."""
    rng = np.random.default_rng(seed)
    data, factors = rng.standard_normal((rows, columns)), scale * rng.standard_normal((rows + columns, width))
    return data, gauge.reduce(factors)[0], factors


def batch(seeds, **options):
    data, starts, _ = zip(*(drawn(seed=seed, **options) for seed in seeds), strict=True)
    return squared(Asymmetric, np.stack(data)), np.stack(starts)


def unreduced_products(data, factors, times):
    """Products of the factors (U, V) as they are, by SciPy at its tightest tolerance."""
    rows = len(data)

    def velocity(t, flat):
        left, right = np.split(flat.reshape(factors.shape), [rows])
        residual = data - left @ right.T
        return np.concatenate([residual @ right, residual.T @ left]).ravel()

    span = (0.0, times[-1])
    found = solve_ivp(velocity, span, factors.ravel(), "DOP853", times, rtol=3e-14, atol=1e-25)
    states = found.y.T.reshape(-1, *factors.shape)
    return states[:, :rows] @ states[:, rows:].mT


def balanced_modes(values, rows, columns, amplitude, times, seed=0):
    """A balanced spectral problem, its start, the residuals sigma - x of its logistic modes, and the products."""
    rng = np.random.default_rng(seed)
    size = len(values)
    left = np.linalg.qr(rng.standard_normal((rows, size)))[0]
    right = np.linalg.qr(rng.standard_normal((columns, size)))[0]
    data, start = left * values @ right.T, amplitude * np.concatenate([left, right])
    decay = (values / amplitude**2 - 1.0) * np.exp(-2.0 * np.multiply.outer(times, values))
    modes, residuals = values / (1.0 + decay), values * decay / (1.0 + decay)
    products = left * modes[:, None, :] @ right.T
    return squared(Asymmetric, data[None]), start[None], residuals, products


class Quadratic(Metric):
    """dX/dt = 2 Y X + 2 X Y - 4 X^2; of a scalar, with y = 1: x = 1 / (1 - (1 - 1 / x0) e^{-4 t}).

    Theory, which is about the metric of starts U U^T, knows nothing of it.
    """


class Saturating(Direct):
    """dx/dt = 1 - x^2 of scalars, with y = 1."""

    def pull(self, factors, force):
        return [force * (1.0 + factors[0])]


class Transposed(Direct):
    """The linear model, which keeps the transpose of X."""

    def shapes(self, rows, columns, size):
        return [(columns, rows)]

    def start(self, left, right):
        return [right @ left.mT]

    def product(self, factors):
        return factors[0].mT

    def pull(self, factors, force):
        return [force.mT]


# Accuracy


@pytest.mark.slow
@examples(30)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    width=st.integers(1, 15),
    seed=st.integers(0, 2**32 - 1),
    exponent=st.floats(-8.0, np.log10(3.0)),
    horizon=st.floats(0.1, 20.0),
)
def test_product_is_that_of_an_independent_integrator_on_the_unreduced_factors(
    rows, columns, width, seed, exponent, horizon
):
    data, start, factors = drawn(rows, columns, width, 10.0**exponent, seed)
    times = np.unique(np.concatenate([[0.0], np.geomspace(1e-3 * horizon, horizon, 40)]))
    expected = unreduced_products(data, factors, times)
    solution = integrate(squared(Asymmetric, data[None]), start[None], times)
    assert solution.outcome[0] != "diverged"
    assert norm(solution.observed["product"][0] - expected).max() <= 1e-8 * norm(expected).max()


@pytest.mark.parametrize("scale", [0.0, 1e-8, 1.0])
def test_linear_flow_closes_the_gap_exponentially(scale):
    data, _, factors = drawn()
    times = np.linspace(0.0, 30.0, 301)
    start = np.sqrt(scale) * factors
    found = integrate(squared(Linear, data[None]), start[None], times).observed["product"][0]
    expected = data + (start[:5] @ start[5:].T - data) * np.exp(-times)[:, None, None]
    assert norm(found - expected).max() <= 1e-9 * norm(expected).max()


def test_error_follows_the_tolerance_and_work_its_eighth_root():
    times, tolerances = np.linspace(0.0, 4.0, 41), np.array([1e-3, 1e-5, 1e-7, 1e-9])
    problem, start, _, expected = balanced_modes(np.array([1.0, 0.8]), 3, 4, 0.1, times)
    solutions = [integrate(problem, start, times, rtol=rtol) for rtol in tolerances]
    errors = np.array([norm(one.observed["product"][0] - expected).max() for one in solutions]) / norm(expected).max()
    assert (errors <= tolerances).all()
    assert np.polyfit(np.log(tolerances), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.25)
    assert solutions[-1].work[0] / solutions[0].work[0] <= 1.1 * (1e6) ** (1 / 8)


@pytest.mark.parametrize("values", [[1.0], [3.0, 2.0], [4.0, 1.0, 0.2], [5.0, 0.05]])
@pytest.mark.parametrize("amplitude", [1e-4, 0.3, 4.0])
def test_residual_is_accurate_to_one_percent_down_to_1e_9(values, amplitude):
    values = np.array(values)
    times = np.concatenate([[0.0], np.geomspace(1e-3, 20.0 / values.min(), 600)])
    problem, start, residuals, _ = balanced_modes(values, 4, 6, amplitude, times)
    expected = np.linalg.norm(residuals, axis=1) / np.linalg.norm(values)
    found = integrate(problem, start, times).observed["error"][0]
    measured = expected >= 1e-9
    assert not measured.all()
    assert_allclose(found[measured], expected[measured], rtol=0.01)
    assert (found[~measured] <= 1.01e-9).all()


def test_residual_of_a_wide_model_is_accurate_to_one_percent_down_to_1e_9():
    data, start, factors = drawn(width=200, scale=1.0)
    times = np.linspace(0.0, 0.1, 101)
    expected = norm(data - unreduced_products(data, factors, times)) / np.linalg.norm(data)
    found = integrate(squared(Asymmetric, data[None]), start[None], times).observed["error"][0]
    measured = expected >= 1e-9
    assert not measured.all()
    assert_allclose(found[measured], expected[measured], rtol=0.01)


# Conservation


@pytest.mark.parametrize("horizon", [10.0, 1e3])
@pytest.mark.parametrize("scale", [1e-2, 0.1, 1.0, 3.0])
def test_imbalance_is_conserved(scale, horizon):
    problem, start = batch(range(5), scale=scale)
    times = np.concatenate([[0.0], np.geomspace(1e-3, horizon, 60)])
    drift = integrate(problem, start, times).observed["drift"]
    assert (drift <= 1e-8 * norm(imbalance(problem, start))[:, None]).all()


@pytest.mark.slow
@examples(20)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    width=st.integers(1, 15),
    seed=st.integers(0, 2**32 - 1),
    exponent=st.floats(-8.0, np.log10(3.0)),
)
def test_imbalance_is_conserved_down_to_the_rounding_of_factors_that_have_grown(rows, columns, width, seed, exponent):
    data, start, _ = drawn(rows, columns, width, 10.0**exponent, seed)
    problem, start = squared(Asymmetric, data[None]), start[None]
    drift = integrate(problem, start, np.linspace(0.0, 30.0, 31)).observed["drift"][0]
    size = max(2.0 * np.linalg.norm(data), norm(start)[0] ** 2)
    assert drift.max() <= 1e-8 * norm(imbalance(problem, start))[0] + 20.0 * EPS * size


# The limit


@pytest.mark.parametrize(
    ("times", "evaluations"),
    [(np.linspace(0.0, 5.0, 101), 600), (np.concatenate([[0.0], np.geomspace(1e-3, 5.0, 399)]), 650)],
    ids=["few samples", "samples in every step"],
)
def test_wide_model_takes_at_most_600_evaluations_where_few_steps_are_sampled(times, evaluations):
    problem, start = batch(range(20), width=200, scale=1.0)
    solution = integrate(problem, start, times)
    assert (solution.outcome == "converged").all()
    assert solution.work.max() <= evaluations


def test_time_past_the_limit_costs_nothing():
    problem, start = batch(range(4), scale=1.0)
    short, long = (integrate(problem, start, [0.0, 0.01, horizon]) for horizon in (20.0, 20_000.0))
    assert (long.outcome == "converged").all()
    assert long.work.tolist() == short.work.tolist()
    assert (long.observed["error"][:, -1] <= 1e-10).all()


def test_decay_to_zero_ends_where_nothing_is_left():
    problem = squared(Symmetric, np.diag([-1.0, -2.0])[None])
    start = np.random.default_rng(0).standard_normal((1, 2, 2))
    start = np.concatenate([start, start], axis=1)
    short, long = (integrate(problem, start, [0.0, horizon]) for horizon in (50.0, 5000.0))
    assert long.outcome[0] == "converged"
    assert long.work[0] == short.work[0]
    assert norm(long.observed["product"][:, -1])[0] <= 1e-20


def test_descent_from_very_far_does_not_end_before_the_limit():
    solution = integrate(squared(Asymmetric, np.ones((1, 1, 1))), np.full((1, 2, 1), 1e17), [0.0, 1e-3, 50.0])
    assert solution.outcome[0] == "converged"
    assert_allclose(solution.observed["product"][0, -1], 1.0, rtol=1e-9)


def test_samples_past_the_limit_hold_it():
    problem, start = batch(range(2), scale=1.0)
    observed = integrate(problem, start, np.linspace(0.0, 100.0, 201)).observed
    assert all(np.array_equal(values[:, 150:], values[:, -1:].repeat(51, axis=1)) for values in observed.values())


def test_run_that_starts_at_its_limit_takes_no_step():
    solution = integrate(squared(Linear, np.ones((1, 2, 3))), np.ones((1, 5, 1)), [0.0, 1.0, 2.0])
    assert (solution.outcome[0], solution.work[0]) == ("converged", 1)
    assert np.array_equal(solution.observed["product"][0], np.ones((3, 2, 3)))


@pytest.mark.parametrize("values", [[1.0, 0.5, 0.1], [2.0, 0.1, 0.1, 0.02], [1.0, 0.05]])
def test_plateaus_between_modes_are_passed_at_the_right_time(values):
    values = np.array(values)
    times = np.linspace(0.0, 30.0 / values.min(), 300)
    problem, start, residuals, expected = balanced_modes(values, 5, 6, 1e-8, times)
    # On a plateau, some modes have been learned to 1e-6 while others have not left 1e-6 of their way.
    assert ((residuals <= 1e-6 * values).any(axis=1) & (residuals >= (1.0 - 1e-6) * values).any(axis=1)).any()
    solution = integrate(problem, start, times)
    found = solution.observed["product"][0]
    assert norm(found - expected).max() <= 1e-8 * norm(expected).max()
    assert solution.observed["error"][0, -1] <= 1e-9


@pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0])
def test_narrow_model_converges_to_the_best_approximation_of_its_rank(scale):
    data, _, factors = drawn(4, 6, 2, scale)
    solution = integrate(squared(Asymmetric, data[None]), factors[None], [0.0, 1.0, 1e4])
    left, values, right = np.linalg.svd(data)
    assert solution.outcome[0] == "converged"
    assert_allclose(solution.observed["product"][0, -1], left[:, :2] * values[:2] @ right[:2], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-8, 0.1, 1.0])
@pytest.mark.parametrize("eigenvalues", [[2.0, 1.0, -1.0, -2.0], [-0.5, -1.0, -2.0, -3.0]])
def test_symmetric_model_converges_to_the_positive_part(eigenvalues, scale):
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    data, positive = (basis * np.maximum(eigenvalues, bound) @ basis.T for bound in (-np.inf, 0.0))
    left = scale * rng.standard_normal((1, 4, 5))
    solution = integrate(squared(Symmetric, data[None]), np.concatenate([left, left], axis=1), [0.0, 1.0, 1e4])
    assert solution.outcome[0] == "converged"
    assert_allclose(solution.observed["product"][0, -1], positive, atol=1e-9)


def test_a_saddle_is_not_left_by_rounding():
    start = np.zeros((2, 15, 3))
    start[1, :, 0] = 1e-8 * np.random.default_rng(0).standard_normal(15)
    data = np.stack([drawn()[0]] * 2)
    solution = integrate(squared(Asymmetric, data), start, [0.0, 50.0])
    assert solution.work[0] == 1
    assert not solution.observed["product"][0].any()
    assert_allclose(norm(solution.observed["product"][:, -1])[1], np.linalg.norm(data[0], 2), rtol=1e-8)


# Divergence


def test_escaping_run_ends_alone_with_its_samples_up_to_there():
    # From x0 = -1, the scalar escapes at t = log(2) / 4 = 0.1733.
    times = np.linspace(0.0, 2.0, 201)
    starts = np.array([0.5, -1.0, 1e-6])[:, None]
    together = integrate(Problem(Squared(np.ones((3, 1, 1))), Quadratic()), starts, times)
    assert together.outcome[1] == "diverged"
    assert together.work[1] <= 3000
    escaped = times > np.log(2.0) / 4.0
    found = together.observed["product"][:, :, 0, 0]
    with np.errstate(divide="ignore"):
        expected = 1.0 / (1.0 - (1.0 - 1.0 / starts) * np.exp(-4.0 * times))
    assert np.isnan(found[1, escaped]).all()
    assert_allclose(found[1, ~escaped], expected[1, ~escaped], rtol=1e-7)
    for run in (0, 2):
        assert_allclose(found[run], expected[run], atol=1e-8)
        alone = integrate(Problem(Squared(np.ones((1, 1, 1))), Quadratic()), starts[run : run + 1], times)
        assert np.array_equal(alone.observed["product"][0], together.observed["product"][run])
        assert (alone.outcome[0], alone.work[0]) == (together.outcome[run], together.work[run])


def test_indefinite_matrices_escape_and_positive_ones_converge():
    rng = np.random.default_rng(3)
    factor = rng.standard_normal((2, 4, 4))
    data = np.stack([factor[0] @ factor[0].T] * 2)
    start = np.stack([factor[1] @ factor[1].T, factor[1] + factor[1].T])
    solution = integrate(Problem(Squared(data), Quadratic()), start.reshape(2, -1), np.linspace(0.0, 50.0, 11))
    assert np.linalg.eigvalsh(start[1]).min() < 0.0
    assert solution.outcome.tolist() == ["converged", "diverged"]
    assert_allclose(solution.observed["product"][0, -1], data[0], atol=1e-8)


def test_step_that_overflows_is_rejected_and_is_no_divergence():
    # At x = 0 the state has no size of its own: the first step is the horizon.
    times = np.concatenate([[0.0], np.geomspace(0.01, 1e6, 50)])
    solution = integrate(Problem(Squared(np.ones((1, 1, 1))), Saturating()), np.zeros((1, 1)), times)
    assert solution.outcome[0] == "converged"
    assert_allclose(solution.observed["product"][0, :, 0, 0], np.tanh(times), atol=1e-8)


def test_run_that_does_not_start_from_numbers_is_never_observed():
    problem, start = batch(range(2))
    start[1, 0, 0] = np.nan
    solution = integrate(problem, start, [0.0, 1.0])
    assert solution.outcome.tolist() == ["completed", "diverged"]
    assert np.isnan(solution.observed["error"]).tolist() == [[False, False], [True, True]]


# The batch


@pytest.mark.slow
@examples(12)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    width=st.integers(1, 15),
    size=st.integers(2, 9),
    seed=st.integers(0, 2**31),
    horizon=st.floats(0.01, 20.0),
)
def test_numbers_of_a_run_do_not_depend_on_its_neighbours(rows, columns, width, size, seed, horizon):
    scales = 10.0 ** np.random.default_rng(seed).uniform(-8.0, 0.5, size)
    runs = [batch([seed + run], rows=rows, columns=columns, width=width, scale=scales[run]) for run in range(size)]
    times = np.linspace(0.0, horizon, 15)
    data, starts = np.concatenate([one.data for one, _ in runs]), np.concatenate([start for _, start in runs])
    together = integrate(squared(Asymmetric, data), starts, times)
    for run, (problem, start) in enumerate(runs):
        alone = integrate(problem, start, times)
        assert (alone.outcome[0], alone.work[0]) == (together.outcome[run], together.work[run])
        for name, values in together.observed.items():
            assert np.array_equal(values[run], alone.observed[name][0])


def test_samples_do_not_influence_the_steps():
    problem, start = batch(range(3), scale=0.1)
    times = np.linspace(0.0, 7.0, 501)
    dense, sparse = (integrate(problem, start, times[::stride]) for stride in (1, 50))
    for name, values in sparse.observed.items():
        assert np.array_equal(values, dense.observed[name][:, ::50])
    # Observing costs three evaluations on each of the steps that contain a sample, at most one for each sample.
    assert (sparse.work < dense.work).all()
    assert ((dense.work - sparse.work) % 3 == 0).all()


def test_a_model_may_keep_what_it_will():
    data, _, factors = drawn(4, 3)
    times = np.linspace(0.0, 3.0, 10)
    expected = integrate(squared(Linear, data[None]), factors[None], times).observed["product"]
    found = integrate(Problem(Squared(data[None]), Transposed()), factors[None], times).observed["product"]
    assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def test_progress_only_grows_and_ends_at_one():
    problem, start = batch(range(3), scale=0.1)
    fractions = []
    integrate(problem, start, np.linspace(0.0, 5.0, 6), progress=fractions.append)
    assert len(fractions) > 10
    assert fractions[0] == 0.0
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_single_sample_is_the_start():
    problem, start = batch(range(2))
    solution = integrate(problem, start, [0.0])
    assert solution.outcome.tolist() == ["completed", "completed"]
    assert np.array_equal(solution.observed["product"][:, 0], problem.product(problem.start(start)))
