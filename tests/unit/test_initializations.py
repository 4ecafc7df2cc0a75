import numpy as np
import pytest
from declared import defaults, examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from linear_networks import initializations
from linear_networks.components import REQUIRED, Refused
from linear_networks.initializations import INITIALIZATIONS, draw
from linear_networks.matrices.spectrum import Spectrum
from linear_networks.models import gauge

SHAPES = [(3, 4), (4, 3), (3, 3)]


def stream(seed=0):
    return np.random.default_rng(seed)


def split(start, rows):
    return start.factors[:rows], start.factors[rows:]


def imbalance(start, rows):
    left, right = split(start, rows)
    return left.T @ left - right.T @ right


def product(start, rows):
    left, right = split(start, rows)
    return left @ right.T


def defect(start, rows):
    """P J P - lambda0 P - tau^2 J, which is 0 where Q = lambda0 I, or has two eigenvalues."""
    gramian = start.factors @ start.factors.T
    signs = np.diag(np.where(np.arange(len(gramian)) < rows, 1.0, -1.0))
    return gramian @ signs @ gramian - start.lambda0 * gramian - start.tau**2 * signs


def gaussian(width, scale=1.0, rows=3, columns=4, seed=0):
    return draw("gaussian", stream(seed), np.zeros((rows, columns)), width, scale=scale)


def test_a_smaller_width_takes_the_first_columns_of_a_larger_one():
    assert np.array_equal(gaussian(20).factors[:, :6], gaussian(6).factors)


def test_a_scale_multiplies_the_same_normals():
    assert_allclose(gaussian(5, 0.01).factors, 0.01 * gaussian(5).factors, rtol=1e-15)


def test_entries_are_standard_normal():
    entries = gaussian(5000).factors.ravel()
    assert abs(entries.mean()) < 4 / np.sqrt(entries.size)
    assert entries.std() == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("width", [1, 3, 9])
def test_gramians_of_wishart_starts_are_distributed_as_those_of_gaussian_ones(width):
    draws = [draw("wishart", stream(seed), np.zeros((2, 3)), width, tau=1.0).factors for seed in range(4000)]
    gramians = np.array([factors @ factors.T for factors in draws])
    # Of k terms of variance 2/k^2 on the diagonal, and 1/k^2 beside it; 5 standard errors of 4000 draws.
    variances = (1.0 + np.eye(5)) / width
    assert np.abs(gramians.mean(axis=0) - np.eye(5)).max() < 5.0 * np.sqrt(2.0 / width / 4000)
    assert_allclose(gramians.var(axis=0), variances, rtol=0.05 * np.sqrt(10.0))
    assert {np.linalg.matrix_rank(gramian) for gramian in gramians[:20]} == {min(width, 5)}


def test_a_wishart_start_of_any_width_has_the_same_normals_and_m_plus_n_columns():
    narrow, wide = (draw("wishart", stream(), np.zeros((3, 4)), width, tau=2.0).factors for width in (10, 10**6))
    assert narrow.shape == wide.shape == (7, 7)
    lower = np.tril_indices(7, -1)
    assert_allclose(narrow[lower] * np.sqrt(10), wide[lower] * 1e3, rtol=1e-12)
    assert_allclose(wide @ wide.T, 2.0 * np.eye(7), atol=2.0 * 5e-3)


@pytest.mark.parametrize(("kind", "parameters"), [("gaussian", {"scale": 0.5}), ("wishart", {"tau": 2.0})])
def test_the_imbalance_of_wide_starts_has_the_two_eigenvalues_that_their_kind_names(kind, parameters):
    width = 100_000
    left, right = split(draw(kind, stream(), np.zeros((2, 3)), width, **parameters), 2)
    lambda0, tau = INITIALIZATIONS[kind].when_wide(width, **parameters)
    assert lambda0 == 0.0
    assert_allclose(np.linalg.eigvalsh(left @ left.T), tau, rtol=0.03)
    assert_allclose(np.linalg.eigvalsh(right @ right.T), tau, rtol=0.03)


@pytest.mark.parametrize("scale", [1e-8, 1.0])
@pytest.mark.parametrize("width", [1, 3, 12])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_balanced_start_has_no_imbalance_and_the_product_of_the_gaussian_one(rows, columns, width, scale):
    start = draw("balanced", stream(), np.zeros((rows, columns)), width, scale=scale)
    assert start.factors.shape == (rows + columns, width)
    assert_allclose(imbalance(start, rows), 0, atol=1e-13 * scale**2)
    expected = product(gaussian(width, scale, rows, columns), rows)
    assert_allclose(product(start, rows), expected, atol=1e-14 * np.abs(expected).max() * 10)


