"""The closed forms against the paper's formulas as printed, in many digits, and against an integrator."""

import numpy as np
import pytest
from conftest import examples
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp
from scipy.integrate import solve_ivp

from linear_networks.theory import closed_forms

TIMES = np.array([0, 1e-8, 1e-3, 0.1, 1, 10, 1e3, 1e4])
SPECTRA = {"generic": None, "repeated": (1, 1), "vanishing": (1, 0), "spread": (1, 1e-8)}
EIGENVALUES = [(1, 1, 0.5), (1, 0, -1), (-1, -0.5, -0.5), (1, 1e-4, 1e-8), (0, 0, 0)]
SHAPES = [(2, 2), (2, 3), (3, 2), (1, 3)]


@pytest.fixture(autouse=True)
def floating_point_errors_raise():
    with np.errstate(all="raise", under="ignore"):
        yield


# ---- references ----------------------------------------------------------------------------------


def exact(array):
    return mp.matrix([[mp.mpf(float(value)) for value in row] for row in array])


def norm(matrix):
    return mp.sqrt(mp.fsum(value**2 for value in matrix))


def distance(array, matrix):
    return float(norm(exact(array) - matrix))


def riccati_reference(times, generator, factor, rank=None):
    """P(t) from (53) as printed, with the digits that it loses added; (41) where they would be too many.

    In (53) the slowest of the escaping modes is what is left of a sum of much larger terms. (41) loses no
    digits to growth, but expands about the stable limit: the start must reach every growing mode.
    """
    size, width = factor.rows, factor.cols
    rank = min(size, width) if rank is None else rank
    with mp.workdps(30):
        rates = sorted((float(value) for value in mp.eigsy(generator, eigvals_only=True)), reverse=True)
    fastest, growing = max(rates[0], 0.0), sum(rate > 1e-20 for rate in rates)
    products = []
    for time in map(float, times):
        digits = 70 + int(0.87 * fastest * time)
        stable = digits > 400 and rank >= min(growing, size) and rank == min(size, width)
        if stable:
            digits = 200
        elif rank == width:  # no mode is left for the identity in (53)
            digits = min(digits, 200 + int(0.87 * (fastest - max(rates[rank - 1], 0.0)) * time))
        with mp.workdps(digits):
            form = stable_form if stable else printed_form
            products.append(form(mp.mpf(time), generator, factor))
    return products


def printed_form(t, generator, factor):
    mu, phi = mp.eigsy(generator)
    start = phi.T * factor
    grown = mp.diag([mp.exp(t * rate) for rate in mu]) * start
    gain = mp.diag([mp.expm1(2 * t * rate) / (2 * rate) if rate else t for rate in mu])
    return phi * grown * (mp.eye(factor.cols) + start.T * gain * start) ** -1 * grown.T * phi.T


def stable_form(t, generator, factor):
    mu, phi = mp.eigsy(generator)
    limit = mp.diag([2 * max(rate, mp.mpf(0)) for rate in mu])
    away = phi.T * factor * (factor.T * phi) - limit
    decay = mp.diag([mp.exp(-t * abs(rate)) for rate in mu])
    gain = mp.diag([-mp.expm1(-2 * t * abs(rate)) / (2 * abs(rate)) if rate else t for rate in mu])
    bracket = mp.eye(factor.rows) + gain * away
    return phi * (limit + decay * away * bracket**-1 * decay) * phi.T


def regularized_generator(data, lambda0):
    """S~ of (21) in exact arithmetic."""
    m, n = data.shape
    generator = np.block([[np.eye(m) / 2, np.zeros((m, n))], [np.zeros((n, m)), -np.eye(n) / 2]])
    coupling = np.block([[np.zeros((m, m)), data], [data.T, np.zeros((n, n))]])
    return exact(generator) * mp.mpf(float(lambda0)) + exact(coupling)


