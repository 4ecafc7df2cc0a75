"""Lazy and rich: the tangent kernel, how far it moves, and when it has its direction."""

import numpy as np
import pytest
from conftest import PROJECT, small_config
from problems import squared, taught
from scipy.integrate import solve_ivp

from linear_networks.dynamics import DYNAMICS, Asymmetric
from linear_networks.initializations import Start
from linear_networks.matrices.source import Data
from linear_networks.measure import observables, tangent_kernel
from linear_networks.models import gauge, tangent
from linear_networks.solvers.flow import Flow
from linear_networks.theory import laziness
from linear_networks.theory.limits import Limit
from linear_networks_workflow import config as configuration
from linear_networks_workflow.errors import ConfigError
from linear_networks_workflow.experiment import run


def matrix_of(problem, state, symmetric):
    """The kernel of a state as a matrix of side m n: by columns, how X moves under each force."""
    rows, columns = problem.data.shape[1:]
    forces, moved = np.eye(rows * columns).reshape(-1, rows, columns), []
    if symmetric:
        # Of these, the model sees the symmetric part alone.
        forces = (forces + forces.mT) / 2.0
    factors = problem.split(state)
    for force in forces:
        velocity = problem.model.pull(factors, force[None])
        # Products are quadratic in the factors at most, so that this difference is the derivative.
        ahead, behind = (
            problem.model.product([factor + half * speed for factor, speed in zip(factors, velocity, strict=True)])
            for half in (0.5, -0.5)
        )
        moved.append((ahead - behind).ravel())
    return np.transpose(moved)


def drawn(name):
    dynamics = DYNAMICS[name]
    return squared(dynamics, np.zeros((1, 3, 3 if dynamics.symmetric else 4)))


def random_state(problem, rng):
    return problem.start(rng.standard_normal((1, sum(problem.data.shape[1:]), 5)))


def kernel_of(name):
    """The kernel of a random state, None where it does not move."""
    problem = drawn(name)
    return problem.tangent_kernel(random_state(problem, np.random.default_rng(1)))


MOVING = [name for name in DYNAMICS if kernel_of(name) is not None]


@pytest.mark.parametrize("name", MOVING)
def test_coordinates_have_the_norms_and_angles_of_kernels_as_matrices(name):
    rng = np.random.default_rng(1)
    problem = drawn(name)
    states = [random_state(problem, rng) for _ in range(2)]
    first, last = map(problem.tangent_kernel, states)
    one, other = (matrix_of(problem, state, DYNAMICS[name].symmetric) for state in states)
    moved = np.linalg.norm(other - one) / np.linalg.norm(one)
    angle = np.vdot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
    np.testing.assert_allclose(np.linalg.norm(first), np.linalg.norm(one), rtol=1e-12)
    np.testing.assert_allclose(tangent_kernel.laziness(last, first), moved, rtol=1e-12)
    np.testing.assert_allclose(tangent_kernel.cosine(first, last), angle, rtol=1e-12)


def test_what_one_side_of_a_kernel_takes_from_the_other_does_not_move_it():
    rng = np.random.default_rng(2)
    left, right = rng.standard_normal((1, 3, 3)), rng.standard_normal((1, 4, 4))
    first = tangent.coordinates(left, right)
    same = tangent.coordinates(left + 7.0 * np.eye(3), right - 7.0 * np.eye(4))
    np.testing.assert_allclose(same, first, atol=1e-14)


@pytest.mark.parametrize("size", [1e-90, 1e90])
def test_kernels_whose_squares_are_no_numbers_are_compared(size):
    one, other = size * np.array([[1.0, 0.0]]), size * np.array([[1.0, 1.0]])
    np.testing.assert_allclose(tangent_kernel.laziness(other, one), 1.0)
    np.testing.assert_allclose(tangent_kernel.cosine(one, other), np.sqrt(0.5))


def test_a_model_of_one_layer_and_a_start_at_0_are_neither_lazy_nor_rich():
    assert kernel_of("linear") is None
    assert {"symmetric", "riccati", "asymmetric", "regularized"} <= set(MOVING)
    assert np.isnan(tangent_kernel.laziness(np.ones((2, 3)), np.array([[0.0], [1e-310]]) * np.ones(3))).all()