@pytest.mark.parametrize("norm", [0.0, 1e-6, 4.6, 1e4])
@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_rescaled_start_keeps_the_product_and_has_the_asked_imbalance(rows, columns, norm):
    start = draw("rescaled", stream(), np.zeros((rows, columns)), 8, scale=0.3, imbalance=norm)
    assert np.linalg.norm(imbalance(start, rows), 2) == pytest.approx(norm, rel=1e-9, abs=1e-13)
    expected = product(draw("balanced", stream(), np.zeros((rows, columns)), 8, scale=0.3), rows)
    assert_allclose(product(start, rows), expected, atol=1e-14)


@given(
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(0, 5),
    st.sampled_from([0.0, 1e-6, -1e-6, 1.0, -1.0, 1e3, -1e3]),
    st.sampled_from([0.0, 1e-23, 1e-8, 1e-3, 1.0, 1e3]),
    st.sampled_from([0.0, 1e-8, 1.0]),
    st.integers(0, 2**32),
)
def test_a_hyperbolic_start_has_the_product_of_the_gaussian_one_and_a_q_of_two_eigenvalues(
    rows, columns, more, lambda0, tau, scale, seed
):
    width = rows + columns + more
    start = draw("hyperbolic", stream(seed), np.eye(rows, columns), width, scale=scale, lambda0=lambda0, tau=tau)
    assert (start.lambda0, start.tau) == (lambda0, tau)
    expected = product(gaussian(width, scale, rows, columns, seed), rows)
    assert_allclose(product(start, rows), expected, rtol=1e-12, atol=1e-14 * np.abs(expected).max())
    larger = np.hypot(lambda0 / 2, tau) + abs(lambda0) / 2
    smaller = tau * (tau / larger) if larger else 0.0
    upper, lower = (larger, -smaller) if lambda0 >= 0 else (smaller, -larger)
    eigenvalues = np.linalg.eigvalsh(imbalance(start, rows))
    size = np.abs(start.factors).max() ** 2
    assert_allclose(eigenvalues[-rows:], upper, rtol=1e-12, atol=1e-13 * size)
    assert_allclose(eigenvalues[:columns], lower, rtol=1e-12, atol=1e-13 * size)
    # What tau adds has its digits however small it is: it has the columns of one side to itself.
    side, shift, first = (
        (start.factors[rows:], lambda0, rows) if lambda0 >= 0 else (start.factors[:rows], -lambda0, columns)
    )
    added = side[:, first:] / (tau or 1.0)
    whole = side @ side.T + shift * np.eye(len(side))
    assert_allclose(added @ added.T @ whole, np.eye(len(side)) * (tau > 0), atol=1e-11)


def test_a_zero_product_cannot_be_rescaled():
    with pytest.raises(ValueError, match="cannot be rescaled"):
        draw("rescaled", stream(), np.zeros((3, 4)), 8, scale=0.0, imbalance=1.0)


@pytest.mark.parametrize("scale", [0.0, 1.0])
@pytest.mark.parametrize(("lambda0", "width"), [(2.0, 1), (2.0, 3), (-2.0, 4), (1e3, 3), (-1e-6, 2), (0.0, 9)])
def test_an_identity_start_has_an_imbalance_of_lambda0_times_the_identity(lambda0, width, scale):
    start = draw("identity", stream(), np.zeros((3, 4)), width, scale=scale, imbalance=lambda0)
    assert start.lambda0 == lambda0
    assert_allclose(imbalance(start, 3), lambda0 * np.eye(width), atol=1e-12 * max(1, abs(lambda0)))


@pytest.mark.parametrize(("lambda0", "width"), [(2.0, 4), (-2.0, 5)])
def test_an_identity_start_that_is_too_wide_is_refused_with_the_reason(lambda0, width):
    with pytest.raises(ValueError, match="needs a width of at most the"):
        draw("identity", stream(), np.zeros((3, 4)), width, scale=1.0, imbalance=lambda0)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 8), st.integers(0, 2**32))
