"""Chunks of runs of every dynamics, start and solver, without snakemake."""

import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, small_config

from linear_networks.measure import observables
from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.experiment import run
from linear_networks_workflow.stages import simulation
from linear_networks_workflow.stages.matrices import generate

SOLVERS = [{"method": "descent", "step_size": [0.002, 0.001]}, {"method": "flow"}, {"method": "exact"}]
SQUARE = {"source": "gaussian", "rows": 3, "columns": 3, "symmetric": True}
STARTS = [
    {"kind": "gaussian", "scale": 0.5},
    {"kind": "balanced", "scale": 0.5},
    {"kind": "rescaled", "scale": 0.5, "imbalance": [0.0, 2.0]},
    {"kind": "identity", "scale": 0.5, "imbalance": [1.5, -1.5]},
    {"kind": "spectral", "scale": 0.1, "imbalance": [0.0, 1.0, [0.0, 1.0, 2.0]]},
]
EXPERIMENTS = {
    "symmetric": {
        "matrix": SQUARE,
        "initialization": {"kind": "gaussian", "scale": [0.1, 1.0], "tied": True},
        "dynamics": ["linear", "symmetric", "riccati", "asymmetric"],
        "width": [2, 8],
        "solver": SOLVERS,
    },
    "starts": {"initialization": STARTS, "width": 3, "solver": {"method": "flow"}},
    "penalties": {
        "dynamics": [{"name": "regularized", "lambda0": [1.0, [1.0, 2.0]], "weight": [0.125, 0.25]}],
        "width": 2,
        "solver": SOLVERS[:2],
    },
    "samples": {
        "matrix": {"source": "teacher", "samples": 20, "features": 3, "noise": 0.01},
        "loss": {"kind": "regression", "link": ["sigmoid", "identity"]},
        "dynamics": ["linear", "asymmetric"],
        "solver": SOLVERS[:2],
    },
}


def computed(name, size):
    """Runs and trajectories of an experiment in chunks of a size, without the times that they took."""
    config = {"experiments": small_config(**EXPERIMENTS[name])["experiments"], "runs_per_job": size}
    configuration.prepare(config, PROJECT / "my.yaml")
    settings, seed = config["experiments"]["small"], config["seed"]
    table = generate("small", seed, settings["replicates"], grid.matrix_points(config, "small"), ".")
    matrices = parquet.matrices(parquet.table(table, parquet.MATRICES))
    parts = [
        simulation.simulate(list(grid.runs("small", dynamics, seed, points)), matrices, ["product", "factors"])
        for dynamics in grid.blocks(settings)
        for points in (
            grid.chunk_points(config, "small", dynamics, chunk) for chunk in grid.chunks(config, "small", dynamics)
        )
    ]
    runs, trajectories = (pd.concat([part.to_pandas() for part in tables]) for tables in zip(*parts, strict=True))
    return runs.drop(columns="seconds"), trajectories


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_numbers_do_not_depend_on_the_size_of_chunks_bit_for_bit(name):
    whole = computed(name, 256)
    for size in (1, 7):
        for expected, found in zip(whole, computed(name, size), strict=True):
            for column in expected:
                assert str(found[column].tolist()) == str(expected[column].tolist()), column


def test_every_dynamics_of_a_symmetric_experiment_starts_from_one_product():
    _, trajectories = computed("symmetric", 256)
    start = trajectories[(trajectories["t"] == 0) & (trajectories["solver"] == "flow")]
    for _, same in start.groupby(["replicate", "width", "scale"]):
        products = np.stack(same["product"])
        assert len(products) == 4
        np.testing.assert_allclose(products, np.broadcast_to(products[0], products.shape), atol=1e-14)


def test_what_a_start_fixes_is_stored_with_its_run():
    runs, _ = computed("starts", 256)
    two = runs[runs["dynamics"] == "asymmetric"].set_index("initialization")
    assert np.allclose(two.loc["balanced", "imbalance_norm"], 0, atol=1e-14)
    identity = two.loc["identity"]
    expected = identity["imbalance"].to_numpy()[:, None] * np.ones(3)
    np.testing.assert_allclose(np.stack(identity["imbalance_eigenvalues"]), expected, rtol=1e-12)
    rescaled = two.loc["rescaled"]
    norms = np.maximum(rescaled["imbalance_max"], -rescaled["imbalance_min"])
    np.testing.assert_allclose(norms, rescaled["imbalance"], atol=1e-12)
    vectors = two.loc["spectral"].dropna(subset="imbalance_vector")
    np.testing.assert_allclose(np.stack(vectors["mode_imbalances"]), np.stack(vectors["imbalance_vector"]))
    assert vectors["imbalance"].isna().all()


