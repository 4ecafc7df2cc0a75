"""Descent by compiled steps that are derived from a velocity, against a plain loop of the same velocity."""

import collections
import functools
import itertools
import operator
import time
import types

import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st

from linear_networks.kernels.derived import Descent, FlatDescent, derive, descend
from linear_networks.kernels.products import Product, Step
from linear_networks.kernels.symbols import Untraceable

ROWS, COLUMNS, WIDTH, RUNS = 3, 4, 5, 3


def loop(velocity, state, step_size, count):
    for _ in range(count):
        state = [one + step_size * move for one, move in zip(state, velocity(list(state)), strict=True)]
    return state


def draw(seed, *shapes, runs=RUNS, scale=0.3):
    rng = np.random.default_rng(seed)
    return [scale * rng.standard_normal((runs, *shape)) for shape in shapes]


def assert_close(found, expected, tolerance=1e-12):
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= tolerance * max(np.abs(other).max(), 1e-3)


class Factored:
    """Descent of 1/2 ||Y - U V^T||^2, with a hook for each part of it."""

    def __init__(self, seed=0, runs=RUNS):
        self.data, self.target, weight = draw(seed, (ROWS, COLUMNS), (WIDTH, WIDTH), (1, 1), runs=runs)
        self.weight = np.abs(weight)
        self.rate, self.calls, self.numbers = 0.5, 0, itertools.count()
        self.rng = np.random.default_rng(seed)

    def product(self, factors):
        left, right = factors
        return left @ right.mT

    def force(self, product):
        return self.data - product

    def pull(self, factors, force):
        left, right = factors
        return [force @ right, force.mT @ left]

    def velocity(self, factors):
        return self.pull(factors, self.force(self.product(factors)))


class Penalized(Factored):
    def velocity(self, factors):
        left, right = factors
        pull = 4.0 * self.weight * (left.mT @ left - right.mT @ right - self.target)
        on_left, on_right = super().velocity(factors)
        return [on_left - left @ pull, on_right + right @ pull]


class Decayed(Factored):
    def velocity(self, factors):
        return [
            move - 0.1 * self.weight * factor for move, factor in zip(super().velocity(factors), factors, strict=True)
        ]


class Weighted(Factored):
    def force(self, product):
        return 0.3 * super().force(product) - product / 2.0 @ product.mT @ product * self.weight


class Quartic(Factored):
    def force(self, product):
        residual = super().force(product)
        return residual @ residual.mT @ residual


class Doubled(Factored):
    def product(self, factors):
        return 2.0 * super().product(factors) + np.full((ROWS, COLUMNS), 0.1)


class Sloped(Factored):
    def pull(self, factors, force):
        left, right = super().pull(factors, force)
        return [self.rate * left, 0.9 * -right]


class Frozen(Factored):
    def pull(self, factors, force):
        return [super().pull(factors, force)[0], 0.0 * factors[1]]


class Bent(Factored):
    def force(self, product):
        return np.tanh(super().force(product))


class Clipped(Factored):
    def force(self, product):
        force = super().force(product)
        return force if np.linalg.norm(force) < 3.0 else 0.5 * force


class Branched(Factored):
    def product(self, factors):
        product = super().product(factors)
        return product if (product > 0).all() else 1.1 * product


class Guessed(Factored):
    """Takes what it cannot compute of symbols for something else."""

    def force(self, product):
        try:
            large = float(product[0, 0, 0]) > 0.0
        except BaseException:
            large = False
        return super().force(product) * (0.5 if large else 1.0)


class Typed(Factored):
    def force(self, product):
        return super().force(product) * (0.5 if type(product) is np.ndarray else 1.0)


class Indexed(Factored):
    def force(self, product):
        force = super().force(product)
        return force - 0.1 * force[:, :1]


class Elementwise(Factored):
    def force(self, product):
        return super().force(product) * self.data


class Written(Factored):
    def force(self, product):
        force = super().force(product)
        force *= 0.5
        return force


class Filled(Factored):
    def pull(self, factors, force):
        moves = [np.empty_like(factor) for factor in factors]
        for out, move in zip(moves, super().pull(factors, force), strict=True):
            np.multiply(0.9, move, out=out)
        return moves


class Counted(Factored):
    def force(self, product):
        self.calls += 1
        return super().force(product) * (1.0 if self.calls < 5 else 0.2)


class CountedApart(Factored):
    def force(self, product):
        object.__setattr__(self, "calls", self.calls + 1)
        return super().force(product) / (1.0 + self.calls)


