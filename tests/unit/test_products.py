"""The compiled steps of descent against the plain ones."""

import numpy as np
import pytest
from conftest import examples
from hypothesis import given
from hypothesis import strategies as st
from problems import held, squared

from linear_networks.dynamics import Asymmetric, Linear, Regularized, Symmetric
from linear_networks.kernels import lanes, products
from linear_networks.kernels.lanes import LANES
from linear_networks.kernels.products import Product, Step

SIZES = st.integers(1, 9)


def loop(problem, state, step_size, count):
    for _ in range(count):
        state = state + step_size * problem.velocity(state)
    return state


def drawn(kind, rng, runs, rows, columns, width):
    """A batch of problems and of states, of norm about 1 whatever the shape."""
    if kind is Symmetric:
        columns = rows
    data = rng.standard_normal((runs, rows, columns)) / np.sqrt(rows * columns)
    factors = rng.standard_normal((runs, rows + columns, width)) / np.sqrt((rows + columns) * width)
    if kind is Symmetric:
        data = data + data.mT
    if kind is Regularized:
        weight = rng.uniform(0.05, 0.3, runs)
        problem = held(data, rng.standard_normal((runs, width)), weight)
    else:
        problem = squared(kind, data)
    return problem, problem.start(factors)


@pytest.fixture
def compiled(monkeypatch):
    """Compiled steps that were taken so far."""
    found, repeat = [], Step.repeat
    monkeypatch.setattr(Step, "repeat", lambda step, count: found.append(step) or repeat(step, count))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Linear, Symmetric, Asymmetric, Regularized])
@examples(20)
@given(SIZES, SIZES, st.integers(1, 20), st.integers(1, 2 * LANES + 1), st.integers(0, 60), st.integers(0, 2**32))
def test_compiled_descent_equals_a_plain_loop(kind, rows, columns, width, runs, count, seed):
    problem, start = drawn(kind, np.random.default_rng(seed), runs, rows, columns, width)
    expected = loop(problem, start, 0.05, count)
    found = problem.descend(start, 0.05, count)
    assert (np.linalg.norm(found - expected, axis=1) <= 1e-12 * np.linalg.norm(expected, axis=1)).all()


@pytest.mark.parametrize("kind", [Symmetric, Asymmetric, Regularized])
def test_a_run_has_the_same_bits_alone_and_among_others(kind):
    problem, start = drawn(kind, np.random.default_rng(0), 3 * LANES - 1, 4, 7, 6)
    together = problem.descend(start, 0.05, 100)
    for run in range(len(start)):
        alone = problem.select(np.array([run])).descend(start[run : run + 1], 0.05, 100)
        assert np.array_equal(alone[0], together[run])


def test_a_run_that_overflows_leaves_its_neighbours_alone():
    problem, start = drawn(Asymmetric, np.random.default_rng(1), LANES, 3, 4, 5)
    expected = problem.descend(start, 0.05, 100)
    start[2] = np.nan
    others = np.arange(LANES) != 2
    assert np.array_equal(problem.descend(start, 0.05, 100)[others], expected[others])


def test_large_matrices_go_through_blas_and_agree(monkeypatch, compiled):
    problem, start = drawn(Asymmetric, np.random.default_rng(2), 2, 80, 90, 100)
    through_blas = problem.descend(start, 0.05, 20)
    assert not compiled
    monkeypatch.setattr(products, "MOST_ENTRIES", 100_000)
    np.testing.assert_allclose(problem.descend(start, 0.05, 20), through_blas, atol=1e-13)
    assert compiled


@pytest.fixture
def compiled_anew(monkeypatch, tmp_path):
    """Descent as another process has it, which keeps its kernels in the test's folder."""
    monkeypatch.setattr(lanes, "CACHE", tmp_path)
    problem, start = drawn(Asymmetric, np.random.default_rng(4), 3, 2, 3, 4)

    def descend():
        products.compiled.cache_clear()
        return problem.descend(start, 0.05, 10)

    return descend


def test_a_kernel_is_compiled_once_for_all_processes(compiled_anew, tmp_path):
    first = compiled_anew()
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    assert np.array_equal(compiled_anew(), first)
    assert [kept.stat().st_mtime_ns for kept in tmp_path.iterdir()] == [written]


def test_a_kept_kernel_that_is_damaged_foreign_or_no_file_is_compiled_again(compiled_anew, tmp_path):
    expected = compiled_anew()
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(8 * len(content), size=20):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        file.write_bytes(damaged)
        assert np.array_equal(compiled_anew(), expected)
        assert file.read_bytes() == content
    other, start_of_other = drawn(Asymmetric, np.random.default_rng(5), 3, 4, 3, 4)
    products.compiled.cache_clear()
    other.descend(start_of_other, 0.05, 10)
    (misplaced,) = set(tmp_path.iterdir()) - {file}
    for foreign in (misplaced.read_bytes(), b"", content[:40], content[32:]):
        file.write_bytes(foreign)
        assert np.array_equal(compiled_anew(), expected)
        assert file.read_bytes() == content
    file.unlink()
    file.mkdir()
    assert np.array_equal(compiled_anew(), expected)


def test_a_kernel_that_cannot_be_kept_is_computed_with_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(lanes, "CACHE", tmp_path / "file" / "folder")
    products.compiled.cache_clear()
    problem, start = drawn(Asymmetric, np.random.default_rng(5), 3, 2, 3, 4)
    assert np.allclose(problem.descend(start, 0.05, 10), loop(problem, start, 0.05, 10))


def test_a_product_is_that_of_its_matrices():
    rng = np.random.default_rng(3)
    state, left, right, factor = (rng.standard_normal((5, *shape)) for shape in ((3, 4), (6, 3), (6, 4), (1, 1)))
    step = Step({"X": state}, {"A": left, "B": right, "c": factor}, (Product("X", "X", "A'", "B", "c"),))
    expected = state + 2 * factor * left.mT @ right
    np.testing.assert_allclose(step.repeat(2)[0], expected, rtol=1e-14, atol=1e-14)
