"""The compiled closed forms against the plain ones that they stand beside."""

import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.kernels import riccati_flow as compiled
from linear_networks.kernels import spectral_modes
from linear_networks.theory import closed_forms, riccati_flow
from linear_networks.theory.riccati_flow import RULES, reduced

SEEDS = st.integers(0, 2**32)
LAMBDAS = st.sampled_from([0.0, 1e-12, 1.0, -1.0, 30.0, -300.0])


def drawn(seed, m, n, width, scale, deficient=False):
    """A problem in the singular basis of Y, and times from 0 on, more than a block of them."""
    rng = np.random.default_rng(seed)
    factor = scale * rng.standard_normal((m + n, width))
    if deficient:
        factor[:, width // 2 :] = factor[:, :1]
    times = np.append(0.0, np.sort(10 ** rng.uniform(-6, 3, rng.integers(1, 2 * compiled.BLOCK))))
    return closed_forms.Regularized.of(rng.standard_normal((m, n)), factor), times


def gramian(times, problem, lambda0):
    """P(t) by the compiled loops, sizes of its blocks, and whether the start is deficient."""
    left, sigma, right, factor = problem
    side = len(left) + len(right)
    found, sizes = np.empty((len(times), side, side)), np.empty((len(times), 3))
    basis = compiled.eigenbasis(left, sigma, right, lambda0)
    deficient = compiled.flow(times, *basis, factor, len(left), RULES, found, sizes)
    return found, sizes, deficient


@examples(30)
@given(SEEDS, st.integers(1, 5), st.integers(1, 10), st.integers(1, 18), st.floats(-4, 1), LAMBDAS, st.booleans())
def test_a_flow_and_its_basis_are_those_of_the_plain_loops(seed, m, n, width, scale, lambda0, deficient):
    problem, times = drawn(seed, m, n, width, 10**scale, deficient)
    left, sigma, right, factor = problem
    expected = riccati_flow.eigenbasis(left, sigma, right, lambda0)
    for one, other in zip(compiled.eigenbasis(left, sigma, right, lambda0), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-15)
    found, sizes, lacking = gramian(times, problem, lambda0)
    plain, plain_lacking = riccati_flow.flow(times, *expected, factor)
    assert lacking == plain_lacking
    norms = np.linalg.norm(plain, axis=(1, 2))
    assert np.all(np.linalg.norm(found - plain, axis=(1, 2)) <= 1e-12 * norms)
    diagonal = np.diagonal(plain, axis1=1, axis2=2)
    squares = np.sum(plain[:, :m, m:] ** 2, axis=(1, 2))
    traces = np.stack([diagonal[:, :m].sum(axis=1), diagonal[:, m:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(sizes[:, :2], traces, rtol=0, atol=1e-12 * norms.max())
    np.testing.assert_allclose(sizes[:, 2], squares, rtol=0, atol=1e-12 * norms.max() ** 2)


@pytest.mark.parametrize("lead", [1e2, 1e5, 1e8])
def test_samples_that_need_a_gauge_of_their_own_are_those_of_the_plain_loops(lead):
    """A fast mode that starts far behind slow ones takes the first column when it has overtaken them."""
    rng = np.random.default_rng(7)
    gaps, times = np.array([1.1, 1.0, 0.9, -0.3]), np.linspace(0.0, 60.0, 150)
    factor = reduced(rng.standard_normal((4, 3)) * np.array([1 / lead, 1, lead, lead])[:, None])
    found, sizes = np.empty((len(times), 4, 4)), np.empty((len(times), 3))
    compiled.flow(times, 0.0, gaps, np.eye(4), factor, 4, RULES, found, sizes)
    plain, _ = riccati_flow.flow(times, 0.0, gaps, np.eye(4), factor)
    assert np.all(np.linalg.norm(found - plain, axis=(1, 2)) <= 1e-12 * np.linalg.norm(plain, axis=(1, 2)))


@examples(20)
@given(SEEDS, st.integers(1, 5), st.integers(1, 6), st.integers(1, 12), LAMBDAS, st.booleans())
def test_a_sample_is_the_same_whatever_else_is_asked_for(seed, m, n, width, lambda0, deficient):
    problem, times = drawn(seed, m, n, width, 0.3, deficient)
    whole = gramian(times, problem, lambda0)[0]
    for some in (slice(None, None, 3), slice(len(times) // 2, None), slice(-1, None)):
        assert np.array_equal(gramian(times[some].copy(), problem, lambda0)[0], whole[some])
    products = np.empty((len(times), m, n))
    left, sigma, right, factor = problem
    basis = compiled.eigenbasis(left, sigma, right, lambda0)
    compiled.flow(times, *basis, factor, m, RULES, products, np.empty((len(times), 3)))
    assert np.array_equal(products, whole[:, :m, m:])


# ---- spectral starts -----------------------------------------------------------------------------


@examples(50)
@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_products_of_spectral_starts_are_sums_of_their_modes(seed, m, n, far):
    """Magnitudes of all orders, where squares and exponentials under- and overflow, and of order one."""
    rng = np.random.default_rng(seed)
    shape, reach = (2, min(m, n)), 140 if far else 2
    signs = rng.choice([-1.0, 0.0, 1.0], (2, *shape), p=[0.45, 0.1, 0.45])
    sigma = 10 ** rng.uniform(-reach, reach, shape)
    start, imbalance = signs * 10 ** rng.uniform(-reach, reach, (2, *shape))
    times = np.append(0.0, 10 ** rng.uniform(-12, 6, 9))
    with np.errstate(over="ignore", invalid="ignore"):
        modes = closed_forms.spectral_mode(times[:, None], *(part[:, None] for part in (sigma, imbalance, start)))
    decayed = np.exp(-times[:, None] * np.hypot(2 * sigma, imbalance)[:, None]) * np.abs(start)[:, None]
    for i in range(min(m, n)):
        phi, psi = np.zeros((2, m, 1)), np.zeros((2, n, 1))
        phi[:, i], psi[:, i] = 1.0, 1.0
        parts = (part[:, i : i + 1].copy() for part in (sigma, start, imbalance))
        of_sigma, of_start, of_imbalance = parts
        found = spectral_modes.products(times, phi, of_sigma, psi, of_start, of_imbalance, closed_forms.NEGLIGIBLE)
        assert np.count_nonzero(found) <= 2 * len(times)
        # On its way through zero x is what remains of a start that has decayed.
        allowed = 1e-12 * np.abs(modes[..., i]) + 1e-14 * decayed[..., i] + 1e-150
        assert np.all(np.abs(found[..., i, i] - modes[..., i]) <= allowed)


@examples(40)
@given(SEEDS, st.integers(1, 5), st.integers(1, 6))
def test_products_of_spectral_starts_are_those_of_the_plain_sum(seed, m, n):
    rng = np.random.default_rng(seed)
    p, times = min(m, n), np.linspace(0.0, 5.0, 30)
    phi, psi = (np.linalg.qr(rng.standard_normal((3, side, side)))[0][..., :p] for side in (m, n))
    sigma, start, imbalance = np.abs(rng.standard_normal((3, p))), *rng.standard_normal((2, 3, p))
    found = closed_forms.asymmetric_spectral(times, phi, sigma, psi, start, imbalance)
    modes = closed_forms.spectral_mode(times[:, None], *(part[:, None] for part in (sigma, imbalance, start)))
    np.testing.assert_allclose(found, (phi[:, None] * modes[:, :, None]) @ psi[:, None].mT, rtol=0, atol=1e-12)


# ---- compilation ---------------------------------------------------------------------------------


def test_loops_are_compiled_once_however_arrays_lie():
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((3, 2, 2, 2)), rng.standard_normal((3, 2, 4, 3))
    for data, factors in ((left[0], right[0]), (left[1].mT, np.asfortranarray(right[1])), (left[2], right[2][:, ::-1])):
        for times in ([0.0, 1.0], np.linspace(0, 1, 30)[::3], np.frombuffer(np.linspace(0, 1, 9).tobytes())):
            closed_forms.regularized(times, data, factors, [1.0, -1.0])
            closed_forms.regularized(times, data, factors, [1.0, -1.0], product=True)
            closed_forms.riccati(times, data @ data.mT, factors[:, :2])
            closed_forms.asymmetric_spectral(times, data, data[:, 0], data, data[:, 0], data[:, 1])
    for function in (compiled.flow, compiled.eigenbasis, spectral_modes.products):
        assert len(function.signatures) == 1