class Numbered(Factored):
    def force(self, product):
        return super().force(product) / (1.0 + next(self.numbers))


class Noisy(Factored):
    def force(self, product):
        return super().force(product) + 0.1 * self.rng.standard_normal((ROWS, COLUMNS))


class Momentum(Factored):
    before = 0.0

    def force(self, product):
        self.before = 0.5 * self.before + super().force(product)
        return self.before


TRACED = [Penalized, Decayed, Weighted, Quartic, Doubled, Sloped, Frozen]
PLAIN = [Bent, Clipped, Branched, Guessed, Typed, Indexed, Elementwise, Written, Filled]
PLAIN += [Counted, CountedApart, Numbered, Noisy, Momentum]


def composed(*mixins):
    return type("Composed", (*mixins, Factored), {})


@examples(30)
@given(
    st.lists(st.sampled_from(TRACED + PLAIN), unique=True, max_size=4),
    st.sampled_from([1, 2, 9]),
    st.integers(0, 25),
    st.integers(0, 2**32),
)
def test_mixins_of_each_hook_descend_as_a_plain_loop_of_their_velocity_does(mixins, runs, count, seed):
    kind = composed(*mixins)
    state = draw(seed, (ROWS, WIDTH), (COLUMNS, WIDTH), runs=runs)
    expected = loop(kind(seed, runs).velocity, state, 0.02, count)
    assert_close(descend(kind(seed, runs).velocity, state, 0.02, count), expected)
    compiled = derive(kind(seed, runs).velocity, state, 0.02) is not None
    assert compiled is not any(mixin in PLAIN for mixin in mixins)


of_the_module = {}


def changing(seed):
    """Of each kind, something that changes as it is read, and the number that a velocity takes from it."""
    rng = np.random.default_rng(seed)
    ones, links = itertools.repeat(1.0), itertools.chain([1.0, 0.5, 0.25], itertools.repeat(0.1))
    counted = collections.defaultdict(lambda: float(len(counted)))

    def first(numbers):
        for number in numbers:
            return number
        return 0.0

    class Held:
        numbers = itertools.cycle([1.0, 0.4])

        def __init__(self):
            self.flat = np.linspace(0.1, 1.0, 50).flat
            self.noise = rng.standard_normal

    class Slotted:
        __slots__ = ("numbers",)

        def __init__(self):
            self.numbers = iter([1.0, 0.5])

    of_the_module["of", "it"] = types.SimpleNamespace(numbers=itertools.cycle([0.7, 1.2]))
    numbered, held, slotted, ask = enumerate(links), Held(), Slotted(), operator.attrgetter("numbers")
    return {
        "chain": lambda: first(links),
        "zip": functools.partial(lambda pairs: first(pairs)[1], zip(itertools.count(), links)),
        "default": lambda numbers=numbered: first(numbers)[1],
        "generator": functools.partial(first, (0.9**number for number in itertools.count())),
        "nested": lambda: [first(numbers) for numbers in [(ones, links)[1]]][0],
        "comprehension": lambda: [number for number, _ in zip(links, range(1), strict=False)][0],
        "membership": lambda: 1.0 if 0.1 in links else 0.3,
        "unpacked": lambda boxes={"a": [links]}: first(boxes["a"][0]),
        "flat": lambda: first(held.flat),
        "noise": lambda: held.noise(),
        "of a class": lambda: first(held.numbers),
        "by name": lambda: first(held.numbers),
        "by a name that is made": lambda: first(getattr(held, "".join(("num", "bers")))),
        "of a module": lambda: first(of_the_module["of", "it"].numbers),
        "by a getter": lambda: first(ask(held)),
        "in a slot": lambda: first(slotted.numbers),
        "missing": lambda: counted[len(counted)],
    }


@pytest.mark.parametrize("kind", changing(0))
def test_what_changes_as_it_is_read_is_neither_compiled_nor_advanced(kind):
    state = draw(31, (ROWS, WIDTH), (COLUMNS, WIDTH))

    def velocity(number):
        return lambda factors: [-number() * factor for factor in factors]

    expected = loop(velocity(changing(32)[kind]), state, 0.1, 6)
    assert derive(velocity(changing(32)[kind]), state, 0.1) is None
    assert_close(descend(velocity(changing(32)[kind]), state, 0.1, 6), expected)