def test_a_spectral_start_is_diagonal_in_the_singular_basis_with_the_asked_modes(rows, columns, width, seed):
    rng = stream(seed)
    data = rng.standard_normal((rows, columns))
    size = min(rows, columns)
    products = rng.standard_normal(size) * 10.0 ** rng.integers(-8, 2, size)
    gaps = rng.choice([0.0, 1e-12, -1.0, 1.0, 1e3], size)
    start = draw("spectral", rng, data, width, products=products, imbalance=gaps)
    kept = np.arange(size) < width
    left, values, right = start.modes.left, start.modes.singular_values, start.modes.right
    assert_allclose(left * values @ right.T, data, atol=1e-13)
    assert_allclose(
        left.T @ product(start, rows) @ right, np.diag(products * kept), atol=1e-12 * np.abs(products).max()
    )
    found = np.diag(imbalance(start, rows))[:size]
    assert_allclose(found, (gaps * kept)[:width], atol=1e-12 * max(np.abs(gaps).max(), np.abs(products).max()))


def test_a_tiny_mode_beside_a_large_imbalance_keeps_its_digits():
    start = draw("spectral", stream(), np.eye(1), 1, products=[1e-20], imbalance=1e3)
    assert product(start, 1)[0, 0] == pytest.approx(1e-20, rel=1e-14)


def test_a_symmetric_spectral_start_is_diagonal_in_the_eigenbasis_and_tied():
    data = Spectrum.draw(stream(), 3, 3, [1.0, -1.0, 0.5], symmetric=True).values
    start = draw("spectral", stream(), data, 5, products=[0.3, 0.2, 0.1], imbalance=0.0, tied=True)
    left, right = split(start, 3)
    assert np.array_equal(left, right)
    values, vectors = np.linalg.eigh(data)
    assert_allclose(vectors.T @ left @ left.T @ vectors, np.diag([0.1, 0.2, 0.3]), atol=1e-15)
    assert_allclose(values, [-1, 0.5, 1], atol=1e-14)


def test_a_tied_start_has_equal_factors():
    left, right = split(draw("gaussian", stream(), np.zeros((3, 3)), 5, tied=True, scale=0.5), 3)
    assert np.array_equal(left, right)
    assert np.array_equal(left, gaussian(5, 0.5, 3, 3).factors[:3])


def test_drawn_spectral_products_grow_with_the_scale():
    data = stream(1).standard_normal((3, 4))
    small, large = (
        draw("spectral", stream(), data, 5, scale=scale, imbalance=1.0).modes.products for scale in (1, 100)
    )
    assert_allclose(100 * small, large)
    assert np.all(small > 0)


def test_starts_of_one_kind_stack_into_a_batch():
    starts = [draw("identity", stream(seed), np.zeros((3, 4)), 2, scale=1.0, imbalance=2.0) for seed in range(3)]
    batch = initializations.stack(starts)
    assert batch.factors.shape == (3, 7, 2)
    assert batch.lambda0.tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("width", [1, 3, 7, 12, 40])
def test_invariants_of_the_reduction_are_those_of_the_full_imbalance(width):
    factors = gaussian(width, seed=5).factors
    left, right = factors[:3], factors[3:]
    eigenvalues = np.linalg.eigvalsh(left.T @ left - right.T @ right)
    found = initializations.invariants(gauge.reduce(factors)[0][None], 3, np.array([width]))
    assert_allclose(found["imbalance_norm"], np.linalg.norm(eigenvalues), rtol=1e-12)
    assert_allclose(found["imbalance_min"], eigenvalues[0], rtol=1e-12)
    assert_allclose(found["imbalance_max"], eigenvalues[-1], rtol=1e-12, atol=1e-12)
    nonzero = np.sort(eigenvalues[np.abs(eigenvalues) > 1e-10])[::-1]
    assert_allclose(np.sort(found["imbalance_eigenvalues"][0])[::-1], nonzero, rtol=1e-12)
    assert found["rank"] == min(width, 7)
    assert found["product_rank"] == min(width, 3)


KINDS = [
    (kind, options)
    for kind, component in INITIALIZATIONS.items()
    for options in ([{}, {"tied": True}] if "tied" in component.parameters else [{}])
]


def an_example(kind, options, more):
    """Symmetric data, a width above the smallest, and parameters; a number that a tied start has to have is 0."""
    width = INITIALIZATIONS[kind].least_width(3, 3) + more
    data = Spectrum.draw(stream(7), 3, 3, [2.0, 1.0, 0.5], symmetric=True).values
    parameters = examples(INITIALIZATIONS[kind], 3, 3, width) | options
    for _ in parameters:
        try:
            INITIALIZATIONS[kind].check(3, 3, width, **parameters)
        except Refused as refused:
            parameters[refused.key] = 0.0
    return data, width, parameters


