"""Where trajectories pass, reach and leave saddles, against closed forms in as many digits as they need."""

from dataclasses import dataclass

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import held, predict, products, solve, squared, taught

from linear_networks import initializations
from linear_networks.dynamics import Asymmetric, Linear, Riccati, Symmetric
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations import Start
from linear_networks.losses.squared import Squared
from linear_networks.matrices.teacher import Teacher
from linear_networks.models import gauge
from linear_networks.models.direct import Direct
from linear_networks.solvers.descent import Descent
from linear_networks.solvers.escape import escape
from linear_networks.solvers.exact import Exact
from linear_networks.solvers.flow import Flow
from linear_networks.theory.limits import Limit
from linear_networks.theory.prediction import Facts

SCALES = (1e-6, 1e-8, 1e-10, 1e-12, 1e-13)


def orthogonal(rng, size):
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def matrix(rng, values, rows, columns):
    """A matrix with these singular values and random singular vectors."""
    size = len(values)
    return orthogonal(rng, rows)[:, :size] * np.asarray(values) @ orthogonal(rng, columns)[:, :size].T


def drawn(data, kind, width, seed=0, **options):
    rng = np.random.default_rng(seed)
    return initializations.stack([initializations.draw(kind, rng, data, width, **options).reduced()])


def riccati(generator, factor, times):
    """P(t) of dP/dt = S P + P S - P^2 from P(0) = F F^T, by (6) as it stands, in enough digits for all exponentials."""
    with mpmath.workdps(50):
        largest = max(abs(value) for value in mpmath.eigsy(generator, eigvals_only=True))
    with mpmath.workdps(int(60 + 2.2 * float(largest * max(times)) / np.log(10.0))):
        values, basis = mpmath.eigsy(generator)
        rows = basis.T * factor
        for t in times:
            grown = [mpmath.exp(value * mpmath.mpf(t)) for value in values]
            gained = [mpmath.expm1(2 * value * mpmath.mpf(t)) / (2 * value) for value in values]
            size, width = rows.rows, rows.cols
            left = mpmath.matrix(size, width)
            middle = mpmath.eye(width)
            for i in range(size):
                for a in range(width):
                    left[i, a] = grown[i] * rows[i, a]
                    for b in range(width):
                        middle[a, b] += rows[i, a] * gained[i] * rows[i, b]
            found = basis * (left * mpmath.inverse(middle) * left.T) * basis.T
            yield np.array(found.tolist(), dtype=float)


def symmetric_products(data, left, times):
    """X = U U^T of (3) is P / 4 with S = 2 Y and F = 2 U(0)."""
    found = riccati(2 * mpmath.matrix(data.tolist()), 2 * mpmath.matrix(left.tolist()), times)
    return np.stack(list(found)) / 4.0


def balanced_products(data, factors, times):
    """X of (10) where Q = 0: a block of P, with S = [[0, Y], [Y^T, 0]]."""
    rows, columns = data.shape
    generator = np.block([[np.zeros((rows, rows)), data], [data.T, np.zeros((columns, columns))]])
    found = riccati(mpmath.matrix(generator.tolist()), mpmath.matrix(factors.tolist()), times)
    return np.stack(list(found))[:, :rows, rows:]


def largest_error(found, expected):
    """Largest ||X - X'|| / ||X'|| over the times of X', which are the first."""
    gaps = np.linalg.norm(found[: len(expected)] - expected, axis=(1, 2))
    return (gaps / np.linalg.norm(expected, axis=(1, 2))).max()


def affordable(times, values):
    """Times for which the reference takes fewer than some thousand digits; after them, the limit is all there is."""
    return times[times * max(values) <= 1500.0]


# On the way


@pytest.mark.parametrize("ratio", [10.0, 30.0, 100.0, pytest.param(1000.0, marks=pytest.mark.slow)])
def test_symmetric_flow_passes_a_saddle_with_all_its_digits(ratio):
    rng = np.random.default_rng(int(ratio))
    times = np.unique([0.0, 5.0 / ratio, 12.0 / ratio, 1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 25.0])
    data = np.stack([basis * [ratio, 1.0] @ basis.T for basis in (orthogonal(rng, 2) for _ in SCALES)])
    data = (data + data.mT) / 2.0
    left = np.stack([scale * rng.standard_normal((2, 4)) for scale in SCALES])
    solution = solve(squared(Symmetric, data), np.concatenate([left, left], axis=1), times)
    assert (solution.outcome == "converged").all()
    for run in range(len(SCALES)):
        found = products(solution, (2, 2))[run]
        expected = symmetric_products(data[run], left[run], affordable(times, [ratio]))
        assert largest_error(found, expected) <= 1e-9
        assert_allclose(found[-1], data[run], rtol=0, atol=1e-9 * ratio)