def test_an_attribute_that_is_not_read_does_not_count():
    class Held(Factored):
        pass

    held = Held()
    held.unread = itertools.count()
    assert derive(held.velocity, draw(33, (ROWS, WIDTH), (COLUMNS, WIDTH)), 0.1) is not None


@st.composite
def matrices(draw_from, rows, columns, depth):
    """A function of the matrices of a state, and of constants by shape."""
    node = draw_from(
        st.sampled_from(["sum", "difference", "product", "product", "number", "of runs", "turned", "leaf"])
    )
    if depth == 0 or node == "leaf":
        number = draw_from(st.integers(0, 1))
        shapes = [(ROWS, WIDTH), (COLUMNS, WIDTH)]
        if (rows, columns) == shapes[number]:
            return lambda state, constants: state[number]
        if (columns, rows) == shapes[number]:
            return lambda state, constants: state[number].mT
        if draw_from(st.booleans()):
            return lambda state, constants: (
                constants[rows, columns]
                + 0.0 * (constants[rows, shapes[number][0]] @ state[number] @ constants[shapes[number][1], columns])
            )
        return lambda state, constants: (
            constants[rows, shapes[number][0]] @ state[number] @ constants[shapes[number][1], columns]
        )
    if node == "product":
        inner = draw_from(st.sampled_from([ROWS, COLUMNS, WIDTH]))
        left, right = draw_from(matrices(rows, inner, depth - 1)), draw_from(matrices(inner, columns, depth - 1))
        return lambda state, constants: left(state, constants) @ right(state, constants)
    if node == "turned":
        one = draw_from(matrices(columns, rows, depth - 1))
        return lambda state, constants: one(state, constants).mT
    one = draw_from(matrices(rows, columns, depth - 1))
    if node == "number":
        factor = draw_from(st.sampled_from([2, -0.9, np.float64(0.3), 0.0, np.array(0.47)]))
        return lambda state, constants: factor * one(state, constants)
    if node == "of runs":
        return lambda state, constants: one(state, constants) * constants[1, 1]
    other = one if draw_from(st.booleans()) else draw_from(matrices(rows, columns, depth - 1))
    if node == "sum":
        return lambda state, constants: one(state, constants) + other(state, constants)
    # No two differ by nothing but rounding, which a derived step does not have to follow.
    return lambda state, constants: one(state, constants) - 0.71 * other(state, constants)


@examples(15)
@given(matrices(ROWS, WIDTH, 3), matrices(COLUMNS, WIDTH, 3), st.integers(0, 8), st.integers(0, 2**32))
def test_drawn_velocities_descend_as_a_plain_loop_does(left, right, count, seed):
    sizes = (ROWS, COLUMNS, WIDTH, 1)
    pairs = list(itertools.product(sizes, sizes))
    constants = dict(zip(pairs, draw(seed, *pairs), strict=True))
    state = draw(seed + 1, (ROWS, WIDTH), (COLUMNS, WIDTH))

    def velocity(state):
        return [left(state, constants), right(state, constants)]

    assert derive(velocity, state, 0.01) is not None
    assert_close(descend(velocity, state, 0.01, count), loop(velocity, state, 0.01, count))


def chain(depth, data):
    """Velocities of W_depth ... W_1, written as a recursion."""

    def velocity(factors):
        product = functools.reduce(lambda before, factor: factor @ before, factors)
        force = data - product

        def pull(layer):
            pulled = force
            for factor in factors[:layer:-1]:
                pulled = factor.mT @ pulled
            for factor in factors[:layer]:
                pulled = pulled @ factor.mT
            return pulled

        return [pull(layer) for layer in range(depth)]

    return velocity


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("runs", [1, 9])
def test_chains_of_any_depth_are_compiled_and_agree_after_1000_steps(depth, runs):
    sizes = [COLUMNS, 5, 6, 7, 5, 6][:depth] + [ROWS]
    state = draw(1, *((after, before) for before, after in itertools.pairwise(sizes)), runs=runs, scale=0.4)
    (data,) = draw(2, (ROWS, COLUMNS), runs=runs)
    velocity = chain(depth, data)
    assert derive(velocity, state, 1e-2) is not None
    assert_close(descend(velocity, state, 1e-2, 1000), loop(velocity, state, 1e-2, 1000))


def asymmetric(data):
    def velocity(factors):
        left, right = factors
        force = data - left @ right.mT
        return [force @ right, force.mT @ left]

    return velocity