def test_what_a_run_ends_with_is_stored_too():
    runs, _ = computed("starts", 256)
    two = runs[runs["dynamics"] == "asymmetric"]
    np.testing.assert_allclose(two["imbalance_end"], two["imbalance_norm"], rtol=1e-4, atol=1e-6)
    spectral = two.dropna(subset="mode_imbalances")
    ends = np.stack(spectral["mode_imbalances_end"])
    np.testing.assert_allclose(ends, np.stack(spectral["mode_imbalances"]), rtol=1e-4, atol=1e-6)
    known = two.set_index("initialization")["start_lambda0"]
    assert (known["balanced"] == 0.0).all()
    np.testing.assert_array_equal(known["identity"], two.set_index("initialization")["imbalance"]["identity"])
    assert known["gaussian"].isna().all()
    assert runs[runs["dynamics"] == "linear"]["rate_end"].isna().all()


SLOW = {"time": {"horizon": 20.0, "samples": 200}, "solver": SOLVERS}


def test_the_one_layer_loss_is_ten_times_smaller_every_half_logarithm_of_ten():
    runs = run(small_config(dynamics=["linear"], **SLOW), "small")["runs"]
    for digits in parquet.DIGITS:
        found = runs[f"time_to_{digits}_digits"]
        # The loss is that of its start times exp(-2 t), and under descent times (1 - step)^(2 t / step).
        step = runs["step_size"]
        expected = np.log(10.0) * digits / 2.0 / (-np.log1p(-step) / step).fillna(1.0)
        np.testing.assert_allclose(found, expected, rtol=1e-8)
        steps = runs[f"steps_to_{digits}_digits"]
        np.testing.assert_array_equal(steps.dropna(), np.ceil((found / step).dropna()))
        assert set(runs["solver"][steps.notna()]) == {"descent"}


