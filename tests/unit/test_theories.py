"""What is true of every theory that is listed, and of every problem that one is about."""

import numpy as np
import pytest
from examples import cases, made, slope, starts
from numpy.testing import assert_allclose
from problems import held, solve, squared

from linear_networks import theory as theories
from linear_networks.components import Refused
from linear_networks.dynamics import Asymmetric, Linear, Regularized, Riccati, Symmetric
from linear_networks.initializations import Start
from linear_networks.measure import observables
from linear_networks.measure.decay import measure
from linear_networks.models.factored import Factored
from linear_networks.solvers import SOLVERS
from linear_networks.solvers.flow import Flow
from linear_networks.theory import THEORIES
from linear_networks.theory.limits import Limit
from linear_networks.theory.prediction import Facts
from linear_networks.theory.proposition_5 import GramianView
from linear_networks.theory.unknown import Unknown


def theory_of(case):
    penalties = () if case.dynamics.penalty is None else (case.dynamics.penalty,)
    return theories.of_parts(case.loss, type(case.dynamics.model), penalties)


ALL = cases()
KNOWN = [case for case in ALL if not isinstance(theory_of(case), Unknown)]
UNKNOWN = [case for case in ALL if isinstance(theory_of(case), Unknown)]
PLAIN = [case for case in KNOWN if case.kind == 0]
STEPPING = [solver for solver in SOLVERS.values() if not solver.closed_form]


def named(case):
    return getattr(case, "id", None) or case.name


def widths_of(case):
    """Below the rank of Y and above it; a product on its own has that of Y."""
    return (1, 2, 7) if case.dynamics.model.has_factors else (7,)


@pytest.mark.parametrize("theory", THEORIES.values(), ids=named)
def test_every_theory_is_about_some_dynamics_and_no_two_are_about_one(theory):
    assert any(isinstance(theory_of(case), theory) for case in ALL)
    for case in ALL:
        penalties = () if case.dynamics.penalty is None else (case.dynamics.penalty,)
        parts = case.loss, type(case.dynamics.model), penalties
        assert theory.applies(*parts) == isinstance(theory_of(case), theory)


@pytest.mark.parametrize("case", UNKNOWN, ids=named)
def test_nothing_is_said_of_what_no_theory_is_about(case):
    problem, factors, *_ = case.draw()
    limit = Limit.of(problem, np.full(2, 5), Start(factors))
    assert not limit.known.any()
    assert not limit.saddle.any()
    assert np.isnan(limit.product).all()
    assert limit.theory.predict(Facts(np.ones(3), 3, 4, 5, 5)) == {}


# The limit


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "width"),
    [pytest.param(case, width, id=f"{case.id}-{width}") for case in KNOWN for width in widths_of(case)],
)
def test_limits_are_fixed_points_that_long_descent_reaches(case, width):
    problem, factors, *_ = case.draw(width=width, runs=3, seed=4)
    known, widths = theories.of(problem), np.full(3, width)
    limit, gramian = known.limit(problem, widths), known.gramian_limit(problem, widths)
    told = np.isfinite(limit).all(axis=(1, 2))
    assert told.any() or case not in PLAIN
    if not told.any():
        return
    problem = problem.select(told)
    state = problem.descend(problem.start(factors[told]), 0.01, 60_000)
    assert_allclose(problem.velocity(state), 0, atol=1e-6)
    assert_allclose(problem.product(state), limit[told], atol=1e-7)
    if gramian is not None:
        assert_allclose(known.gramian(problem, state), gramian[told], atol=1e-7)


@pytest.mark.parametrize("case", KNOWN, ids=named)
def test_modes_that_a_limit_keeps_are_its_spectrum(case):
    problem, factors, *_ = case.draw(width=2, runs=3)
    known = theories.of(problem)
    limit, kept = known.limit(problem, np.full(3, 2)), known.kept(problem, np.full(3, 2))
    if kept is not None:
        spectrum = np.linalg.eigvalsh(limit)[:, ::-1] if known.eigenvalues else np.linalg.svdvals(limit)
        assert_allclose(-np.sort(-kept, axis=1), spectrum, atol=1e-12)