def test_steps_are_those_that_were_written_by_hand():
    """Bit for bit, and with no more operations."""
    left, right, data, target = draw(3, (5, 15), (10, 15), (5, 10), (15, 15))
    weight, scale = np.abs(draw(4, (1, 1))[0]), np.full((RUNS, 1, 1), 1e-2)
    by_hand = Step(
        {"U": left, "V": right},
        {"Y": scale * data, "-eta": -scale},
        (Product("E", "Y", "U", "V'", "-eta"), Product("U+", "U", "E", "V"), Product("V", "V", "E'", "U")),
    )
    step = derive(asymmetric(data), [left, right], 1e-2)
    assert len(step.operations) == len(by_hand.operations)
    assert all(np.array_equal(*pair) for pair in zip(step.repeat(300), by_hand.repeat(300), strict=True))

    def regularized(factors):
        left, right = factors
        pull = 4.0 * weight * (left.mT @ left - right.mT @ right - target)
        first, second = asymmetric(data)(factors)
        return [first - left @ pull, second + right @ pull]

    of_penalty = 4.0 * weight * scale
    by_hand = Step(
        {"U": left, "V": right},
        {"Y": scale * data, "-eta": -scale, "L": -of_penalty * target, "+weight": of_penalty, "-weight": -of_penalty},
        (
            Product("E", "Y", "U", "V'", "-eta"),
            Product("half", "L", "U'", "U", "+weight"),
            Product("pull", "half", "V'", "V", "-weight"),
            Product("U+", "U", "E", "V"),
            Product("U+", "U+", "U", "pull", -1),
            Product("V+", "V", "E'", "U"),
            Product("V+", "V+", "V", "pull"),
        ),
    )
    step = derive(regularized, [left, right], 1e-2)
    assert len(step.operations) == len(by_hand.operations)
    assert all(np.array_equal(*pair) for pair in zip(step.repeat(300), by_hand.repeat(300), strict=True))

    symmetric = Step(
        {"U": left},
        {"Y": 2.0 * scale * (data @ data.mT), "-eta": -2.0 * scale},
        (Product("E", "Y", "U", "U'", "-eta"), Product("U+", "U", "E", "U")),
    )
    step = derive(lambda factors: [2.0 * (data @ data.mT - factors[0] @ factors[0].mT) @ factors[0]], [left], 1e-2)
    assert len(step.operations) == len(symmetric.operations)
    assert np.array_equal(step.repeat(300)[0], symmetric.repeat(300)[0])


def test_the_direct_model_rounds_as_a_plain_step_does():
    data, start = draw(5, (5, 10), (5, 10))

    def velocity(state):
        return [data - state[0]]

    assert derive(velocity, [start], 1e-3) is not None
    assert np.array_equal(descend(velocity, [start], 1e-3, 1000)[0], loop(velocity, [start], 1e-3, 1000)[0])


def test_a_matrix_times_itself_is_scaled_once():
    (start,) = draw(20, (ROWS, ROWS))

    def velocity(state):
        gram = state[0] @ state[0].mT
        return [-0.3 * gram @ gram]

    assert derive(velocity, [start], 0.1) is not None
    assert_close(descend(velocity, [start], 0.1, 5), loop(velocity, [start], 0.1, 5))


def test_a_product_that_is_used_twice_is_computed_once():
    left, right, data = draw(6, (ROWS, WIDTH), (COLUMNS, WIDTH), (ROWS, COLUMNS))

    def velocity(factors):
        left, right = factors
        return [(data - left @ right.mT) @ right, (data - left @ right.mT).mT @ left]

    assert len(derive(velocity, [left, right], 0.1).operations) == 3


@pytest.mark.parametrize("kind", [Counted, CountedApart, Numbered, Noisy, Momentum, Typed])
def test_what_is_not_compiled_is_called_once_a_step(kind):
    """And a velocity that only computes may be called more often."""
    state = draw(7, (ROWS, WIDTH), (COLUMNS, WIDTH))
    problem = kind()
    calls = []
    first = problem.velocity

    def velocity(factors):
        calls.append(factors)
        return first(factors)

    assert_close(descend(velocity, state, 0.1, 7), loop(kind().velocity, state, 0.1, 7))
    assert len(calls) == 7


STATE = {"calls": 0}
CALLS = 0


def of_global(factors):
    global CALLS
    CALLS += 1
    return factors


def of_mapping(factors):
    STATE["calls"] += 1
    return factors


