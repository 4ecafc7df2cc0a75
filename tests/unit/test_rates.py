"""Predicted rates, against integrated flows and exact solutions."""

import mpmath
import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from problems import squared
from scipy.integrate import solve_ivp

from linear_networks import theory
from linear_networks.dynamics import Asymmetric
from linear_networks.measure.decay import measure
from linear_networks.theory import rates


def integrate(field, start, horizon, samples=300):
    t = np.linspace(0, horizon, samples)
    # Steps well inside the region of stability: at its edge, dense output errs by many times the tolerance.
    options = {"t_eval": t, "rtol": 1e-13, "atol": 1e-15, "max_step": horizon / (4 * samples)}
    return t, solve_ivp(field, (0, horizon), start, "DOP853", **options).y.T


def factor_flow(y, left, right, horizon):
    """(t, U, V) of the asymmetric flow (10)."""
    (m, n), k = y.shape, left.shape[1]

    def field(_, z):
        u, v = z[: m * k].reshape(m, k), z[m * k :].reshape(n, k)
        e = y - u @ v.T
        return np.concatenate(((e @ v).ravel(), (e.T @ u).ravel()))

    t, z = integrate(field, np.concatenate((left.ravel(), right.ravel())), horizon)
    return t, z[:, : m * k].reshape(-1, m, k), z[:, m * k :].reshape(-1, n, k)


def agrees(found, rate):
    return found.reason is None and abs(found.rate - rate) <= min(max(found.uncertainty, 1e-5 * rate), 0.02 * rate)


@pytest.mark.parametrize(("sigma", "u", "v"), [(1.0, 1.5, 0.2), (0.5, 0.1, 2.0), (2.0, 0.3, 0.3), (0.0, 1.5, 0.5)])
def test_an_imbalanced_mode_converges_at_the_root_of_4_sigma_squared_plus_its_imbalance_squared(sigma, u, v):
    rate = float(rates.spectral(sigma, u * u - v * v))
    t, z = integrate(lambda _, z: (sigma - z[0] * z[1]) * z[::-1], [u, v], 24 / rate)
    assert agrees(measure(t, np.abs(sigma - z[:, 0] * z[:, 1]), 1e-11), rate)


def test_the_symmetric_flow_converges_at_four_times_its_smallest_eigenvalue_in_modulus():
    rng = np.random.default_rng(1)
    for values in ([1.0, 2.5, -0.6], [0.4, 3.0], [-0.5, -2.0, 1.0]):
        q = np.linalg.qr(rng.normal(size=(len(values),) * 2))[0]
        y, limit = q * values @ q.T, q * np.maximum(values, 0) @ q.T
        x = 0.2 * np.eye(len(values)) + 0.1

        def flow(_, z, y=y):
            half = 2 * (y - z.reshape(y.shape)) @ z.reshape(y.shape)
            return (half + half.T).ravel()  # equation (5)

        rate = float(rates.symmetric(values))
        t, z = integrate(flow, x.ravel(), 24 / rate)
        assert agrees(measure(t, np.linalg.norm(z.reshape(-1, *y.shape) - limit, axis=(1, 2)), 1e-11), rate)


def test_an_eigenvalue_0_makes_the_symmetric_flow_algebraic_unless_the_rank_leaves_it_out():
    values = np.array([[2.0, 0.0, -0.5], [1.0, 1.0, 0.0]])
    np.testing.assert_array_equal(rates.symmetric(values), [0, 0])
    np.testing.assert_array_equal(rates.symmetric(values, [1, 2]), [4, 2])
    np.testing.assert_array_equal(rates.symmetric_modes(values), [[8, 0, 2], [4, 4, 0]])