def mode_reference(t, sigma, imbalance, start):
    """(15) as printed, with C = (sigma - x0) / (s r + 4 sigma x0 + imbalance^2) in place of (51)."""
    with mp.workdps(1500):
        t, sigma, imbalance, start = (mp.mpf(float(value)) for value in (t, sigma, imbalance, start))
        s, r = mp.sqrt(4 * sigma**2 + imbalance**2), mp.sqrt(4 * start**2 + imbalance**2)
        if imbalance == 0 and (start <= 0 or sigma == 0):  # C is infinite: dx/dt = 2 |x| (sigma - x)
            growth = 2 * t if sigma == 0 else -mp.expm1(-2 * sigma * t) / sigma
            return start * mp.exp(-s * t) / (1 + abs(start) * growth)
        c = (sigma - start) / (s * r + 4 * sigma * start + imbalance**2) * mp.exp(-s * t)
        upper = sigma - 2 * c * imbalance**2 - 4 * sigma * (imbalance * c) ** 2
        return upper / (1 + 8 * sigma * c - 4 * (imbalance * c) ** 2)


def orthogonal(rng, size):
    return np.linalg.qr(rng.standard_normal((size, size)))[0]


def matrix_of(rng, m, n, spectrum):
    if spectrum is None:
        return rng.standard_normal((m, n))
    rank = min(m, n)
    return orthogonal(rng, m)[:, :rank] * np.array(spectrum)[:rank] @ orthogonal(rng, n)[:rank]