def of_list(factors, seen=[]):  # noqa: B006
    seen.append(1)
    return [len(seen) * factor for factor in factors]


def of_time(factors):
    return [time.perf_counter() * factor for factor in factors]


def of_closure():
    calls = 0

    def velocity(factors):
        nonlocal calls
        calls += 1
        return [(calls > 100) * 1.0 * factor for factor in factors]

    return velocity


def of_caught(factors):
    try:
        STATE["calls"] += 1
        of_mapping(factors)
    except BaseException:
        pass
    return factors


def of_alias(factors, own=np.ones((1, 1, 1))):  # noqa: B008
    own += 1.0
    return [own * factor for factor in factors]


@pytest.mark.parametrize("velocity", [of_global, of_mapping, of_list, of_time, of_closure(), of_caught, of_alias])
def test_code_that_might_do_more_than_compute_is_stopped_before_it_does(velocity):
    before = CALLS, dict(STATE), repr(of_list.__defaults__), repr(of_alias.__defaults__)
    assert derive(velocity, draw(8, (2, 3)), 0.1) is None
    assert (CALLS, STATE, repr(of_list.__defaults__), repr(of_alias.__defaults__)) == before


def of_out(factors, steps=np.zeros(1)):  # noqa: B008
    np.add(steps, 1.0, out=steps)
    return [(1.0 if steps[0] < 10.0 else 0.1) * factor for factor in factors]


def of_copy(factors, steps=np.zeros(1)):  # noqa: B008
    np.copyto(steps, steps + 1.0)
    return [(1.0 if steps[0] < 10.0 else 0.1) * factor for factor in factors]


@pytest.mark.parametrize("velocity", [of_out, of_copy])
def test_code_that_writes_by_a_function_of_numpy_is_not_compiled(velocity):
    assert derive(velocity, draw(8, (2, 3)), 0.1) is None


def test_nothing_is_remembered_of_a_velocity_that_changes_between_calls():
    class Changing(Factored):
        pass

    state = draw(9, (ROWS, WIDTH), (COLUMNS, WIDTH))
    problem = Changing()

    def check():
        assert_close(descend(problem.velocity, state, 0.05, 10), loop(problem.velocity, state, 0.05, 10))

    check()
    problem.data = 2.0 * problem.data
    check()
    Changing.force = Weighted.force.__get__ and (lambda self, product: 0.5 * (self.data - product) @ np.eye(COLUMNS))
    check()
    Changing.force = lambda self, product: np.sin(self.data - product)
    check()
    problem.force = lambda product: problem.data + product
    check()
    Changing.velocity = lambda self, factors: [self.rate * factor for factor in factors]
    for rate in (0.1, -0.2, 0.3):
        Changing.rate = problem.rate = rate
        check()


def test_code_that_lets_symbols_pass_once_is_not_compiled_later():
    state = draw(10, (ROWS, WIDTH))
    for factor in (1.0, 0.5, 1.0):

        def velocity(state, factor=factor):
            return [state[0] * (factor if type(state[0]) is np.ndarray else 1.0)]

        assert_close(descend(velocity, state, 0.05, 10), loop(velocity, state, 0.05, 10))


def test_a_descent_follows_batches_that_shrink():
    data, left, right = draw(11, (ROWS, COLUMNS), (ROWS, WIDTH), (COLUMNS, WIDTH), runs=9)
    descent = Descent(asymmetric(data[:1]), 0.1)
    for runs in (9, 3, 9, 1):
        state = [left[:runs], right[:runs]]
        assert_close(descent.descend(state, 20), loop(asymmetric(data[:1]), state, 0.1, 20))
        assert_close(descent.descend(descent.descend(state, 7), 13), descent.descend(state, 20), 0.0)


def test_constants_of_any_number_of_axes_are_spread_as_numpy_does():
    state = draw(12, (ROWS, ROWS))
    whole, row, plain = draw(13, (ROWS, ROWS), (1, ROWS))[0], draw(14, (1, ROWS))[0], np.arange(float(ROWS))

    def velocity(state):
        (x,) = state
        return [whole[0] - x @ whole[0] + row + plain - (1 + x) / 2 + np.float32(0.5) * x + np.int64(2) * x.mT]

    assert derive(velocity, state, 0.1) is not None
    assert_close(descend(velocity, state, 0.1, 10), loop(velocity, state, 0.1, 10))


