"""What is true of every solver that is listed, and where they have to agree."""

from dataclasses import MISSING, fields

import numpy as np
import pytest
from examples import cases, made, starts
from numpy.testing import assert_allclose
from problems import products, solve
from scipy.integrate import solve_ivp

from linear_networks import outcomes
from linear_networks.components import REQUIRED, Refused
from linear_networks.initializations import Start
from linear_networks.solvers import SOLVERS
from linear_networks.solvers.descent import Descent, sample_steps
from linear_networks.solvers.flow import Flow
from linear_networks.theory import of_parts

CASES = cases()
TIMES = np.linspace(0.0, 2.0, 21)
WORDS = {value for name, value in vars(outcomes).items() if name.isupper()}
STEPPING = [solver for solver in SOLVERS.values() if not solver.closed_form]
CLOSED = [solver for solver in SOLVERS.values() if solver.closed_form]


def named(case):
    return getattr(case, "id", None) or case.name


def plain_flow(problem, state, times):
    """Products of the flow, by SciPy, one run at a time."""
    found = []
    for run in range(len(state)):
        one = problem.select(np.array([run]))
        span, start = (times[0], times[-1]), state[run]
        path = solve_ivp(
            lambda _, z, one=one: one.velocity(z[None])[0], span, start, "DOP853", times, rtol=1e-11, atol=1e-13
        )
        found.append([one.product(point[None])[0] for point in path.y.T])
    return np.array(found)


@pytest.mark.parametrize("solver", SOLVERS.values())
def test_fields_of_a_solver_are_its_parameters(solver):
    defaults = {field.name: REQUIRED if field.default is MISSING else field.default for field in fields(solver)}
    assert defaults == {name: parameter.default for name, parameter in solver.parameters.items()}


@pytest.mark.parametrize("solver", SOLVERS.values())
def test_what_a_solver_costs_grows_with_what_it_is_asked_for(solver):
    little = solver.seconds(steps=100, samples=10, side=7, operations=500.0, of_loss=0.0)
    much = solver.seconds(steps=1000, samples=100, side=14, operations=4000.0, of_loss=1e-5)
    assert 0.0 < little < much
    assert 0.0 < made(solver).floor(1.0) < made(solver).floor(10.0) <= 1e-6
    assert solver.stages >= 1
    assert solver.work in ("", "steps", "evaluations")


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("solver", STEPPING, ids=named)
def test_every_solver_observes_every_problem_from_its_start_to_the_horizon(case, solver):
    problem, factors, *_ = case.draw(scale=0.5)
    fractions = []
    solution = solve(problem, factors, TIMES, made(solver), progress=fractions.append)
    assert len(solution.times) == len(TIMES)
    assert_allclose(solution.times, TIMES, atol=made(solver).step)
    assert set(solution.outcome) <= WORDS
    assert_allclose(products(solution, problem.data.shape[1:])[:, 0], problem.product(problem.start(factors)))
    assert all(np.isfinite(values).all() for name, values in solution.observed.items() if "distance" not in name)
    assert (solution.observed["loss"][:, -1] < solution.observed["loss"][:, 0]).all()
    assert (solution.work > 0).all() == bool(solver.work)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("solver", STEPPING, ids=named)
def test_numbers_of_a_run_do_not_depend_on_its_neighbours(case, solver):
    problem, factors, *_ = case.draw(runs=3, scale=0.5)
    together = solve(problem, factors, TIMES, made(solver))
    for run in range(3):
        one = problem.select(np.array([run]))
        alone = solve(one, factors[run : run + 1], TIMES, made(solver))
        assert (alone.outcome[0], alone.work[0]) == (together.outcome[run], together.work[run])
        for name, values in together.observed.items():
            assert np.array_equal(values[run], alone.observed[name][0], equal_nan=True), name


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_flow_of_every_problem_is_that_of_an_independent_integrator(case):
    problem, factors, *_ = case.draw(scale=0.5)
    expected = plain_flow(problem, problem.start(factors), TIMES)
    found = products(solve(problem, factors, TIMES), problem.data.shape[1:])
    assert np.abs(found - expected).max() <= 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("case", CASES, ids=named)
def test_descent_of_every_problem_is_a_plain_loop_of_its_velocity(case):
    problem, factors, *_ = case.draw(scale=0.5)
    solution = solve(problem, factors, TIMES, Descent(0.01))
    state, found = problem.start(factors), products(solution, problem.data.shape[1:])
    assert solution.steps.tolist() == sample_steps(TIMES, 0.01).tolist() == list(range(0, 201, 10))
    for step in range(201):
        if step % 10 == 0:
            assert_allclose(found[:, step // 10], problem.product(state), rtol=1e-10, atol=1e-12)
        state = state + 0.01 * problem.velocity(state)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_descent_of_every_problem_is_away_from_its_flow_by_an_error_proportional_to_the_step_size(case):
    problem, factors, *_ = case.draw(scale=0.3)
    shape, times = problem.data.shape[1:], TIMES[:11]
    flow = products(solve(problem, factors, times, Flow(1e-10)), shape)
    gaps = [
        np.linalg.norm(products(solve(problem, factors, times, Descent(eta)), shape) - flow) for eta in (2e-3, 1e-3)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("case", CASES, ids=named)
@pytest.mark.parametrize("solver", CLOSED, ids=named)
@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("run", [0, 1])
def test_closed_forms_are_the_flow_from_every_start_that_has_one_and_refused_from_others(case, solver, width, run):
    both, _, parameters, _ = case.draw(width=width, runs=2, columns=3)
    problem = both.select(np.array([run]))
    known = of_parts(type(problem.loss), type(problem.model), tuple(map(type, problem.penalties)))
    found = list(starts(case, problem.data[0], width))
    assert found
    for kind, knows, start in found:
        knows = knows or start.lambda0 is not None
        try:
            known.check_closed_form(kind, knows, parameters[run])
        except Refused:
            with pytest.raises(ValueError, match="closed form"):
                solve(problem, start, TIMES, made(solver))
            continue
        exact, flow = solve(problem, start, TIMES, made(solver)), solve(problem, start, TIMES, Flow(1e-11))
        for name, values in exact.observed.items():
            expected = flow.observed[name]
            assert_allclose(
                values, expected, rtol=0, atol=1e-8 * max(1.0, np.abs(expected).max()), err_msg=f"{kind} {name}"
            )
        default = solve(problem, start, TIMES)
        scale = np.linalg.norm(problem.data) + np.abs(exact.observed["singular_values"]).max()
        gap = np.abs(default.observed["product"] - exact.observed["product"]).max()
        assert gap <= Flow().floor(scale)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=named)
def test_a_start_of_zeros_stays_where_no_force_moves_it(solver):
    case = next(case for case in CASES if case.dynamics.model.has_factors and not case.dynamics.penalty)
    problem, factors, *_ = case.draw(scale=0.0)
    start = Start(factors, lambda0=np.zeros(len(factors)))
    solution = solve(problem, start, TIMES, made(solver))
    assert not solution.observed["product"].any()
