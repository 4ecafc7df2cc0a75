import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linear_networks_workflow import grid

EXPERIMENT = {
    "matrix": {"source": "gaussian", "rows": [3, 4], "columns": 5, "symmetric": False},
    "initialization": {"kind": "gaussian", "scale": [0.1, 1.0, 10.0]},
    "width": [2, 6],
    "dynamics": [{"name": "linear"}, {"name": "asymmetric"}],
    "solver": {"method": "descent", "step_size": 0.01},
    "time": {"horizon": 1.0, "samples": 5, "spacing": "linear"},
    "replicates": 4,
    "record": [],
}


def config(runs_per_job=7, **changes):
    return {"seed": 1, "experiments": {"e": {**EXPERIMENT, "runs_per_job": runs_per_job, **changes}}}


def all_runs(config):
    return [
        run
        for chunk in grid.chunks(config, "e", "linear")
        for run in grid.runs("e", "linear", 1, grid.chunk_points(config, "e", "linear", chunk))
    ]


def test_grid_is_the_product_of_its_axes_in_the_order_written_with_replicates_fastest():
    expected = list(itertools.product([3, 4], [0.1, 1.0, 10.0], [2, 6], range(4)))
    found = [
        (run.point["matrix"]["rows"], run.point["initialization"]["scale"], run.point["width"], run.replicate)
        for run in all_runs(config())
    ]
    assert found == expected