@pytest.mark.parametrize("case", KNOWN, ids=named)
def test_the_data_are_diagonal_in_the_basis_of_their_modes(case):
    problem, *_ = case.draw(runs=3)
    basis = theories.of(problem).basis(problem)
    if basis is not None:
        assert_allclose(basis.left.mT @ problem.data @ basis.right, basis.diagonal(basis.values), atol=1e-12)
        for part in (basis.left, basis.right):
            assert_allclose(part.mT @ part, np.broadcast_to(np.eye(part.shape[-1]), part.shape), atol=1e-13)


@pytest.mark.parametrize("case", KNOWN, ids=named)
def test_the_limit_of_one_run_does_not_depend_on_that_of_another(case):
    problem, factors, *_ = case.draw(runs=3)
    together = Limit.of(problem, np.full(3, 5), Start(factors))
    for run in range(3):
        alone = Limit.of(problem.select(np.array([run])), np.full(1, 5), Start(factors[run : run + 1]))
        for name in ("product", "values", "saddle", "size", "loss", "gramian"):
            found, expected = getattr(alone, name), getattr(together, name)
            assert (found is None) == (expected is None)
            assert found is None or np.array_equal(found[0], expected[run], equal_nan=found.dtype != bool), name


def test_the_limit_of_one_run_does_not_depend_on_whether_that_of_another_is_known():
    data = np.random.default_rng(0).standard_normal((2, 3, 4))
    problem = held(data, np.full((2, 5), 0.7), weight=[0.125, 0.3])
    limits = Limit.of(problem, np.full(2, 5))
    assert limits.known.tolist() == [True, False]
    assert np.isnan(limits.product[1]).all()


# Rates


@pytest.mark.parametrize("case", KNOWN, ids=named)
@pytest.mark.parametrize("width", [3, 7])
def test_the_error_falls_at_the_local_rate_at_least(case, width):
    problem, factors, *_ = case.draw(width=width, runs=5)
    state = problem.start(factors)
    rate = theories.of(problem).local_rate(problem, state)
    if rate is not None:
        moved = slope(lambda parts: problem.product(*parts), [state], [problem.velocity(state)])
        residual = problem.data - problem.product(state)
        falls = np.sum(residual * moved, axis=(1, 2)) / np.sum(residual**2, axis=(1, 2))
        assert (falls >= rate * (1.0 - 1e-6)).all()
        assert rate.max() > 0 or width < min(problem.data.shape[1:])


def facts_of(case, drawn, solver, limit, state):
    """What predictions of the first run rest on, from where it ended."""
    known, (rows, columns), start = limit.theory, drawn.problem.data.shape[1:], drawn.factors[0]
    data, (left, right) = drawn.problem.data[0], np.split(start, [rows])
    rank, local = np.linalg.matrix_rank(start), known.rate_at(drawn.problem, state, solver.step)
    return Facts(
        values=np.linalg.eigvalsh(data)[::-1] if known.eigenvalues else np.linalg.svdvals(data),
        rows=rows,
        columns=columns,
        width=start.shape[1],
        rank=int(np.linalg.matrix_rank(left)) if case.dynamics.symmetric else int(rank),
        step_size=solver.step,
        limits=limit.values[0] if np.isfinite(limit.values[0]).all() else None,
        tied=case.dynamics.symmetric,
        lambda0=known.lambda0({"start_lambda0": None, **drawn.parameters[0]}),
        tau=known.tau({"start_tau": None, **drawn.parameters[0]}) or 0.0,
        imbalance=np.linalg.eigvalsh(left.T @ left - right.T @ right),
        local=np.nan if local is None else local[0],
        factored=case.dynamics.model.has_factors,
    )