def integrate(velocity, start, times):
    """The unreduced flow by an eighth-order Runge-Kutta method, at its tightest tolerance."""
    solution = solve_ivp(
        lambda _, state: velocity(state.reshape(start.shape)).ravel(),
        (0, times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=1e-12,
        atol=1e-14,
    )
    return solution.y.T.reshape(-1, *start.shape)


# ---- the linear model ----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_linear_flow_is_accurate_entry_by_entry(scale):
    rng = np.random.default_rng(1)
    data, start = np.abs(rng.standard_normal((2, 3, 2, 3)))  # of one sign: (4) itself has nothing to cancel
    product = closed_forms.linear(TIMES, data, scale * start)
    assert product.shape == (3, len(TIMES), 2, 3)
    with mp.workdps(50):
        for (run, sample, i, j), value in np.ndenumerate(product):
            y, x0 = mp.mpf(float(data[run, i, j])), mp.mpf(float(scale * start[run, i, j]))
            expected = y + (x0 - y) * mp.exp(-mp.mpf(float(TIMES[sample])))
            assert abs(value - expected) <= 1e-15 * abs(expected)


# ---- Proposition 5 -------------------------------------------------------------------------------


@pytest.mark.parametrize("lambda0", [0, 1e-12, -1e-12, 1, -1, 1e3, -1e3])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_product_of_the_regularized_flow_is_accurate_at_every_time(spectrum, lambda0):
    rng = np.random.default_rng(list(f"{spectrum} {lambda0}".encode()))
    for (m, n), scale in zip(SHAPES, rng.permutation([1.0, 1e-8, 1e-2, 30.0]), strict=True):
        width = int(rng.choice([1, min(m, n), m + n - 1, m + n, m + n + 3]))
        data = matrix_of(rng, m, n, SPECTRA[spectrum])
        factors = scale * rng.standard_normal((m + n, width))
        gramian = closed_forms.regularized(TIMES, data[None], factors[None], [lambda0])[0]
        references = riccati_reference(TIMES, regularized_generator(data, lambda0), exact(factors))
        tolerance = 1e-9 if scale == 1e-8 else 1e-11
        for time, found, expected in zip(TIMES, gramian, references, strict=True):
            case = f"t={time}, {m}x{n}, width {width}, scale {scale}"
            assert distance(found, expected) <= tolerance * norm(expected), case
            assert distance(found[:m, m:], expected[:m, m:]) <= tolerance * norm(expected[:m, m:]), case


@pytest.mark.parametrize("lambda0", [1e3, -1e3])
@pytest.mark.parametrize("time", [0.01, 0.03, 0.05, 30.0, 3e3])
def test_nearly_equal_modes_compete_accurately_for_a_narrow_width(time, lambda0):
    """At lambda0 = 1000 growing eigenvalues differ by sigma^2 / 1000: at t = 3000 the race is still on."""
    rng = np.random.default_rng(3)
    data, factors = rng.standard_normal((3, 3)), 1e-3 * rng.standard_normal((6, 2))
    found = closed_forms.regularized([time], data[None], factors[None], [lambda0])[0, 0]
    (expected,) = riccati_reference([time], regularized_generator(data, lambda0), exact(factors))
    assert distance(found[:3, 3:], expected[:3, 3:]) <= 1e-12 * norm(expected[:3, 3:])


def test_product_is_accurate_where_one_factor_is_far_smaller_than_the_other():
    rng = np.random.default_rng(4)
    data, factors = rng.standard_normal((2, 3)), rng.standard_normal((5, 7))
    factors[2:] *= 1e-10
    times = [0, 1e-12, 1e-8, 1e-3, 0.1]
    for lambda0 in (0, 1, 1e3):
        found = closed_forms.regularized(times, data[None], factors[None], [lambda0])[0]
        references = riccati_reference(times, regularized_generator(data, lambda0), exact(factors))
        for gramian, expected in zip(found, references, strict=True):
            assert distance(gramian[:2, 2:], expected[:2, 2:]) <= 1e-12 * norm(expected[:2, 2:])


def nudged(rng, array):
    """The array with each entry moved by an ulp, at random up or down."""
    return np.nextafter(array, np.inf * rng.choice([-1.0, 1.0], np.shape(array)))


def product_reference(time, data, factors, lambda0, deficient=False):
    """X(t) of the regularized flow, and its change where each input, save a deficient start, moves by one ulp."""
    rows, rng = len(data), np.random.default_rng(0)

    def product(data, factors, lambda0):
        generator = regularized_generator(data, lambda0)
        return riccati_reference([time], generator, exact(factors), 0 if deficient else None)[0][:rows, rows:]

    expected = product(data, factors, lambda0)
    starts = [factors if deficient else nudged(rng, factors) for _ in range(2)]
    moved = (product(nudged(rng, data), start, nudged(rng, lambda0)) for start in starts)
    return expected, max(norm(other - expected) for other in moved)


def assert_product_is_accurate(time, data, factors, lambda0, deficient=False):
    """To 1e-11 of X itself, or to what a few ulps of the input change it by."""
    found = closed_forms.regularized([time], data[None], factors[None], [lambda0])[0, 0]
    assert np.array_equal(found, found.T)
    expected, moved = product_reference(time, data, factors, lambda0, deficient)
    rows = len(data)
    case = f"t={time}, lambda0 {lambda0}, data {data.tolist()}, factors {factors.tolist()}"
    assert distance(found[:rows, rows:], expected) <= max(1e-11 * norm(expected), 20 * moved), case


def test_product_that_is_far_smaller_than_its_gramian_is_accurate_to_its_own_digits():
    assert_product_is_accurate(10, np.array([[1e-9]]), np.array([[1e3, 500], [300, -700]]), 0.0)


@pytest.mark.parametrize("lambda0", [0, 1e-12, 1, -1e3])
@pytest.mark.parametrize("width", [1, 4, 7])
def test_product_without_data_is_accurate_while_it_decays_faster_than_its_gramian(width, lambda0):
    factors = np.random.default_rng(5).standard_normal((5, width))
    for time in TIMES[TIMES * max(abs(lambda0), 1e-3) <= 600]:
        assert_product_is_accurate(time, np.zeros((2, 3)), factors, float(lambda0))


SIDES = {"even": 1.0, "small V": 1e-7, "large V": 1e4}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("columns", ["even", "graded"])
@pytest.mark.parametrize("size", [1e-14, 1e-9, 1e-3, 1.0, 100.0])
def test_product_is_accurate_relative_to_itself(size, columns, side):
    """Starts and times of many sizes, so that X is often smaller than R R^T by 1e-6 and less."""
    rng = np.random.default_rng(list(f"{size} {columns} {side}".encode()))
    for _ in range(6):
        m, n = rng.integers(1, 4, 2)
        width = int(rng.integers(1, m + n + 2))
        data, factors = size * rng.standard_normal((m, n)), rng.standard_normal((m + n, width))
        factors *= 10.0 ** rng.choice([-8, -3, 0, 3])
        factors[m:] *= SIDES[side]
        if columns == "graded":
            factors *= 10.0 ** rng.uniform(-8, 3, width)
        lambda0 = float(rng.choice([0, 1e-12, 1e-6, 1, -1, 30, -1e3]))
        fastest = np.hypot(np.linalg.norm(data, 2), lambda0 / 2)
        assert_product_is_accurate(min(10.0 ** rng.uniform(-8, 6), 100 / fastest), data, factors, lambda0)


def graded(rng, size):
    """A start of any width whose rows, and at times columns, differ by up to eleven orders; one row may be zero."""
    width = int(rng.integers(1, size + 2))
    factors = rng.standard_normal((size, width)) * 10.0 ** rng.uniform(-8, 3, size)[:, None]
    if rng.random() < 0.3:
        factors *= 10.0 ** rng.uniform(-8, 3, width)
    if rng.random() < 0.1:
        factors[rng.integers(size)] = 0
    return factors


def repeated(rng, factors):
    """The start with a column twice and one of zeros: of deficient rank without rounding."""
    return np.column_stack([factors, rng.choice([-0.25, 2]) * factors[:, 0], np.zeros(len(factors))])


@pytest.mark.parametrize("reach", [0.01, 1, 30, 300, 2000])
@pytest.mark.parametrize("deficient", [False, True])
def test_product_is_accurate_where_rows_of_the_start_differ_by_many_orders(reach, deficient):
    """Singular vectors mix the large rows into the small ones; seeds are fresh in every run."""
    rng = np.random.default_rng()
    for _ in range(8):
        m, n = rng.integers(1, 4, 2)
        data, factors = 10.0 ** rng.choice([-14, -3, 0, 2]) * rng.standard_normal((m, n)), graded(rng, m + n)
        factors = repeated(rng, factors) if deficient else factors
        lambda0 = float(rng.choice([0, 1e-12, 1, -1, 30, -1e3]))
        fastest = np.hypot(np.linalg.norm(data, 2), lambda0 / 2)
        assert_product_is_accurate(reach * rng.uniform(0.5, 1) / fastest, data, factors, lambda0, deficient)


@pytest.mark.parametrize("reach", [0.01, 1, 30, 200])
@pytest.mark.parametrize("deficient", [False, True])
def test_symmetric_flow_is_accurate_where_rows_of_the_start_differ_by_many_orders(reach, deficient):
    rng = np.random.default_rng()
    for _ in range(8):
        m = int(rng.integers(1, 5))
        data, factor = rng.standard_normal((m, m)), graded(rng, m)
        data, factor = data + data.T, repeated(rng, factor) if deficient else factor
        time = reach * rng.uniform(0.5, 1) / np.linalg.norm(data, 2) / 2
        found = closed_forms.symmetric([time], data[None], factor[None])[0, 0]
        rank = 0 if deficient else None

        def product(data, factor, time=time, rank=rank):
            return riccati_reference([time], 2 * exact(data), 2 * exact(factor), rank)[0] / 4

        expected, upper = product(data, factor), np.triu(nudged(rng, data))
        moved = norm(product(upper + np.triu(upper, 1).T, factor) - expected)
        case = f"t={time}, data {data.tolist()}, factor {factor.tolist()}"
        assert distance(found, expected) <= max(1e-11 * norm(expected), 20 * moved) + 1e-300, case


def test_runs_with_graded_rows_leave_the_bits_of_their_neighbours():
    rng = np.random.default_rng()
    data, factors = rng.standard_normal((2, 2, 3)), rng.standard_normal((2, 5, 4))
    factors[1, 1] *= 1e-8
    together = closed_forms.regularized(TIMES, data, factors, [1.0, 1.0])
    for run in range(2):
        alone = closed_forms.regularized(TIMES, data[[run]], factors[[run]], [1.0])[0]
        assert np.array_equal(together[run], alone)


# ---- the Riccati equation ------------------------------------------------------------------------


@pytest.mark.parametrize("eigenvalues", EIGENVALUES)
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_symmetric_flow_is_accurate_at_every_time(eigenvalues, width):
    rng = np.random.default_rng(width)
    basis = orthogonal(rng, 3)
    data = basis * np.array(eigenvalues) @ basis.T
    data = (data + data.T) / 2
    for scale, tolerance in ((1.0, 1e-11), (1e-8, 1e-9)):
        factor = scale * rng.standard_normal((3, width))
        found = closed_forms.symmetric(TIMES, data[None], factor[None])[0]
        references = riccati_reference(TIMES, 2 * exact(data), 2 * exact(factor))
        for product, gramian in zip(found, references, strict=True):
            expected = gramian / 4  # its decay ends in underflow
            assert distance(product, expected) <= tolerance * norm(expected) + 1e-300


def test_symmetric_flow_from_a_spectral_start_follows_equation_7():
    sigma, start = np.array([2.0, 1e-3, -0.5, 0.7]), np.array([1e-20, 3.0, 2.0, 1e-8])
    product = closed_forms.symmetric(TIMES, np.diag(sigma)[None], np.diag(np.sqrt(start))[None])[0]
    x = np.diagonal(product, axis1=1, axis2=2)
    assert np.all(np.abs(product * (1 - np.eye(4))) <= 1e-15 * np.sqrt(x[:, :, None] * x[:, None]))
    with mp.workdps(60):
        for (sample, mode), found in np.ndenumerate(x):
            time, s, x0 = (mp.mpf(float(value)) for value in (TIMES[sample], sigma[mode], start[mode]))
            growth = mp.exp(4 * time * s)
            expected = x0 * s * growth / (s + x0 * (growth - 1))
            assert abs(found - expected) <= 1e-12 * expected + 1e-300


@pytest.mark.parametrize("lead", [1e2, 1e5, 1e8])
def test_a_fast_mode_that_starts_far_behind_a_slow_one_overtakes_it_accurately(lead):
    """The order of escape is then not that of the eigenvalues, and changes on the way."""
    rng = np.random.default_rng(7)
    rates = np.array([1.1, 1.0, 0.9, -0.3])
    factor = rng.standard_normal((4, 3)) * np.array([1 / lead, 1, lead, lead])[:, None]
    times = [0.1, 1, 5, 20, 60, 150]
    found = closed_forms.riccati(times, np.diag(rates)[None], factor[None])[0]
    references = riccati_reference(times, exact(np.diag(rates)), exact(factor))
    for product, expected in zip(found, references, strict=True):
        assert distance(product, expected) <= 1e-11 * norm(expected)


def test_start_with_columns_of_very_different_size_keeps_the_small_ones():
    rng = np.random.default_rng(8)
    basis = orthogonal(rng, 4)
    generator = basis * np.array([1.0, 0.8, 0.5, 0.3]) @ basis.T
    generator = (generator + generator.T) / 2
    factor = rng.standard_normal((4, 4)) * np.array([1e-8, 1e-4, 1.0, 1e3])
    times = [1, 10, 20, 40, 60]
    found = closed_forms.riccati(times, generator[None], factor[None])[0]
    references = riccati_reference(times, exact(generator), exact(factor))
    for product, expected in zip(found, references, strict=True):
        assert distance(product, expected) <= 1e-11 * norm(expected)


@pytest.mark.parametrize("scale", [1.0, 2.0**-26])
def test_deficient_rank_of_the_start_is_preserved_at_every_time(scale):
    """Rounding would otherwise let the missing rank escape, within t = 40 at these rates."""
    rng = np.random.default_rng(9)
    basis = orthogonal(rng, 4)
    generator = basis * np.array([1.0, 0.6, 0.4, -0.5]) @ basis.T
    generator = (generator + generator.T) / 2
    columns = rng.integers(-4, 5, (4, 2)).astype(float)  # small integers: the rank is exactly 2
    factor = scale * columns @ np.array([[1.0, 0, 2, 1, 1], [0, 1, -1, 1, 1]])
    times = np.array([0, 0.1, 1, 10, 100, 1000])
    found = closed_forms.riccati(times, generator[None], factor[None])[0]
    references = riccati_reference(times, exact(generator), exact(factor), rank=2)
    for product, expected in zip(found, references, strict=True):
        assert distance(product, expected) <= 1e-11 * norm(expected)


def test_start_orthogonal_to_every_growing_mode_decays():
    """Orthogonal in exact arithmetic, in no coordinate basis; rounding alone would have escaped by t = 40."""
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    generator = signs * np.array([1.0, 2.0, -1.0, -0.25]) @ signs.T / 4
    factor = signs[:, 2:] @ np.array([[1.0, 3.0, 2.0], [0.5, -1.0, 2.0]])
    times = np.array([0, 0.1, 1, 10, 40, 100, 1000])
    found = closed_forms.riccati(times, generator[None], factor[None])[0]
    references = riccati_reference(times, exact(generator), exact(factor), rank=2)
    for product, expected in zip(found, references, strict=True):
        assert distance(product, expected) <= 1e-11 * norm(expected)


def test_no_start_stays_no_start():
    assert not np.any(closed_forms.riccati(TIMES, np.eye(3)[None], np.zeros((1, 3, 2))))


# ---- Proposition 3 -------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [0, 1e-300, 1e-8, 0.3, 1, 7, 1e3, -1e-300, -1e-8, -0.3, -100])
@pytest.mark.parametrize("sigma", [0, 1e-8, 1e-4, 1, 30])
def test_mode_follows_equation_15_to_full_relative_accuracy(sigma, start):
    imbalance = np.array([0, 1e-140, 1e-12, -1e-12, 1, -1, 1e3])
    times = np.array([0, 1e-8, 1e-3, 0.1, 1, 3, 10, 40])
    found = closed_forms.spectral_mode(times[:, None], sigma, imbalance, start)
    assert found.shape == (8, 7)
    for (i, j), value in np.ndenumerate(found):
        expected = mode_reference(times[i], sigma, imbalance[j], start)
        # on its way through zero x is what remains of a start that has decayed
        left = abs(start) * np.exp(-times[i] * np.hypot(2 * sigma, imbalance[j])) if start < 0 else 0.0
        case = f"t={times[i]}, imbalance {imbalance[j]}"
        assert abs(value - expected) <= 1e-13 * abs(expected) + 4e-16 * left + 1e-300, case


MAGNITUDES = st.one_of(st.just(-np.inf), st.floats(-150, 150), st.floats(-5, 5))
SIGNS = st.sampled_from([-1.0, 1.0])


@examples(200)
@given(
    st.one_of(st.just(-np.inf), st.floats(-12, 12)),
    MAGNITUDES,
    st.one_of(st.just(-np.inf), st.floats(-323, 150), st.floats(-170, -140)),
    MAGNITUDES,
    SIGNS,
    SIGNS,
)
@example(6, 3, -160, 3, -1, -1)
@example(6, 3, -150, 3, -1, -1)
@example(7, 0, -166, -92, -1, -1)
@example(-10, 122, -216, -np.inf, -1, 1)
@example(10, 4, -316, 77, -1, -1)
@example(-12, -150, -200, 150, 1, -1)
@example(-12, 150, -323, -150, 1, 1)
def test_mode_is_accurate_whatever_the_magnitudes(time, sigma, imbalance, start, imbalance_sign, start_sign):
    """Squares and exponentials of these under- and overflow; to 1e-13 of x, or to what an ulp of an input moves."""
    inputs = [10.0**time, 10.0**sigma, imbalance_sign * 10.0**imbalance, start_sign * 10.0**start]
    found = float(closed_forms.spectral_mode(*inputs))
    expected = mode_reference(*inputs)
    with mp.workdps(1500):
        moved = []
        for place, value in enumerate(inputs):
            if value:
                moved.append(mode_reference(*inputs[:place], np.nextafter(value, np.inf), *inputs[place + 1 :]))
        resolution = max((abs(other - expected) for other in moved), default=0)
        assert abs(mp.mpf(found) - expected) <= 1e-13 * abs(expected) + 8 * resolution + 1e-300


def test_mode_that_is_balanced_does_not_cross_the_saddle():
    times = np.array([0, 1, 1e2, 1e4])
    assert np.array_equal(closed_forms.spectral_mode(times, 1.0, 0.0, 0.0), np.zeros(4))
    held = closed_forms.spectral_mode(times, 1.0, 0.0, -0.5)
    assert held[0] == -0.5
    assert np.all(np.diff(held) > 0)
    assert held[-1] == 0
    assert closed_forms.spectral_mode(1e4, 1.0, 1e-12, -0.5) == pytest.approx(1, rel=1e-15)


@given(st.floats(0, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 2), st.floats(0, 2))
@example(0.0, 0.0, 2.0, 1.0, 1.0)
def test_mode_is_a_flow(sigma, imbalance, start, first, second):
    halfway = closed_forms.spectral_mode(first, sigma, imbalance, start)
    there = closed_forms.spectral_mode(first + second, sigma, imbalance, start)
    scale = abs(sigma) + abs(imbalance) + abs(start)
    assert abs(closed_forms.spectral_mode(second, sigma, imbalance, halfway) - there) <= 1e-13 * scale


@pytest.mark.parametrize(("m", "n"), SHAPES)
@pytest.mark.parametrize("imbalance", [0.0, 1.5, -1.5])
def test_spectral_start_of_equal_imbalance_solves_proposition_5_too(m, n, imbalance):
    """Both propositions hold there, with a Y that has a repeated and a zero singular value."""
    rng = np.random.default_rng(10)
    p = min(m, n)
    left, right = orthogonal(rng, m)[:, :p], orthogonal(rng, n)[:, :p]
    sigma = np.array([0.7, 0.7, 0.0])[:p]
    x0 = np.array([0.2, 1e-8, 1.0])[:p]
    u = np.sqrt((np.hypot(2 * x0, imbalance) + imbalance) / 2)
    v = np.sqrt((np.hypot(2 * x0, imbalance) - imbalance) / 2)
    product = closed_forms.asymmetric_spectral(
        TIMES, left[None], sigma[None], right[None], (u * v)[None], np.full((1, p), imbalance)
    )
    gramian = closed_forms.regularized(
        TIMES, (left * sigma @ right.T)[None], np.concatenate([left * u, right * v])[None], [imbalance]
    )
    assert product.shape == (1, len(TIMES), m, n)
    np.testing.assert_allclose(product, gramian[..., :m, m:], rtol=0, atol=1e-12)


# ---- against an integrator -----------------------------------------------------------------------

SIZES = st.integers(1, 4)
SEEDS = st.integers(0, 2**32)


@examples(12)
@given(SIZES, SIZES, st.integers(1, 9), st.floats(-3, 3), st.sampled_from([0.01, 0.3, 1.0]), SEEDS)
def test_regularized_flow_is_what_an_integrator_finds_for_equation_19(m, n, width, lambda0, scale, seed):
    rng = np.random.default_rng(seed)
    data, factors = rng.standard_normal((m, n)), scale * rng.standard_normal((m + n, width))
    times = np.array([0.0, 0.2, 1.0, 3.0])

    def velocity(r):
        u, v = r[:m], r[m:]
        residual, excess = data - u @ v.T, (u.T @ u - v.T @ v - lambda0 * np.eye(width)) / 2
        return np.concatenate([residual @ v - u @ excess, residual.T @ u + v @ excess])

    factors_at = integrate(velocity, factors, times)
    expected = factors_at[:, :m] @ factors_at[:, m:].mT
    found = closed_forms.regularized(times, data[None], factors[None], [lambda0])[0, :, :m, m:]
    assert np.max(np.abs(found - expected)) <= 1e-9 * np.max(np.linalg.norm(expected, axis=(1, 2)))


@examples(12)
@given(SIZES, st.integers(1, 6), st.sampled_from([0.01, 0.3, 1.0]), SEEDS)
def test_symmetric_flow_is_what_an_integrator_finds_for_equation_5(m, width, scale, seed):
    rng = np.random.default_rng(seed)
    data, factor = rng.standard_normal((m, m)), scale * rng.standard_normal((m, width))
    data = (data + data.T) / 2
    times = np.array([0.0, 0.2, 1.0, 2.0])
    factor_at = integrate(lambda u: 2 * (data - u @ u.T) @ u, factor, times)
    expected = factor_at @ factor_at.mT
    found = closed_forms.symmetric(times, data[None], factor[None])[0]
    assert np.max(np.abs(found - expected)) <= 1e-9 * np.max(np.linalg.norm(expected, axis=(1, 2)))


@examples(12)
@given(SIZES, SIZES, SEEDS)
def test_spectral_start_is_what_an_integrator_finds_for_equation_10(m, n, seed):
    rng = np.random.default_rng(seed)
    p = min(m, n)
    left, right = orthogonal(rng, m)[:, :p], orthogonal(rng, n)[:, :p]
    sigma, (u, v) = np.abs(rng.standard_normal(p)), rng.standard_normal((2, p))
    data, times = left * sigma @ right.T, np.array([0.0, 0.2, 1.0, 3.0])

    def velocity(r):
        residual = data - r[:m] @ r[m:].T
        return np.concatenate([residual @ r[m:], residual.T @ r[:m]])

    factors_at = integrate(velocity, np.concatenate([left * u, right * v]), times)
    expected = factors_at[:, :m] @ factors_at[:, m:].mT
    modes = (value[None] for value in (left, sigma, right, u * v, u**2 - v**2))
    found = closed_forms.asymmetric_spectral(times, *modes)[0]
    assert np.max(np.abs(found - expected)) <= 1e-9 * np.max(np.linalg.norm(expected, axis=(1, 2)))


# ---- a batch -------------------------------------------------------------------------------------


def test_run_has_the_same_bits_alone_and_among_any_neighbours():
    rng = np.random.default_rng(11)
    data, factors = rng.standard_normal((5, 3, 4)), rng.standard_normal((5, 7, 6))
    factors[1] *= 1e-8
    factors[2, :, 3:] = factors[2, :, :3]  # takes the slow path
    lambda0 = np.array([0, 1e3, 1.0, -1e-12, -5.0])
    times = np.geomspace(1e-3, 1e4, 30)
    together = closed_forms.regularized(times, data, factors, lambda0)
    reversed_ = closed_forms.regularized(times, data[::-1], factors[::-1], lambda0[::-1])
    for run in range(5):
        alone = closed_forms.regularized(times, data[[run]], factors[[run]], lambda0[[run]])[0]
        assert np.array_equal(together[run], alone)
        assert np.array_equal(reversed_[4 - run], alone)


@examples(50)
@given(st.integers(1, 6), st.integers(1, 8), st.floats(-8, 3), SEEDS)
def test_gramian_is_symmetric_and_positive_semidefinite(size, width, exponent, seed):
    rng = np.random.default_rng(seed)
    generator = rng.standard_normal((2, size, size))
    factor = 10**exponent * rng.standard_normal((2, size, width))
    gramian = closed_forms.riccati(TIMES, generator + generator.mT, factor)
    assert np.array_equal(gramian, gramian.mT)
    eigenvalues = np.linalg.eigvalsh(gramian)
    assert np.all(eigenvalues >= -1e-14 * np.max(np.abs(eigenvalues), axis=-1, keepdims=True))