@pytest.mark.parametrize(
    ("values", "shape", "width"),
    [
        ([10.0, 1.0], (2, 2), 4),
        ([100.0, 1.0], (2, 3), 3),
        pytest.param([1000.0, 1.0], (2, 2), 2, marks=pytest.mark.slow),
        ([30.0, 5.0, 1.0], (4, 3), 5),
        ([20.0, 4.0, 1.0], (3, 3), 3),
    ],
)
def test_two_layers_pass_saddles_with_all_their_digits(values, shape, width):
    # At these scales Q is 0 to within 1e-12, and the flow of a balanced start the reference.
    rng = np.random.default_rng(width)
    times = np.unique([0.0, 10.0 / values[0], 25.0 / values[0], 1.0, 5.0, 13.0, 20.0, 27.0, 32.0, 60.0])
    scales = (1e-7, 1e-10, 1e-13)
    data = np.stack([matrix(rng, values, *shape) for _ in scales])
    factors = np.stack([scale * rng.standard_normal((sum(shape), width)) for scale in scales])
    solution = solve(squared(Asymmetric, data), gauge.reduce(factors)[0], times, width=width)
    assert (solution.outcome == "converged").all()
    for run in range(len(scales)):
        found = products(solution, shape)[run]
        expected = balanced_products(data[run], factors[run], affordable(times, values))
        assert largest_error(found, expected) <= 1e-9
        assert_allclose(found[-1], data[run], rtol=0, atol=1e-9 * values[0])


@pytest.mark.parametrize("kind", [Symmetric, Riccati, Asymmetric])
def test_a_flow_is_the_same_in_every_basis(kind):
    rng = np.random.default_rng(3)
    left = orthogonal(rng, 3)
    right = left if kind is not Asymmetric else orthogonal(rng, 3)
    data, factors = np.diag([5.0, 2.0, 0.5]), 1e-3 * rng.standard_normal((6, 4))
    turned = np.concatenate([left @ factors[:3], right @ factors[3:]])
    times = np.linspace(0.0, 20.0, 21)
    plain = products(solve(squared(kind, data[None]), factors[None], times), (3, 3))[0]
    whole = left @ data @ right.T
    whole = whole if kind is Asymmetric else (whole + whole.T) / 2.0
    found = products(solve(squared(kind, whole[None]), turned[None], times), (3, 3))[0]
    assert_allclose(found, left @ plain @ right.T, atol=1e-9)


# The end


@pytest.mark.parametrize("solver", [Flow(), Exact()], ids=["flow", "exact"])
@pytest.mark.parametrize(
    ("products", "imbalance", "kept"),
    [
        ([0.1, 0.0, 0.1], 0.0, [3.0, 0.0, 1.0]),
        ([0.1, -0.1, -0.2], 0.0, [3.0, 0.0, 0.0]),
        ([0.1, -0.1, -0.2], [0.0, 1.0, 0.0], [3.0, 2.0, 0.0]),
        ([-0.1, 0.1, 0.2], [1.0, 0.0, 0.0], [3.0, 2.0, 1.0]),
    ],
)
def test_modes_that_a_spectral_start_cannot_learn_are_not_in_its_limit(products, imbalance, kept, solver):
    data = matrix(np.random.default_rng(1), [3.0, 2.0, 1.0], 3, 4)
    start = drawn(data, "spectral", 5, products=products, imbalance=imbalance)
    solution = solve(squared(Asymmetric, data[None]), start, np.linspace(0.0, 40.0, 41), solver)
    learned = kept == [3.0, 2.0, 1.0]
    expected = ("completed" if solver.closed_form else "converged") if learned else "saddle"
    assert solution.outcome[0] == expected
    assert_allclose(solution.observed["singular_values"][0, -1], np.sort(kept)[::-1], atol=1e-8)
    assert solution.observed["distance"][0, -1] <= 1e-8


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_ranks_that_a_start_does_not_have_are_not_learned(rank):
    rng = np.random.default_rng(rank)
    data = matrix(rng, [3.0, 2.0, 1.0], 4, 3)
    factors = 1e-3 * rng.standard_normal((1, 7, rank)) @ rng.standard_normal((1, rank, 30))
    solution = solve(squared(Asymmetric, data[None]), gauge.reduce(factors)[0], np.linspace(0.0, 100.0, 11), width=30)
    assert solution.outcome[0] == "saddle"
    assert_allclose(solution.observed["singular_values"][0, -1], [3.0, 2.0, 1.0][:rank] + [0.0] * (3 - rank), atol=1e-8)