@pytest.mark.parametrize("kind", INITIALIZATIONS.values())
def test_an_initialization_draws_from_the_parameters_that_it_declares_with_their_defaults(kind):
    declared = {name: parameter.default for name, parameter in kind.parameters.items()}
    assert defaults(kind.draw) == {**dict.fromkeys(("rng", "data", "width"), REQUIRED), **declared}


@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_start_has_finite_factors_of_its_shape_and_is_drawn_again_from_the_same_stream(kind, options, more):
    data, width, parameters = an_example(kind, options, more)
    start, again = (draw(kind, stream(), data, width, **parameters) for _ in range(2))
    assert start.factors.shape == (6, min(width, 6) if INITIALIZATIONS[kind].is_reduced else width)
    assert np.isfinite(start.factors).all()
    assert np.array_equal(start.factors, again.factors)


@pytest.mark.parametrize("more", [0, 1, 2])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_what_a_start_knows_of_itself_is_so(kind, options, more):
    data, width, parameters = an_example(kind, options, more)
    start = draw(kind, stream(), data, width, **parameters)
    if INITIALIZATIONS[kind].knows(**parameters) or width == 1:
        assert start.lambda0 is not None or start.modes is not None
    if start.lambda0 is not None:
        assert_allclose(defect(start, 3), 0.0, atol=1e-13)
    if start.lambda0 is not None and width == 1:
        assert_allclose(imbalance(start, 3), start.lambda0, atol=1e-13)
    if start.modes is not None:
        left, _, right, products, gaps = start.modes
        u, v = (side.T @ part for side, part in zip((left, right), split(start, 3), strict=True))
        assert_allclose(left * products @ right.T, product(start, 3), atol=1e-13)
        # Of one column a mode it is |u^2 - v^2|.
        assert_allclose(np.linalg.norm(u - v, axis=1) * np.linalg.norm(u + v, axis=1), np.abs(gaps), atol=1e-13)
    if parameters.get("tied"):
        assert np.array_equal(*split(start, 3))


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_starts_are_not_much_larger_than_expected(kind, options):
    data, width, parameters = an_example(kind, options, 2)
    expected = INITIALIZATIONS[kind].expected_norms(3, 3, width, **parameters)
    starts = [draw(kind, stream(seed), data, width, **parameters) for seed in range(30)]
    norms = np.median([[np.linalg.norm(part, 2) for part in split(start, 3)] for start in starts], axis=0)
    assert np.all(norms <= 1.5 * np.array(expected))


@pytest.mark.parametrize(
    ("kind", "parameters", "key"),
    [
        ("gaussian", {"scale": 1.0, "tied": True}, "tied"),
        ("identity", {"scale": 1.0, "imbalance": 1.0}, "imbalance"),
        ("spectral", {"imbalance": 0.0}, "scale"),
        ("spectral", {"imbalance": 0.0, "scale": 1.0, "products": [1.0, 1.0, 1.0]}, "scale"),
        ("spectral", {"imbalance": [0.0, 1.0], "scale": 1.0}, "imbalance"),
        ("spectral", {"imbalance": 0.0, "products": [1.0]}, "products"),
        ("hyperbolic", {"lambda0": 0.0, "tau": 1.0, "scale": 1.0}, "kind"),
        ("hyperbolic", {"lambda0": 0.0, "tau": 1.0}, "scale"),
        ("hyperbolic", {"lambda0": 0.0, "tau": 1.0, "products": [1.0]}, "products"),
    ],
)
def test_a_start_that_cannot_be_is_refused_by_its_key(kind, parameters, key):
    with pytest.raises(Refused) as refusal:
        INITIALIZATIONS[kind].check(3, 4, 5, **parameters)
    assert refusal.value.key == key


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"imbalance": 1.0, "scale": 1.0, "tied": True}, "imbalance"),
        ({"imbalance": 0.0, "products": [1.0, 1.0, -1.0], "tied": True}, "products"),
    ],
)
def test_a_tied_spectral_start_is_balanced_and_its_product_has_no_negative_mode(parameters, key):
    with pytest.raises(Refused) as refusal:
        INITIALIZATIONS["spectral"].check(3, 3, 5, **parameters)
    assert refusal.value.key == key


def test_a_tied_spectral_start_of_a_matrix_that_is_not_symmetric_is_refused():
    with pytest.raises(ValueError, match="needs a symmetric matrix"):
        draw("spectral", stream(), np.triu(np.ones((3, 3))), 3, scale=1.0, imbalance=0.0, tied=True)