def from_zero(half, lambda0, rows, columns):
    """Factors of X(0) = 0 whose Q has the eigenvalues lambda0 / 2 + half, m times, and lambda0 / 2 - half, n times."""
    left, right = np.sqrt(half + lambda0 / 2.0) * np.eye(rows), np.sqrt(half - lambda0 / 2.0) * np.eye(columns)
    return np.block([[left, np.zeros((rows, columns))], [np.zeros((columns, rows)), right]])[None]


def observed(problem, factors, times, rtol=1e-12):
    start = Start(factors)
    widths = np.full(len(factors), factors.shape[-1])
    limit, state = Limit.of(problem, widths, start), problem.start(factors)
    observe = observables.observer(problem, state, widths, limit=limit, kernel=True)
    return Flow(rtol).solve(problem, start, np.asarray(times), observe, lambda fraction: None, limit).observed


@pytest.mark.parametrize("half", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize(("rows", "columns", "share"), [(3, 5, 0.0), (5, 3, 0.7), (3, 3, -0.9)])
def test_laziness_from_zero_is_that_of_the_closed_form_at_every_time(half, rows, columns, share):
    rng = np.random.default_rng(5)
    data = rng.standard_normal((1, rows, columns))
    found = observed(squared(Asymmetric, data), from_zero(half, 2 * half * share, rows, columns), [0.0, 0.1, 100.0])
    measured = tangent_kernel.laziness(found["kernel"], found["kernel"][:, :1])[0, 1:]
    expected = laziness.from_zero(found["singular_values"][0, 1:], np.full(2, half), rows, columns)
    np.testing.assert_allclose(measured, expected, rtol=1e-6)
    np.testing.assert_allclose(expected[1], laziness.from_zero(np.linalg.svdvals(data[0]), half, rows, columns), 1e-8)


def test_laziness_from_zero_falls_as_the_square_of_h_and_grows_as_its_inverse():
    values, half = np.array([3.0, 1.0, 0.0]), np.array([1e-6, 1e-5, 1e5, 1e6])
    found = laziness.from_zero(values, half, 3, 4)
    np.testing.assert_allclose(found[1] / found[0], 0.1, rtol=1e-4)
    np.testing.assert_allclose(found[2:], laziness.far(values, half[2:], 3, 4), rtol=1e-9)
    np.testing.assert_allclose(laziness.far(values, half[3], 3, 4), 0.01 * laziness.far(values, half[2], 3, 4))


RANK_ONE = 2.0 * np.outer([0.6, 0.8, 0.0], [0.0, 0.0, 1.0, 0.0])


def white(scale):
    """Loss and kernel over time of a Gaussian start that learns a matrix of rank one."""
    factors = scale * np.random.default_rng(6).standard_normal((1, 7, 12))
    times = np.linspace(0.0, 3.0 + 1.5 * np.log(1.0 / scale), 400)
    return factors, times, observed(squared(Asymmetric, RANK_ONE[None]), gauge.reduce(factors)[0], times)


@pytest.mark.parametrize("scale", [1e-1, 1e-2, 1e-4])
def test_silent_alignment_is_that_of_kernels_as_matrices_where_the_loss_has_fallen_by_a_twentieth(scale):
    factors, times, found = white(scale)

    def velocity(t, state):
        left, right = np.split(state.reshape(7, 12), [3])
        error = RANK_ONE - left @ right.T
        return np.concatenate([error @ right, error.T @ left]).ravel()

    def fallen(t, state):
        left, right = np.split(state.reshape(7, 12), [3])
        return np.linalg.norm(RANK_ONE - left @ right.T) ** 2 - 0.95 * np.linalg.norm(RANK_ONE - start) ** 2

    def kernel(state):
        left, right = np.split(state.reshape(7, 12), [3])
        return np.kron(left @ left.T, np.eye(4)) + np.kron(np.eye(3), right @ right.T)

    start = factors[0, :3] @ factors[0, 3:].T
    span = times[[0, -1]]
    exact = solve_ivp(velocity, span, factors.ravel(), "DOP853", events=fallen, rtol=1e-11, atol=1e-14 * scale)
    early, late = kernel(exact.y_events[0][0]), kernel(exact.y[:, -1])
    expected = np.vdot(early, late) / np.linalg.norm(early) / np.linalg.norm(late)
    cosines = tangent_kernel.cosine(found["kernel"], found["kernel"][:, -1:])
    aligned = tangent_kernel.alignment(times, found["loss"], cosines)
    np.testing.assert_allclose(aligned, expected, rtol=2e-3)


def test_kernels_of_small_starts_are_aligned_before_the_loss_falls_and_those_of_large_ones_are_not():
    found = {}
    for scale in (1.0, 1e-1, 1e-2, 1e-4):
        _, times, seen = white(scale)
        cosines = tangent_kernel.cosine(seen["kernel"], seen["kernel"][:, -1:])
        (found[scale],) = tangent_kernel.alignment(times, seen["loss"], cosines)
    assert found[1e-4] > 0.99999
    assert found[1e-2] > 0.995
    assert found[1e-1] < 0.95


def test_kernels_of_inputs_that_are_not_white_are_not_aligned_before_the_loss_falls():
    rng = np.random.default_rng(7)
    bases = [np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(2)]
    factors, times = 1e-4 * rng.standard_normal((1, 7, 12)), np.append(0.0, np.geomspace(0.1, 500.0, 800))
    found = {}
    for condition in (1.0, 10.0):
        inputs = (bases[0] * np.geomspace(1.0, condition**-0.5, 3)) @ bases[1]
        problem = taught(Asymmetric, [Data(RANK_ONE, inputs, inputs @ RANK_ONE)], "identity")
        seen = observed(problem, gauge.reduce(factors)[0], times, 1e-8)
        cosines = tangent_kernel.cosine(seen["kernel"], seen["kernel"][:, -1:])
        (found[condition],) = tangent_kernel.alignment(times, seen["loss"], cosines)
    assert found[1.0] > 0.99999
    assert found[10.0] < 0.95


def test_alignment_is_read_at_the_first_crossing_and_is_nothing_where_there_is_none():
    times, cosines = np.array([0.0, 1.0, 2.0, 3.0]), np.array([[0.0, 0.2, 0.6, 1.0]] * 3)
    loss = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.96, 0.951], [100.0, 95.0, 99.0, 1.0]])
    np.testing.assert_allclose(tangent_kernel.alignment(times, loss, cosines), [np.nan, np.nan, 0.2])