def riccati_rates(y, lambda0, start):
    """Rates of X and of P = R R^T late in the exact solution (21), in 500 digits."""
    with mpmath.workdps(500):
        m, n = y.shape
        s = mpmath.matrix(np.block([[lambda0 / 2 * np.eye(m), y], [y.T, -lambda0 / 2 * np.eye(n)]]).tolist())
        values, vectors = mpmath.eigsy(s)
        a = vectors.T * mpmath.matrix(start.tolist())

        def gramian(t):
            grow = mpmath.diag([mpmath.exp(w * t) for w in values])
            area = [mpmath.mpf(t) if abs(w) < 1e-30 else mpmath.expm1(2 * w * t) / (2 * w) for w in values]
            inner = mpmath.eye(a.cols) + a.T * mpmath.diag(area) * a
            wide = vectors * grow * a
            return wide * mpmath.inverse(inner) * wide.T

        p = [gramian(t) for t in (40, 60, 120)]
        decay = lambda a, b: float(mpmath.log(mpmath.mnorm(a, "f") / mpmath.mnorm(b, "f"))) / 20  # noqa: E731
        x = decay(p[0][:m, m:] - p[2][:m, m:], p[1][:m, m:] - p[2][:m, m:])
        return x, decay(p[0] - p[2], p[1] - p[2])


@pytest.mark.parametrize("lambda0", [0.8, -0.8, 2.5])
@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (4, 2), (3, 3)])
def test_a_regularized_product_converges_faster_than_its_gramian_unless_the_width_is_short(rows, columns, lambda0):
    rng = np.random.default_rng(3)
    values = np.array([2.0, 1.1, 0.7][-min(rows, columns) :])
    left, right = (np.linalg.qr(rng.normal(size=(size, len(values))))[0] for size in (rows, columns))
    y = left * values @ right.T
    for width in {min(rows, columns), min(rows, columns) + 1, max(rows, columns), rows + columns}:
        x, p = riccati_rates(y, lambda0, 0.4 * rng.normal(size=(rows + columns, width)))
        assert rates.regularized_product(values, lambda0, rows, columns, width) == pytest.approx(x, rel=2e-3)
        assert rates.regularized_gramian(values, lambda0, rows, columns, width) == pytest.approx(p, rel=2e-3)


def test_without_regularization_a_rectangular_product_converges_at_sigma_min_not_at_twice_that():
    y = np.diag([2.0, 0.7, 1.0])[:2]
    x, p = riccati_rates(y, 0.0, 0.3 * np.random.default_rng(5).normal(size=(5, 2)))
    assert x == pytest.approx(0.7, rel=1e-3)
    assert (
        rates.regularized_product([2.0, 0.7], 0.0, 2, 3, 2)
        == rates.regularized_gramian([2.0, 0.7], 0.0, 2, 3, 2)
        == 0.7
    )
    assert rates.regularized_product([2.0, 0.7], 0.0, 2, 2) == 1.4
    assert rates.regularized_gramian([2.0, 0.7], 0.0, 2, 3) == 0


@pytest.mark.parametrize(("rows", "columns", "width", "lambda0"), [(3, 3, 1, 0.5), (3, 4, 2, -1.0), (5, 3, 2, 1.5)])
def test_a_width_below_the_rank_learns_the_largest_modes_at_the_gap_to_the_next(rows, columns, width, lambda0):
    rng = np.random.default_rng(11)
    values = np.array([3.0, 2.0, 1.4])
    left, right = (np.linalg.qr(rng.normal(size=(size, 3)))[0] for size in (rows, columns))
    x, p = riccati_rates(left * values @ right.T, lambda0, 0.4 * rng.normal(size=(rows + columns, width)))
    h = np.hypot(2 * values, lambda0) / 2
    assert rates.regularized_product(values, lambda0, rows, columns, width) == pytest.approx(h[width - 1] - h[width])
    assert [x, p] == pytest.approx([h[width - 1] - h[width]] * 2, rel=2e-3)


