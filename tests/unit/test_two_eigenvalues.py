"""Flows whose imbalance has two eigenvalues: by their closed forms, on the product, and on factors."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import products, solve, squared
from scipy.integrate import solve_ivp

from linear_networks import initializations
from linear_networks.dynamics import Asymmetric, EndToEnd
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import stack
from linear_networks.losses.power import Power
from linear_networks.losses.squared import Squared
from linear_networks.models import gauge
from linear_networks.models.hyperbolic import Hyperbolic
from linear_networks.solvers.exact import Exact
from linear_networks.solvers.flow import Flow
from linear_networks.theory import closed_forms, left_over, two_eigenvalues, wide
from linear_networks.theory.prediction import Facts
from linear_networks_workflow.errors import ConfigError
from linear_networks_workflow.experiment import run

LAMBDAS = [0.0, 1e-6, -1e-6, 1.0, -1.0, 1e3, -1e3]
TAUS = [0.0, 1e-8, 1e-3, 1.0, 1e3]


def drawn(rows, columns, lambda0, tau, seed=0, rank=None, width=None, scale=1.0):
    """Y, singular vectors and values of an X(0) of a rank, and a hyperbolic start from it."""
    rng = np.random.default_rng(seed)
    data, size = rng.standard_normal((rows, columns)), min(rows, columns)
    left, values, right = np.linalg.svd(scale * rng.standard_normal((rows, columns)))
    values = np.where(np.arange(size) < (size if rank is None else rank), values, 0.0)
    placeholder = left[:, :size] * np.arange(size, 0.0, -1.0) @ right[:size]  # whose basis X(0) takes
    parameters = {"lambda0": lambda0, "tau": tau, "products": values.tolist()}
    start = initializations.draw("hyperbolic", rng, placeholder, width or rows + columns, **parameters)
    return data, replace(start, modes=None)


def in_many_digits(t, data, factors, lambda0, tau, digits=100):
    """X(t) by the formula of P(t) in the eigenbasis of S~."""
    context = mpmath.MPContext()
    context.dps = digits
    rows, side, square = len(data), sum(data.shape), context.mpf(tau) ** 2
    generator, start = context.zeros(side), context.matrix(factors.tolist())
    for i in range(side):
        generator[i, i] = context.mpf(lambda0) / (2 if i < rows else -2)
        for j in range(rows, side) if i < rows else ():
            generator[i, j] = generator[j, i] = data[i, j - rows]
    values, basis = context.eigsy(generator)
    start, found = basis.T * start, []
    for time in t:
        gain, weight = context.zeros(side), context.zeros(side)
        for i, mu in enumerate(values):
            speed = context.sqrt(mu**2 + square)
            sinh = context.sinh(speed * time) / speed if speed else context.mpf(time)
            weight[i, i] = 1 / (context.cosh(speed * time) - mu * sinh)
            gain[i, i] = sinh * weight[i, i]
        inner = context.eye(start.cols) + start.T * gain * start
        gramian = square * gain + weight * start * context.inverse(inner) * start.T * weight
        block = (basis[:rows, :] * gramian) * basis[rows:, :].T
        found.append(np.array(block.tolist(), dtype=float))
    return np.array(found)


def close(found, expected, tolerance):
    """Within a tolerance of the largest ||X||."""
    size = np.linalg.norm(expected, axis=(-2, -1)).max()
    return np.linalg.norm(found - expected, axis=(-2, -1)).max() <= tolerance * size


# Closed forms


@examples(20)
@given(
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from(LAMBDAS),
    st.sampled_from(TAUS),
    st.integers(0, 3),
    st.integers(0, 2**32),
)
def test_the_closed_form_is_that_of_60_digits(rows, columns, lambda0, tau, rank, seed):
    data, start = drawn(rows, columns, lambda0, tau, seed, min(rank, rows, columns))
    half = float(two_eigenvalues.half_gap(lambda0, tau))
    # Where exponentials of both signs are this large, they cancel to 60 of 100 digits.
    times = np.array([0.0, 1e-3, 0.1, 1.0, 10.0, 40.0]) / (np.linalg.norm(data, 2) + half)
    given = data[None], start.factors[None], [lambda0], [tau]
    expected = in_many_digits(times, data, start.factors, lambda0, tau)
    assert close(two_eigenvalues.product(times, *given)[0], expected, 1e-12)
    rounded = 1e-13 * (np.linalg.norm(start.factors) ** 2 + np.linalg.norm(data) + half)
    assert np.abs(two_eigenvalues.from_gramian(times, *given)[0] - expected).max() <= rounded


@pytest.mark.parametrize(("rows", "columns", "width"), [(1, 1, 2), (2, 5, 30), (5, 2, 7), (3, 3, 12)])
@pytest.mark.parametrize(("lambda0", "tau"), [(0.0, 0.5), (1.0, 1e-6), (-3.0, 1.0)])
def test_the_closed_form_is_that_of_an_independent_integrator_on_unreduced_factors(rows, columns, width, lambda0, tau):
    data, start = drawn(rows, columns, lambda0, tau, width=width, scale=0.3)
    rotated = start.factors @ np.linalg.qr(np.random.default_rng(1).standard_normal((width, width)))[0]
    times = np.linspace(0.0, 4.0, 9)

    def velocity(t, state):
        left, right = np.split(state.reshape(-1, width), [rows])
        force = data - left @ right.T
        return np.concatenate([force @ right, force.T @ left]).ravel()

    states = solve_ivp(velocity, (0.0, 4.0), rotated.ravel(), "DOP853", times, rtol=3e-14, atol=1e-15).y.T
    states = states.reshape(len(times), -1, width)
    expected = states[:, :rows] @ states[:, rows:].mT
    problem = squared(Asymmetric, data[None])
    for one in (start, replace(start, factors=rotated)):
        solution = solve(problem, stack([one.reduced()]), times, Exact(), width)
        assert close(products(solution, data.shape)[0], expected, 1e-11)


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (4, 3), (3, 3)])
@pytest.mark.parametrize("lambda0", LAMBDAS)
def test_without_tau_it_is_proposition_5(rows, columns, lambda0):
    data, start = drawn(rows, columns, lambda0, 0.0)
    times = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 60)])
    given = times, data[None], start.factors[None], [lambda0]
    expected = closed_forms.regularized(*given, product=True)
    assert close(two_eigenvalues.product(*given, [0.0]), expected, 1e-13)
    assert close(two_eigenvalues.from_gramian(*given, [0.0]), expected, 1e-12 * max(1.0, abs(lambda0)))


def test_from_any_start_it_is_the_riccati_equation_of_the_gramian():
    rng = np.random.default_rng(0)
    data, factors, times = rng.standard_normal((2, 4)), rng.standard_normal((6, 9)), np.linspace(0.0, 2.0, 5)
    generator = np.block([[0.35 * np.eye(2), data], [data.T, -0.35 * np.eye(4)]])

    def velocity(t, state):
        p = state.reshape(6, 6)
        return (generator @ p + p @ generator - p @ p + 1.2**2 * np.eye(6)).ravel()

    states = solve_ivp(velocity, (0.0, 2.0), (factors @ factors.T).ravel(), "DOP853", times, rtol=1e-13, atol=1e-14).y
    expected = states.T.reshape(-1, 6, 6)[:, :2, 2:]
    assert close(two_eigenvalues.from_gramian(times, data[None], factors[None], 0.7, 1.2)[0], expected, 1e-11)


@pytest.mark.parametrize(("rows", "columns"), [(1, 3), (3, 1), (2, 2)])
def test_of_one_column_every_start_has_a_closed_form(rows, columns):
    rng = np.random.default_rng(2)
    data, starts = rng.standard_normal((5, rows, columns)), []
    for one in data:
        starts.append(initializations.draw("gaussian", rng, one, 1, scale=0.7))
        assert starts[-1].tau == 0.0
    problem, start, times = squared(Asymmetric, data), stack(starts), np.linspace(0.0, 20.0, 50)
    exact, flow = (products(solve(problem, start, times, solver), data.shape[1:]) for solver in (Exact(), Flow(1e-12)))
    assert close(exact, flow, 1e-9)


# Every loss


@pytest.mark.parametrize("power", [2.0, 4.0])
@pytest.mark.parametrize(("lambda0", "tau"), [(0.0, 0.3), (-1.0, 1e-3), (2.0, 0.0)])
def test_factors_move_their_product_as_it_moves_on_its_own_and_keep_the_two_eigenvalues(power, lambda0, tau):
    data, start = drawn(3, 4, lambda0, tau, scale=0.2)
    data, start, parameters = data[None], stack([start]), [{"lambda0": lambda0, "tau": tau}]
    loss = Power(data, power)
    factored, alone = Problem(loss, Asymmetric.model), Problem(loss, EndToEnd.model_of(parameters))
    ends, times = {}, np.linspace(0.0, 5.0, 30)

    def observe(problem, state, runs):
        ends[type(problem.model)] = state[-1:]
        return {"product": problem.product(state).reshape(len(state), -1), "error": problem.error(state)}

    both = [products(solve(one, start, times, Flow(1e-11), 7, observe), (3, 4)) for one in (factored, alone)]
    assert close(both[1], both[0], 1e-8)
    factors = np.concatenate(factored.split(ends[type(Asymmetric.model)]), axis=1)
    gramian = factors @ factors.mT
    assert_allclose(two_eigenvalues.gramian(both[0][:, -1], [lambda0], [tau]), gramian, atol=1e-8)
    signs = np.diag(np.repeat([1.0, -1.0], [3, 4]))
    assert_allclose(gramian @ signs @ gramian, lambda0 * gramian + tau**2 * signs, atol=1e-8)


BALANCED = {"name": "end-to-end", "lambda0": 0.0, "tau": 0.0}
DEFICIENT = [
    ({"kind": "balanced", "scale": 1.0}, 1, (3, 5)),
    ({"kind": "balanced", "scale": 1e-6}, 2, (5, 3)),
    ({"kind": "hyperbolic", "lambda0": 0.0, "tau": 0.0, "products": [1.0, 0.0, 0.5]}, 8, (3, 5)),
    ({"kind": "spectral", "imbalance": 0.0, "products": [0.0, 0.3, 0.5]}, 8, (5, 3)),
    ({"kind": "spectral", "imbalance": 0.0, "scale": 0.1}, 1, (3, 3)),
]


def of_rank(initialization, width, shape, dynamics, method="exact"):
    experiment = {
        "matrix": {"source": "spectrum", "rows": shape[0], "columns": shape[1], "values": [3.0, 2.0, 1.0]},
        "initialization": initialization,
        "width": width,
        "dynamics": dynamics,
        "solver": {"method": method},
        "time": {"horizon": 40.0, "samples": 100},
        "record": ["product"],
    }
    return run({"seed": 3, "experiments": {"one": experiment}}, "one")


@pytest.mark.parametrize(("initialization", "width", "shape"), DEFICIENT)
def test_without_h_a_product_keeps_its_rank_as_balanced_factors_do(initialization, width, shape):
    found = of_rank(initialization, width, shape, ["asymmetric", BALANCED])
    factored, alone = (rows for _, rows in found["trajectories"].groupby("dynamics"))
    assert_allclose(np.stack(alone["product"]), np.stack(factored["product"]), atol=1e-9)
    factored, alone = (row for _, row in found["runs"].sort_values("dynamics").iterrows())
    assert alone["outcome"] == factored["outcome"]
    assert_allclose(alone["limit_values"], factored["limit_values"], atol=1e-12)
    assert (np.asarray(alone["limit_values"]) == 0.0).any()


def test_without_h_a_product_of_gaussian_factors_keeps_its_rank():
    found = of_rank({"kind": "gaussian", "scale": 1.0}, 1, (3, 4), [BALANCED])
    assert_allclose(found["runs"]["limit_values"][0], [3.0, 0.0, 0.0])
    assert_allclose(found["trajectories"]["singular_values"].iloc[-1], [3.0, 0.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(("initialization", "width", "shape"), DEFICIENT)
def test_steps_of_a_product_that_would_lose_its_rank_are_refused(initialization, width, shape):
    with pytest.raises(ConfigError, match=r"keeps the rank of X\(0\), here [12] of 3"):
        of_rank(initialization, width, shape, [BALANCED], "flow")


@pytest.mark.parametrize("start", [{"scale": 0.1}, {"scale": 0.0}])
def test_steps_of_a_product_of_full_rank_or_none_are_taken(start):
    initialization = {"kind": "hyperbolic", "lambda0": 0.0, "tau": 1.0, **start}
    assert len(of_rank(initialization, 8, (3, 5), [BALANCED], "flow")["runs"]) == 1


def test_the_squared_loss_is_the_power_2():
    rng = np.random.default_rng(0)
    data, product = rng.standard_normal((2, 3, 3, 4))
    one, other = Power(data, 2.0), Squared(data)
    assert_allclose(one.value(product), other.value(product), rtol=1e-14)
    assert_allclose(one.force(product), other.force(product), rtol=1e-14)


# Rates


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 4), (4, 2)])
@pytest.mark.parametrize("start", [{"scale": 0.3}, {"scale": 0.0}, {"products": [0.3, -0.2]}])
def test_rates_are_the_predicted_ones(rows, columns, start):
    initialization = {"kind": "hyperbolic", "lambda0": [0.0, -1.0], "tau": [0.1, 0.4], **start}
    experiment = {
        "matrix": {"source": "spectrum", "rows": rows, "columns": columns, "values": [2.0, 1.0]},
        "initialization": initialization,
        "width": rows + columns,
        "dynamics": ["asymmetric", {"name": "end-to-end", "lambda0": 0.5, "tau": [0.0, 0.3]}],
        "solver": {"method": "exact"},
        "time": {"horizon": 20.0, "samples": 300},
    }
    found = run({"experiments": {"family": experiment}}, "family")["rates"]
    known = found[found["measured"].notna() & found["predicted"].notna()]
    assert {"product"} <= set(known["quantity"])
    assert len(known) >= 0.7 * found["predicted"].notna().sum()
    assert_allclose(known["measured"], known["predicted"], rtol=0.01)
    assert (known["measured"] + known["uncertainty"] >= known["bound"].fillna(0.0)).all()


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (2, 4), (4, 2)])
@pytest.mark.parametrize("half", [0.0, 0.7])
def test_a_rate_is_twice_the_slowest_mode_or_that_and_h(rows, columns, half):
    values = np.linspace(2.0, 1.0, min(rows, columns))
    slowest = np.hypot(1.0, half)
    expected = 2.0 * slowest if rows == columns else slowest + half
    assert two_eigenvalues.rate(values, half, rows, columns) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("width", [1, 2, 4, 20])
def test_the_rate_of_the_product_is_that_of_h_whatever_the_rank_of_the_start(width):
    found = of_rank({"kind": "gaussian", "scale": 1.0}, width, (3, 5), [{**BALANCED, "tau": 1.0}])["rates"]
    product = found[found["quantity"] == "product"].iloc[0]
    assert product["predicted"] == pytest.approx(np.sqrt(2.0) + 1.0)
    assert product["predicted"] >= product["bound"]


@pytest.mark.parametrize(
    ("rows", "columns", "method"), [(3, 5, "exact"), (5, 3, "exact"), (4, 4, "exact"), (3, 4, "flow")]
)
def test_a_rate_is_predicted_of_what_the_record_of_a_start_shows(rows, columns, method):
    experiment = {
        "matrix": {"source": "gaussian", "rows": rows, "columns": columns},
        "initialization": {
            "kind": "hyperbolic",
            "scale": [1e-3, 1e-2, 0.1, 1.0],
            "lambda0": [-1.0, 0.0],
            "tau": [0.0, 0.1, 1.0],
        },
        "width": rows + columns,
        "dynamics": ["asymmetric", {"name": "end-to-end", "lambda0": 0.0, "tau": [0.0, 1.0]}],
        "solver": {"method": method},
        "time": {"horizon": 40.0, "samples": 600},
    }
    found = run({"seed": 61, "experiments": {"one": experiment}}, "one")["rates"]
    found = found[found["quantity"] == "product"]
    known = found[found["measured"].notna() & found["predicted"].notna()]
    apart = (known["measured"] - known["predicted"]).abs()
    assert len(known) >= 0.4 * len(found)
    assert (apart <= known["uncertainty"]).mean() >= 0.99
    resolved = known["uncertainty"] <= 0.01 * known["measured"]
    assert (apart <= 0.01 * known["predicted"])[resolved].all()
    kinds = set(known["predicted_by"]) - {"spectrum of S~", "spectrum at the saddle"}
    assert kinds == {"two eigenvalues of Q"} | ({"modes of a small X(0)"} if rows != columns else set())
    assert not (found["predicted"] < found["bound"] * (1 - 1e-12)).any()


@pytest.mark.parametrize("half", [1e-3, 0.3, 2.0])
@pytest.mark.parametrize("entry", [1e-6, 1e-2, 0.5])
def test_a_record_shows_the_left_over_direction_where_its_entry_outlives_that_of_the_mode(half, entry):
    """Y is 1 x 2 and (sigma, 0); X(0) has two entries of one size. The floor comes where one or the other is larger."""
    sigma, omega = 1.0, float(np.hypot(1.0, half))
    start = np.full((1, 1, 2), entry)
    data = np.array([[[sigma, 0.0]]])
    factors = np.concatenate(Hyperbolic(np.array([half])).realized(np.ones((1, 1, 1)), start.mT), axis=1)
    times = np.linspace(0.0, 30.0 / omega, 400)
    mode, other = np.abs(closed_forms.regularized(times, data, factors, [2 * half], product=True)[0, :, 0] - data[0]).T
    facts = Facts(np.array([sigma]), 1, 2, 3, 3, start=float(np.linalg.norm(start)))
    for end in np.flatnonzero((mode < 0.1) & (mode > 1e-9))[::20]:
        by = left_over.shown(facts._replace(horizon=times[end]), omega + half, half, "all")
        share = other[end] / mode[end]
        if share < 0.5:
            assert by == (pytest.approx(2 * omega), left_over.SMALL_START)
        if share > 200.0:
            assert by == (omega + half, "all")


# Wide and tall Gaussian starts


def imbalance(rows, columns, width, left, right):
    """Eigenvalues of Q, gauge-reduced, of Gaussian U and V of these standard deviations, descending."""
    rng = np.random.default_rng(0)
    u, v = left * rng.standard_normal((rows, width)), right * rng.standard_normal((columns, width))
    u, v = np.split(gauge.reduce(np.concatenate([u, v]))[0], [rows])
    return np.linalg.eigvalsh(u.T @ u - v.T @ v)[::-1]


def test_wide_gaussian_starts_tend_to_two_eigenvalues_that_the_scales_of_the_layers_make():
    rows, columns, width, left, right = 2, 3, 400_000, 0.5, 1.5
    found = imbalance(rows, columns, width, left, right)
    assert_allclose(found, width * np.repeat([left**2, -(right**2)], [rows, columns]), rtol=0.02)
    expected = wide.two_eigenvalues(width, left, right)
    assert_allclose(two_eigenvalues.closest(found, rows, columns), expected, rtol=0.02)
    assert 2.0 * two_eigenvalues.half_gap(*expected) == pytest.approx(width * (left**2 + right**2))


def test_tall_gaussian_starts_tend_to_one_eigenvalue():
    rows, columns, width, left, right = 200_000, 100_000, 3, 1.0, 0.5
    found = imbalance(rows, columns, width, left, right)
    assert_allclose(found, wide.one_eigenvalue(rows, columns, left, right), rtol=0.02)