@pytest.mark.parametrize(
    ("dynamics", "start"),
    [
        ({"name": "regularized", "lambda0": 1.0}, {"kind": "gaussian", "scale": 0.5}),
        ("symmetric", {"kind": "gaussian", "scale": 0.5, "tied": True}),
        ("riccati", {"kind": "gaussian", "scale": 0.5, "tied": True}),
        ("asymmetric", {"kind": "balanced", "scale": 0.5}),
        ("asymmetric", {"kind": "hyperbolic", "scale": 0.5, "lambda0": -1.0, "tau": 0.7}),
        ("asymmetric", {"kind": "hyperbolic", "products": [0.3, 0.2, 0.1], "lambda0": 1.0, "tau": 0.0}),
        ({"name": "end-to-end", "lambda0": 1.0, "tau": 2.0}, {"kind": "gaussian", "scale": 0.5}),
    ],
)
def test_closed_forms_know_the_kernel_of_the_flow_where_they_know_enough(dynamics, start):
    config = small_config(
        matrix={"source": "gaussian", "rows": 3, "columns": 3, "symmetric": "tied" in start},
        initialization=start,
        dynamics=[dynamics],
        solver=[{"method": "flow", "rtol": 1e-10}, {"method": "exact"}],
        record=["kernel"],
    )
    runs = run({**config, "figures": {}}, "small")["runs"]
    for column in ("laziness", "silent_alignment"):
        found = runs.pivot(index="replicate", columns="solver", values=column)
        assert found.notna().any(axis=None)
        np.testing.assert_allclose(found["exact"], found["flow"], rtol=1e-6)