def test_steps_that_end_at_a_level_are_not_counted_twice():
    changes = {"matrix": {"source": "gaussian", "rows": 1, "columns": 1}, "initialization": gaussian(0.0)}
    # Every step divides the loss by 100.
    solver = {"method": "descent", "step_size": 0.9}
    time = {"horizon": 36.0, "samples": 41}
    runs = run(small_config(**changes, dynamics=["linear"], solver=solver, time=time, replicates=20), "small")["runs"]
    for digits in parquet.DIGITS:
        assert set(runs[f"steps_to_{digits}_digits"]) == {digits // 2}


@pytest.mark.parametrize("width", [1, 2])
def test_a_start_at_its_limit_has_nothing_to_lose(width):
    start = {"kind": "spectral", "products": [[1.0, 0.5]], "imbalance": [0.0, 1.0]}
    matrix = {"source": "spectrum", "rows": 2, "columns": 2, "values": [1.0, 0.5]}
    runs = run(small_config(matrix=matrix, initialization=start, width=width, solver=SOLVERS), "small")["runs"]
    if width == 1:
        runs = runs[runs["dynamics"] == "asymmetric"]
    assert len(runs)
    for digits in parquet.DIGITS:
        assert runs[f"time_to_{digits}_digits"].isna().all()


def test_a_run_says_how_far_it_has_come_at_its_horizon():
    found = run(small_config(initialization=gaussian(1.0, 20.0), **SLOW | {"solver": SOLVERS[0]}), "small")
    runs, last = found["runs"].set_index("run"), found["trajectories"].groupby("run").last()
    alive = runs["outcome"] != "diverged"
    assert 0 < alive.sum() < len(runs)
    for name in ("loss", "error"):
        np.testing.assert_array_equal(runs[f"{name}_end"][alive], last[name].reindex(runs.index)[alive])
        assert runs[f"{name}_end"][~alive].isna().all()


def gaussian(*scales):
    return {"kind": "gaussian", "scale": [*scales]}


def test_the_loss_of_a_narrow_network_falls_to_that_of_its_limit():
    # The part of Y that width 1 cannot learn is no part of what is left to learn.
    matrix = {"source": "spectrum", "rows": 3, "columns": 4, "values": [2.0, 1.0, 0.5]}
    found = run(small_config(matrix=matrix, width=1, dynamics=["asymmetric"], **SLOW | {"solver": SOLVERS[1]}), "small")
    runs, samples = found["runs"].set_index("run"), found["trajectories"]
    assert runs["loss_end"].to_numpy() == pytest.approx((1.0 + 0.25) / 2.0)
    for run_id, some in samples.groupby("run"):
        at = np.interp(runs.loc[run_id, "time_to_2_digits"], some["t"], np.log(np.maximum(some["loss"] - 0.625, 1e-9)))
        assert np.exp(at) == pytest.approx(0.01 * (some["loss"].iloc[0] - 0.625), rel=1e-6)


def test_of_an_unknown_limit_and_under_a_penalty_no_time_is_known():
    for name in ("samples", "penalties"):
        runs = run(small_config(**EXPERIMENTS[name]), "small")["runs"]
        assert runs["loss_end"].notna().all()
        for digits in parquet.DIGITS:
            assert runs[[f"time_to_{digits}_digits", f"steps_to_{digits}_digits"]].isna().all(axis=None)


@pytest.mark.parametrize("name", ["starts", "symmetric"])
def test_a_run_without_its_trajectory_has_the_same_row(name):
    both, alone = (run(small_config(trajectories=kept, **EXPERIMENTS[name]), "small") for kept in (True, False))
    assert set(alone) == {"matrices", "runs"}
    pd.testing.assert_frame_equal(*(found["runs"].drop(columns="seconds") for found in (both, alone)))


def test_an_observable_that_no_column_holds_is_an_error_that_names_it(monkeypatch):
    observer = observables.observer

    def more(*arguments, **options):
        observe = observer(*arguments, **options)
        return lambda *given: {**observe(*given), "novelty": np.zeros(len(given[1]))}

    monkeypatch.setattr(observables, "observer", more)
    with pytest.raises(KeyError, match="novelty"):
        computed("penalties", 256)


FITTED = ["asymmetric", {"name": "regularized", "lambda0": "fit"}]


def test_a_run_that_diverges_takes_only_the_fit_to_it_along():
    changes = {"width": 6, "dynamics": FITTED, "time": {"horizon": 5.0, "samples": 40}, "replicates": 1}
    both, good = (
        run(small_config(initialization={"kind": "gaussian", "scale": scale}, **changes), "small")
        for scale in ([1.0, 20.0], [1.0])
    )
    runs = both["runs"].set_index(["dynamics", "scale"])
    assert runs["outcome"].to_dict() == {
        ("asymmetric", 1.0): "completed",
        ("asymmetric", 20.0): "diverged",
        ("regularized", 1.0): "completed",
        ("regularized", 20.0): "diverged",
    }
    fits = both["lambda0"].set_index("scale")["lambda0"]
    assert fits.isna().to_dict() == {1.0: False, 20.0: True}
    assert runs["lambda0"].isna().to_dict()["regularized", 20.0]
    assert runs.loc[("regularized", 1.0), "lambda0"] == fits[1.0]
    alone = both["trajectories"].query("scale == 1.0").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, good["trajectories"])


@pytest.mark.parametrize("solver", [{"method": "descent", "step_size": 0.01}, {"method": "flow"}, {"method": "exact"}])
@pytest.mark.parametrize("kind", ["balanced", "spectral"])
def test_a_start_that_is_not_finite_diverges_at_once_beside_one_that_is(kind, solver):
    start = {"kind": kind, "scale": [0.1, 1e160]} | ({"imbalance": 0.0} if kind == "spectral" else {})
    found = run({**small_config(initialization=start, solver=solver), "figures": {}}, "small")
    runs, trajectories = found["runs"], found["trajectories"]
    assert set(runs["outcome"][runs["scale"] == 1e160]) == {"diverged"}
    assert "diverged" not in set(runs["outcome"][runs["scale"] == 0.1])
    assert set(trajectories["run"]) == set(runs["run"][runs["scale"] == 0.1])
    assert found["tables"]["scale"].unique().tolist() == [0.1]


def test_an_experiment_of_which_no_start_is_finite_has_no_samples():
    found = run(small_config(initialization={"kind": "gaussian", "scale": 1e160}), "small")
    assert set(found["runs"]["outcome"]) == {"diverged"}
    assert len(found["trajectories"]) == len(found["rates"]) == len(found["tables"]) == 0