@pytest.mark.parametrize(
    ("rows", "columns", "width"), [(2, 3, 6), (3, 2, 4), (3, 3, 3), (1, 3, 5), (4, 1, 7), (2, 2, 5)]
)
def test_the_asymmetric_flow_converges_at_its_local_rate_and_never_slower_than_its_lower_bound(rows, columns, width):
    rng = np.random.default_rng(rows + 10 * columns)
    y = rng.normal(size=(rows, columns))
    left, right = rng.normal(size=(rows, width)), rng.normal(size=(columns, width))
    bound = float(rates.lower_bound(left.T @ left - right.T @ right, rows, columns))
    _, u, v = factor_flow(y, left, right, 300)
    problem = squared(Asymmetric, y[None])
    end = problem.start(np.concatenate([u[-1], v[-1]])[None])
    rate = float(theory.of(problem).local_rate(problem, end)[0])
    assert 0 <= bound < rate
    t, u, v = factor_flow(y, left, right, 28 / rate)
    distance = np.linalg.norm(y - u @ np.swapaxes(v, 1, 2), axis=(1, 2))
    assert agrees(measure(t, distance, 1e-11), rate)
    assert (distance <= np.exp(-bound * t) * distance[0] + 1e-11).all()


def test_the_lower_bound_is_attained_by_an_imbalanced_start_at_zero_product():
    """U = (2, 0) and V = (0, 3) have product 0, and E' = -(|U|^2 + |V|^2) E is 13 E at the start: c = 13."""
    assert rates.lower_bound([[4.0, 0.0], [0.0, -9.0]], 1, 1) == 4 + 9
    assert rates.lower_bound([[4.0, 0.0], [0.0, -9.0]], 2, 1) == 9
    assert rates.lower_bound([[4.0, 0.0], [0.0, -9.0]], 3, 3) == 0


@examples(30)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 4), columns=st.integers(1, 4), extra=st.integers(1, 9))
def test_the_lower_bound_does_not_see_the_gauge(seed, rows, columns, extra):
    factors = np.random.default_rng(seed).normal(size=(rows + columns, rows + columns + extra))
    reduced = np.linalg.qr(factors.T, mode="r").T  # (m + n) x (m + n): the same R R^T
    full, short = (r[:rows].T @ r[:rows] - r[rows:].T @ r[rows:] for r in (factors, reduced))
    np.testing.assert_allclose(
        rates.lower_bound(full, rows, columns), rates.lower_bound(short, rows, columns), atol=1e-12
    )


@examples(30)
@given(rate=st.floats(0.01, 100), product=st.floats(0.01, 1.9).filter(lambda p: abs(p - 1) > 1e-3))
def test_descent_of_a_quadratic_decays_at_the_rate_of_descent(rate, product):
    step, x = product / rate, [1.0]
    for _ in range(20):
        x.append(x[-1] - step * rate * x[-1])
    measured = -np.log(abs(x[-1])) / (20 * step)
    assert rates.descent(rate, step) == pytest.approx(measured, rel=1e-9)


def test_descent_tends_to_the_flow_and_diverges_beyond_twice_the_inverse_rate():
    assert rates.descent(3.0, 1e-12) == pytest.approx(3.0, rel=1e-9)
    assert rates.descent(3.0, 1 / 3) > 10
    assert rates.descent(3.0, 0.7) < 0


def test_predictions_of_a_batch_are_those_of_its_members():
    rng = np.random.default_rng(0)
    left, right, values, shift = (rng.normal(size=s) for s in [(4, 2, 6), (4, 3, 6), (4, 2), (4,)])
    imbalance = np.swapaxes(left, 1, 2) @ left - np.swapaxes(right, 1, 2) @ right
    for whole, one in [
        (rates.lower_bound(imbalance, 2, 3), lambda i: rates.lower_bound(imbalance[i], 2, 3)),
        (rates.symmetric(values), lambda i: rates.symmetric(values[i])),
        (
            rates.regularized_product(values**2, shift, 2, 3),
            lambda i: rates.regularized_product(values[i] ** 2, shift[i], 2, 3),
        ),
        (
            rates.regularized_gramian(values**2, 1.5, 2, 3, 4),
            lambda i: rates.regularized_gramian(values[i] ** 2, 1.5, 2, 3, 4),
        ),
    ]:
        assert whole.shape == (4,)
        np.testing.assert_allclose(whole, [one(i) for i in range(4)], rtol=1e-12)