@pytest.mark.parametrize(
    ("start", "width", "known"),
    [
        # Q = λ₀I of 3 columns, X of 5 x 3: V V^T has its full rank, U U^T has not.
        ({"kind": "identity", "scale": 0.5, "imbalance": 1.0}, 3, False),
        ({"kind": "identity", "scale": 0.5, "imbalance": -1.0}, 3, True),
        ({"kind": "identity", "scale": 0.5, "imbalance": -1.0}, 2, False),
        ({"kind": "identity", "scale": 0.5, "imbalance": [0.0, -1.0]}, 3, True),
        ({"kind": "spectral", "scale": 0.5, "imbalance": [0.0, 0.5]}, 8, False),
        ({"kind": "spectral", "scale": 0.5, "imbalance": 0.0}, 8, True),
        ({"kind": "rescaled", "scale": 0.5, "imbalance": 0.0}, 8, True),
        ({"kind": "rescaled", "scale": 0.5, "imbalance": 0.5}, 1, False),
        ({"kind": "gaussian", "scale": 0.5}, 1, False),
    ],
)
def test_a_kernel_that_a_closed_form_does_not_know_is_refused(start, width, known):
    config = with_both_solvers({"source": "gaussian", "rows": 5, "columns": 3}, start, width)
    if known:
        check_that_the_closed_form_has_the_kernel_of_the_flow(config)
        return
    message = "experiments.small.record: kernel: asymmetric has no closed form of its kernel .*write solver: {method: f"
    with pytest.raises(ConfigError, match=message):
        configuration.validate(config, PROJECT)


def test_the_kernel_of_two_numbers_is_known_from_every_start():
    start = {"kind": "gaussian", "scale": 0.5}
    check_that_the_closed_form_has_the_kernel_of_the_flow(
        with_both_solvers({"source": "gaussian", "rows": 1, "columns": 1}, start, 1)
    )


def with_both_solvers(matrix, start, width):
    solver = [{"method": "flow", "rtol": 1e-10}, {"method": "exact"}]
    parts = {"matrix": matrix, "initialization": start, "width": width, "dynamics": ["asymmetric"], "solver": solver}
    return {**small_config(**parts, record=["kernel"]), "figures": {}}


def check_that_the_closed_form_has_the_kernel_of_the_flow(config):
    runs = run(config, "small")["runs"]
    found = runs.pivot(index=["replicate", "imbalance"], columns="solver", values="laziness")
    assert found.notna().all(axis=None)
    np.testing.assert_allclose(found["exact"], found["flow"], rtol=1e-6)


def test_end_to_end_and_factors_have_one_kernel():
    start = {"kind": "hyperbolic", "scale": 0.5, "lambda0": 1.0, "tau": 2.0}
    dynamics = ["asymmetric", {"name": "end-to-end", "lambda0": 1.0, "tau": 2.0}]
    solver = {"method": "flow", "rtol": 1e-10}
    config = small_config(initialization=start, dynamics=dynamics, solver=solver, record=["kernel"])
    samples = run({**config, "figures": {}}, "small")["trajectories"]
    for column in ("laziness", "kernel_cosine"):
        found = samples.pivot(index=["replicate", "t"], columns="dynamics", values=column)
        np.testing.assert_allclose(found["end-to-end"], found["asymmetric"], rtol=1e-6, atol=1e-9)


def test_runs_say_how_lazy_they_were_and_samples_do_where_that_is_recorded():
    solver = [{"method": "flow"}, {"method": "descent", "step_size": 0.01}]
    plain, recorded = (run(small_config(solver=solver, record=record), "small") for record in ([], ["kernel"]))
    samples, runs = recorded["trajectories"], recorded["runs"].set_index("run")
    last = samples.groupby("run").last()
    two = runs.index[runs["dynamics"] == "asymmetric"]
    assert runs.loc[two, "laziness"].between(0.0, np.inf, inclusive="neither").all()
    assert (runs.loc[two, "laziness"] == last.loc[two, "laziness"]).all()
    np.testing.assert_allclose(last.loc[two, "kernel_cosine"], 1.0, rtol=1e-12)
    one = runs[runs["dynamics"] == "linear"]
    assert one[["laziness", "silent_alignment"]].isna().all(axis=None)
    assert samples.loc[samples["dynamics"] == "linear", ["laziness", "kernel_cosine"]].isna().all(axis=None)
    assert runs.loc[two, "silent_alignment"].notna().any()
    unrecorded = plain["runs"].set_index("run")
    np.testing.assert_allclose(unrecorded["laziness"], runs["laziness"], rtol=1e-12)
    assert unrecorded["silent_alignment"].isna().all()
    assert plain["trajectories"][["laziness", "kernel_cosine"]].isna().all(axis=None)
    same = ["t", "loss", "error", "distance"]
    assert plain["trajectories"][same].equals(samples[same])