@pytest.mark.parametrize("case", PLAIN, ids=named)
@pytest.mark.parametrize("width", [2, 7])
@pytest.mark.parametrize("solver", [Flow(1e-12), *map(made, set(STEPPING) - {Flow})], ids=named)
def test_generic_starts_converge_at_the_predicted_rates(case, width, solver):
    if not case.dynamics.model.has_factors and width < 3:
        return  # a product on its own keeps its rank up to rounding only
    drawn = case.draw(width=width, runs=1, seed=2)
    start, ends = Start(drawn.factors), {}
    limit = Limit.of(drawn.problem, np.full(1, width), start)
    watch = observables.observer(drawn.problem, drawn.problem.start(start.factors), np.full(1, width), limit=limit)

    def observe(problem, state, runs):
        ends["state"] = state
        return watch(problem, state, runs)

    def run(horizon):
        return solve(drawn.problem, start, np.linspace(0.0, horizon, 400), solver, observe=observe)

    run(100.0)
    predicted = limit.theory.predict(facts_of(case, drawn, solver, limit, ends["state"]).rounded())
    local = limit.theory.local_rate(drawn.problem, ends["state"])
    if local is not None and local[0] > 0 and not solver.step:
        assert local[0] == pytest.approx(predicted["product"][0].rate, rel=1e-3)
    if np.isnan(predicted["product"][0].rate):
        assert width < 3  # not every theory knows the rate towards a part of Y
        return
    solution = run(28.0 / predicted["product"][0].rate)
    spectra = solution.observed["singular_values"][0]
    floor = solver.floor(np.linalg.norm(drawn.problem.data) + np.linalg.norm(spectra, axis=1).max())
    distances = {"product": [solution.observed["distance"][0]]}
    if "gramian_distance" in solution.observed:
        distances["gramian"] = [solution.observed["gramian_distance"][0]]
    distances["mode"] = np.abs(spectra - spectrum(limit)).T
    assert distances.keys() == {*predicted, "mode"}
    told = set()
    for quantity, some in distances.items():
        for distance, known in zip(some, predicted[quantity], strict=True):
            found = measure(solution.times, distance, floor, step_size=solver.step if limit.theory.splits else 0.0)
            if found.reason is None and np.isfinite(known.rate):
                told.add(quantity)
                assert abs(found.rate - known.rate) <= max(found.uncertainty, 1e-2 * known.rate), quantity
                assert np.isnan(known.bound) or found.rate + found.uncertainty >= known.bound
    assert told >= {"product"}


def spectrum(limit):
    product = limit.product[0]
    return np.linalg.eigvalsh(product)[::-1] if limit.theory.eigenvalues else np.linalg.svdvals(product)


# Closed forms


@pytest.mark.parametrize("case", KNOWN, ids=named)
def test_a_closed_form_is_seen_as_its_problem_is(case):
    problem, _, parameters, _ = case.draw(width=2, runs=1, columns=3)
    known = theories.of(problem)
    for kind, knows, start in starts(case, problem.data[0], 2):
        try:
            known.check_closed_form(kind, knows or start.lambda0 is not None, parameters[0])
        except Refused:
            continue
        view, states = known.closed_form(problem, np.zeros(1), start)
        state, first = problem.start(start.factors), states[:, 0]
        for name in ("product", "error", "spectrum", "objective"):
            assert_allclose(
                getattr(view, name)(first), getattr(problem, name)(state), atol=1e-12, err_msg=f"{kind} {name}"
            )
        found, expected = known.gramian(view, first), known.gramian(problem, state)
        assert (found is None) == (expected is None)
        assert found is None or np.allclose(found, expected, atol=1e-12)


def test_regularized_objective_is_known_from_the_gramian():
    rng = np.random.default_rng(0)
    data, factors = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 7, 5))
    eighth = held(data, np.full((2, 5), 0.7))
    view = GramianView(eighth.loss, Factored(), eighth.penalties, lambda0=np.full(2, 0.7), width=np.full(2, 5))
    state, gramian = eighth.start(factors), (factors @ factors.mT).reshape(2, -1)
    assert_allclose(view.objective(gramian), eighth.objective(state), rtol=1e-12)
    assert_allclose(view.product(gramian), eighth.product(state), atol=1e-14)


def test_closed_forms_are_refused_where_there_is_none():
    rng = np.random.default_rng(0)
    data, start = rng.standard_normal((2, 3, 4)), Start(rng.standard_normal((2, 7, 5)))
    with pytest.raises(ValueError, match="spectral starts and where"):
        theories.of(squared(Asymmetric, data)).closed_form(squared(Asymmetric, data), np.ones(1), start)
    for problem in (held(data, np.full((2, 5), 0.7), weight=0.3), held(data, rng.standard_normal((2, 5)))):
        with pytest.raises(ValueError, match="weight 1/8"):
            theories.of(problem).closed_form(problem, np.ones(1), start)
    for case in UNKNOWN:
        problem = case.draw().problem
        with pytest.raises(ValueError, match="no closed form"):
            theories.of(problem).closed_form(problem, np.ones(1), start)
        with pytest.raises(Refused, match="^method: has no closed form"):
            theories.of(problem).check_closed_form("balanced", True, {})


def test_a_theory_of_every_dynamics_of_the_paper_is_known():
    assert {case.dynamics for case in KNOWN} >= {Linear, Symmetric, Riccati, Asymmetric, Regularized}