@pytest.mark.parametrize("scale", [0.3, 1e-6])
def test_tied_factors_of_two_layers_keep_the_positive_part(scale):
    basis = orthogonal(np.random.default_rng(4), 3)
    data = basis * [2.0, 1.0, -1.5] @ basis.T
    data = (data + data.T) / 2.0
    start = drawn(data, "gaussian", 5, scale=scale, tied=True)
    solution = solve(squared(Asymmetric, data[None]), start, np.linspace(0.0, 60.0, 61), width=5)
    assert solution.outcome[0] == "saddle"
    expected = basis * [2.0, 1.0, 0.0] @ basis.T
    assert_allclose(solution.observed["product"][0, -1].reshape(3, 3), expected, atol=1e-8)


def opposed(rng, size):
    """Y, and X(0) whose determinant has the other sign, with the balanced factors of it in 60 digits."""
    while True:
        data, product = rng.standard_normal((2, size, size))
        values = np.linalg.svd(data, compute_uv=False)
        if np.linalg.det(data) * np.linalg.det(product) < 0 and values[-1] > 0.2 and values[-2] - values[-1] > 0.3:
            break
    left, middle, right = mpmath.svd(mpmath.matrix(product.tolist()))
    roots = mpmath.diag([mpmath.sqrt(value) for value in middle])
    return data, product, mpmath.matrix((left * roots).tolist() + (right.T * roots).tolist())


@pytest.mark.parametrize("size", [2, 3, 4])
def test_balanced_factors_whose_determinant_has_the_other_sign_lose_the_smallest_mode_at_the_predicted_rate(size):
    rng = np.random.default_rng(size)
    for _ in range(3):
        # So late that the next slower of two close rates does not matter, in digits for all exponentials.
        times = np.array([300.0, 330.0])
        with mpmath.workdps(2500):
            data, product, factors = opposed(rng, size)
            generator = mpmath.zeros(2 * size)
            for i in range(size):
                for j in range(size):
                    generator[i, size + j] = generator[size + j, i] = mpmath.mpf(data[i, j])
            left, values, right = mpmath.svd(mpmath.matrix(data.tolist()))
            limit = sum((left[:, mode] * values[mode] * right[mode, :] for mode in range(size - 1)), mpmath.zeros(size))
            found = []
            for t in times:
                gramian = exact_gramian(generator, factors, t)
                found.append(mpmath.mnorm(gramian[:size, size:] - limit, "f"))
            measured = float(mpmath.log(found[0] / found[1]) / (times[1] - times[0]))
        start = Start(balanced_of(product)[None], lambda0=np.zeros(1))
        limits = Limit.of(squared(Asymmetric, data[None]), np.full(1, size), start)
        values = np.linalg.svd(data, compute_uv=False)
        assert limits.saddle[0]
        assert_allclose(limits.product[0], np.array(limit.tolist(), dtype=float), atol=1e-13)
        assert_allclose(limits.values[0], [*values[:-1], 0.0])
        facts = Facts(values, size, size, size, rank=size, limits=limits.values[0], lambda0=0.0)
        assert measured == pytest.approx(predict(Asymmetric, facts)["product"][0].rate, rel=1e-2)