@pytest.mark.parametrize(
    "velocity",
    [
        lambda state: [state[0] * 1j],
        lambda state: [state[0] + np.ones((2, 2, ROWS, ROWS))],
        lambda state: [state[0] @ np.ones(ROWS)],
        lambda state: [state[0], state[0]],
        lambda state: state[0],
        lambda state: [state[0][0]],
        lambda state: 1 / 0,
    ],
)
def test_what_a_plain_step_refuses_is_not_compiled(velocity):
    assert derive(velocity, draw(15, (ROWS, ROWS)), 0.1) is None


def test_a_symbol_is_an_array_to_no_one():
    def velocity(state):
        (x,) = state
        assert x.shape == (RUNS, ROWS, ROWS)
        assert (len(x), x.ndim) == (RUNS, 3)
        for ask in (bool, float, list, hash, abs, np.asarray, np.sum, np.exp, iter, lambda x: x == x, lambda x: x.T):
            with pytest.raises(Untraceable):
                ask(x)
        for kind in (np.ndarray, list, object):
            asked.append(kind)
        return [x]

    asked = []
    assert derive(velocity, draw(16, (ROWS, ROWS)), 0.1) is None


def cut(state):
    return [state[:, : ROWS * WIDTH].reshape(-1, ROWS, WIDTH), state[:, ROWS * WIDTH :].reshape(-1, COLUMNS, WIDTH)]


def join(matrices):
    return np.concatenate([matrix.reshape(len(matrix), -1) for matrix in matrices], axis=1)


def test_states_of_entries_descend_as_those_of_matrices():
    data, left, right = draw(21, (ROWS, COLUMNS), (ROWS, WIDTH), (COLUMNS, WIDTH))

    def velocity(state):
        return join(asymmetric(data)(cut(state)))

    flat = FlatDescent(velocity, cut, 0.1)
    assert flat.is_compiled(join([left, right]))
    expected = join(descend(asymmetric(data), [left, right], 0.1, 10))
    assert np.array_equal(flat.descend(join([left, right]), 10), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: np.concatenate([state[:, 1:], state[:, :1]], axis=1),
        lambda state: np.concatenate(cut(state), axis=1).reshape(len(state), -1),
        lambda state: state.reshape(-1, ROWS + COLUMNS, WIDTH).reshape(len(state), -1),
        lambda state: state * state,
        lambda state: state * np.ones((RUNS, 1)),
        lambda state: np.exp(-state),
        lambda state: state / (1.0 + abs(state)),
        lambda state: join(cut(state)) @ np.eye(state.shape[1]),
        lambda state: np.vstack([state[:1], state[1:]]),
        lambda state: state[::-1],
    ],
)
def test_states_of_entries_that_are_mixed_descend_by_plain_steps(change):
    state = join(draw(22, (ROWS, WIDTH), (COLUMNS, WIDTH)))
    descent = FlatDescent(lambda state: -change(state), cut, 0.1)
    try:
        expected = state
        for _ in range(5):
            expected = expected - 0.1 * change(expected)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            descent.descend(state, 5)
        return
    assert not descent.is_compiled(state)
    assert np.array_equal(descent.descend(state, 5), expected)


def test_a_run_with_entries_that_are_not_finite_leaves_its_neighbours_alone():
    data, left, right = draw(17, (ROWS, COLUMNS), (ROWS, WIDTH), (COLUMNS, WIDTH), runs=5)
    data[2] = np.nan
    expected = descend(asymmetric(np.delete(data, 2, 0)), [np.delete(one, 2, 0) for one in (left, right)], 0.1, 9)
    found = descend(asymmetric(data), [left, right], 0.1, 9)
    assert all(np.array_equal(np.delete(one, 2, 0), other) for one, other in zip(found, expected, strict=True))


def test_large_matrices_are_left_to_blas():
    data, left, right = draw(18, (80, 90), (80, 100), (90, 100), runs=1, scale=0.01)
    assert derive(asymmetric(data), [left, right], 0.1) is None
    assert_close(descend(asymmetric(data), [left, right], 0.1, 3), loop(asymmetric(data), [left, right], 0.1, 3))


def test_a_profiler_that_watches_is_left_alone():
    import sys

    seen = []
    sys.setprofile(lambda *event: seen.append(event))
    try:
        watching = sys.getprofile()
        state = draw(19, (ROWS, COLUMNS))
        found = descend(lambda state: [-state[0]], state, 0.1, 5)
        assert sys.getprofile() is watching
    finally:
        sys.setprofile(None)
    assert_close(found, [0.9**5 * state[0]])