@pytest.mark.parametrize("size", [1, 5, 7, 48, 256])
def test_runs_do_not_depend_on_the_size_of_chunks(size):
    assert [run.id for run in all_runs(config(size))] == [run.id for run in all_runs(config(7))]
    assert len(grid.chunks(config(size), "e", "linear")) == -(-48 // size)


def test_a_value_appended_to_the_first_axis_leaves_the_existing_chunks():
    # 24 runs a value of the first axis: chunks of 12 stay whole.
    before, after = config(12), config(12, matrix={**EXPERIMENT["matrix"], "rows": [3, 4, 5]})
    for chunk in grid.chunks(before, "e", "linear"):
        arguments = ("e", "linear", chunk)
        assert grid.chunk_points(before, *arguments) == grid.chunk_points(after, *arguments)


def test_a_value_added_anywhere_leaves_the_other_runs_keys():
    before = {run.id for run in all_runs(config())}
    after = {run.id for run in all_runs(config(width=[1, 2, 6]))}
    assert before < after


def test_alternatives_with_keys_of_their_own_add_to_the_grid():
    solvers = [{"method": "descent", "step_size": [0.1, 0.2]}, {"method": "flow"}]
    points = [grid.point({"solver": solvers}, index)["solver"] for index in range(3)]
    assert grid.count({"solver": solvers}) == 3
    assert points == [
        {"method": "descent", "step_size": 0.1},
        {"method": "descent", "step_size": 0.2},
        {"method": "flow"},
    ]


def test_lists_in_the_block_of_a_dynamics_are_axes_of_that_dynamics_only():
    blocks = [{"name": "linear"}, {"name": "regularized", "lambda0": [1.0, 2.0, [3.0, 4.0]], "weight": 0.125}]
    experiment = {**EXPERIMENT, "dynamics": blocks}
    assert grid.count(grid.points(experiment, "linear")) == 12
    points = list(grid.expand(grid.points(experiment, "regularized")))
    assert len(points) == 36
    assert [point["dynamics"]["lambda0"] for point in points[:3]] == [1.0, 2.0, [3.0, 4.0]]
    assert points[0]["dynamics"] == {"name": "regularized", "lambda0": 1.0, "weight": 0.125}


def test_a_dynamics_added_to_the_list_leaves_the_starts_and_keys_of_the_others():
    more = [{"name": "symmetric"}, *EXPERIMENT["dynamics"]]
    assert [run.id for run in all_runs(config(dynamics=more))] == [run.id for run in all_runs(config())]


def test_a_run_and_the_one_that_its_parameter_is_fitted_to_differ_in_the_dynamics_only():
    blocks = [{"name": "asymmetric"}, {"name": "regularized", "lambda0": "fit", "weight": 0.125}]
    settings = config(dynamics=blocks)
    general, fitted = (
        list(grid.runs("e", name, 1, grid.chunk_points(settings, "e", name, "00001")))
        for name in ("asymmetric", "regularized")
    )
    assert [run.general for run in fitted] == [run.id for run in general]
    assert grid.fitted_files(settings, "e", "regularized", "00001") == ["results/lambda0/e/00001.parquet"]
    assert grid.fitted_files(settings, "e", "asymmetric", "00001") == []
    assert grid.record(settings, "e", "asymmetric") == ["factors", "product"]
    assert len(grid.files(settings, "lambda0")) == len(grid.chunks(settings, "e", "asymmetric"))


def test_a_flat_list_of_values_is_one_vector_and_a_list_of_lists_an_axis():
    assert grid.count({"values": [3.0, 2.0, 1.0]}) == 1
    assert grid.point({"values": [3.0, 2.0]}, 0) == {"values": [3.0, 2.0]}
    assert grid.count({"values": [[3.0], [2.0, 1.0]]}) == 2
    assert grid.point({"values": [[3.0], [2.0, 1.0]]}, 1) == {"values": [2.0, 1.0]}


def test_ten_million_runs_are_named_without_being_written_out():
    large = config(256, replicates=10**6)
    assert len(grid.chunks(large, "e", "linear")) == -(-12 * 10**6 // 256)
    (last,) = grid.chunk_points(large, "e", "linear", "46874")
    assert last["replicates"][1] == 10**6


def test_whole_and_decimal_numbers_are_one_value():
    keys = {grid.Run("e", "linear", 1, 0, {"width": width}).id for width in (1, 1.0)}
    assert len(keys) == 1


def test_streams_depend_on_seed_replicate_and_purpose_alone():
    draws = {
        (seed, replicate, purpose): grid.random_stream(seed, replicate, purpose).standard_normal()
        for seed in (0, 1)
        for replicate in (0, 1)
        for purpose in ("matrix", "factors")
    }
    assert len(set(draws.values())) == 8
    assert draws[1, 0, "matrix"] == grid.random_stream(1, 0, "matrix").standard_normal()


def test_matrices_of_several_sources_are_all_listed():
    sources = [EXPERIMENT["matrix"], {"source": "file", "path": ["a.csv", "b.csv"]}]
    found = grid.matrix_points(config(matrix=sources), "e")
    assert [(matrix["source"], matrix.get("rows"), matrix.get("path")) for matrix in found] == [
        ("gaussian", 3, None),
        ("gaussian", 4, None),
        ("file", None, "a.csv"),
        ("file", None, "b.csv"),
    ]


def test_a_matrix_that_is_read_is_one_for_all_replicates():
    read = {"source": "file", "path": "y.csv"}
    drawn = EXPERIMENT["matrix"]
    assert grid.matrix_id("e", 1, 0, read) == grid.matrix_id("e", 1, 5, read)
    assert grid.matrix_id("e", 1, 0, drawn) != grid.matrix_id("e", 1, 5, drawn)


def test_times_begin_at_zero_and_end_at_the_horizon():
    linear = grid.sample_times({"spacing": "linear", "horizon": 2.0, "samples": 5})
    log = grid.sample_times({"spacing": "log", "first": 0.01, "horizon": 1.0, "samples": 4})
    assert np.allclose(linear, [0, 0.5, 1, 1.5, 2])
    assert np.allclose(log, [0, 0.01, 0.1, 1])


def test_log_spaced_times_hit_the_decades():
    times = grid.sample_times({"spacing": "log", "first": 1e-3, "horizon": 10.0, "samples": 400})
    assert len(times) == 400
    assert {0.0, 1e-3, 1e-2, 1e-1, 1.0, 10.0} <= set(times.tolist())


@given(
    first=st.floats(1e-8, 1e3),
    decades=st.floats(0.01, 12.0),
    samples=st.integers(3, 300),
)
def test_log_spaced_times_are_as_many_as_asked_for_and_move_by_less_than_their_spacing(first, decades, samples):
    horizon = first * 10.0**decades
    times = grid.sample_times({"spacing": "log", "first": first, "horizon": horizon, "samples": samples})
    assert len(times) == samples
    assert np.all(np.diff(times) > 0)
    assert (times[0], times[1], times[-1]) == (0.0, first, horizon)
    even = np.geomspace(first, horizon, samples - 1)
    spacing = decades / (samples - 2)
    assert np.all(np.abs(np.log10(times[1:] / even)) < spacing + 1e-12)
    # Two samples a decade are enough for each power of ten to have one of its own.
    inner = [value for value in (float(f"1e{power}") for power in range(-9, 17)) if first < value < horizon]
    if spacing <= 0.5 and samples > 3:
        assert set(inner) <= set(times.tolist())