def exact_gramian(generator, factors, t):
    """P(t) by (6), at the precision that is set."""
    values, basis = mpmath.eigsy(generator)
    rows = basis.T * factors
    size, width = rows.rows, rows.cols
    gained = mpmath.diag([mpmath.expm1(2 * value * t) / (2 * value) for value in values])
    left = basis * mpmath.diag([mpmath.exp(value * t) for value in values]) * rows
    assert (size, width) == (factors.rows, factors.cols)
    return left * mpmath.inverse(mpmath.eye(width) + rows.T * gained * rows) * left.T


def balanced_of(product):
    left, values, right = np.linalg.svd(product)
    return np.concatenate([left, right.T]) * np.sqrt(values)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("solver", [Flow(), Exact(), Descent(0.01)], ids=["flow", "exact", "descent"])
def test_solvers_say_whether_they_are_at_the_saddle_or_have_left_it(size, solver):
    for seed in range(6):
        rng = np.random.default_rng([size, seed])
        data, product, _ = opposed(rng, size)
        start = Start(balanced_of(product)[None], lambda0=np.zeros(1))
        solution = solve(squared(Asymmetric, data[None]), start, np.linspace(0.0, 100.0, 101), solver)
        distance, error = solution.observed["distance"][0], solution.observed["error"][0, -1]
        values = np.linalg.svd(data, compute_uv=False)
        match solution.outcome[0]:
            case "saddle":
                assert distance[-1] <= 1e-9 * values[0]
            case "escaped":
                assert error < values[-1] / np.linalg.norm(data)
            case other:
                assert other == "completed"
                assert distance[-1] > 1e-10 * values[0]
                assert error > 0.99 * values[-1] / np.linalg.norm(data)


# Where the limit is not known


@dataclass(frozen=True)
class Bowl(Squared):
    """1/2 x^T H x of a column x."""

    hessian: np.ndarray

    def force(self, product):
        return -self.hessian @ product


@pytest.mark.parametrize("lowest", [-1.0, -1e-3, 0.0, 0.5])
def test_escape_is_the_lowest_curvature_if_it_is_negative(lowest):
    rng = np.random.default_rng(0)
    basis = orthogonal(rng, 5)
    hessian = basis * [4.0, 3.0, 2.0, 1.0, lowest] @ basis.T
    bowl = Problem(Bowl(np.zeros((1, 5, 1)), hessian[None]), Direct())
    growth, direction = escape(bowl, np.zeros((1, 5)), 1.0)
    assert growth == pytest.approx(max(-lowest, 0.0), rel=1e-6)
    if growth:
        assert abs(direction.ravel() @ basis[:, -1]) == pytest.approx(1.0, abs=1e-6)


def test_a_run_at_rest_from_which_a_direction_escapes_is_stalled():
    problem = taught(Asymmetric, [Teacher.draw(np.random.default_rng(2), samples=50, features=3, noise=0.01)])
    rng = np.random.default_rng(1)
    whole, narrow = 0.3 * rng.standard_normal((2, 1, 6, 3))
    narrow[..., 1:] = 0.0
    outcomes = [solve(problem, factors, [0.0, 1.0, 3000.0]).outcome[0] for factors in (whole, narrow, 0.0 * narrow)]
    assert outcomes == ["converged", "stalled", "stalled"]


@pytest.mark.parametrize("weight", [0.125, 0.3])
@pytest.mark.parametrize("lambda0", [1.0, -1.0])
@pytest.mark.parametrize("width", [2, 6])
def test_regularized_flow_ends_at_a_limit_whether_theory_knows_it_or_not(weight, lambda0, width):
    rng = np.random.default_rng(7)
    data = matrix(rng, [3.0, 2.0, 1.0], 3, 4)
    problem = held(data[None], np.full((1, width), lambda0), weight)
    start = 1e-4 * rng.standard_normal((1, 7, width))
    solution = solve(problem, start, np.linspace(0.0, 300.0, 31))
    assert solution.outcome[0] == "converged"
    assert_allclose(solution.observed["singular_values"][0, -1], ([3.0, 2.0, 1.0][:width] + [0.0] * 3)[:3], atol=1e-8)


def test_one_layer_has_no_saddles():
    data = matrix(np.random.default_rng(1), [3.0, 1.0], 2, 2)
    limit = Limit.of(squared(Linear, data[None]), np.full(1, 1), Start(np.zeros((1, 4, 1))))
    assert not limit.saddle[0]
    assert np.array_equal(limit.product[0], data)
