from copy import deepcopy

import numpy as np
import pytest
from conftest import PROJECT, small_config

from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid, memory
from linear_networks_workflow.costs import MOST_RUNS_PER_JOB, Costs
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.memory import PROCESS
from linear_networks_workflow.stages import simulation
from linear_networks_workflow.stages.matrices import generate


def prepared(runs_per_job=None, **changes):
    config = small_config(**changes)
    if runs_per_job:
        config["runs_per_job"] = runs_per_job
    configuration.prepare(config, PROJECT / "my.yaml")
    return config


def test_a_job_has_fewer_runs_the_longer_a_run_takes():
    sizes = [
        prepared(time={"horizon": horizon, "samples": 10})["experiments"]["small"]["runs_per_job"]
        for horizon in (1.0, 1e3, 1e6, 1e9, 1e12)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert 1 == sizes[-1] < sizes[0] <= MOST_RUNS_PER_JOB


def test_runs_per_job_is_the_experiments_own_or_that_of_the_config():
    assert prepared(runs_per_job=7)["experiments"]["small"]["runs_per_job"] == 7
    config = small_config()
    config["runs_per_job"] = 7
    config["experiments"]["other"] = {**deepcopy(config["experiments"]["small"]), "runs_per_job": 3}
    configuration.prepare(config, PROJECT / "my.yaml")
    assert [config["experiments"][name]["runs_per_job"] for name in ("small", "other")] == [7, 3]


def test_memory_asked_for_does_not_grow_with_the_number_of_runs():
    asked = {
        Costs.of(prepared(replicates=replicates)["experiments"]["small"], PROJECT).memory()
        for replicates in (10_000, 1_000_000)
    }
    assert len(asked) == 1


def test_a_start_that_is_drawn_by_its_gramian_asks_for_no_more_memory_the_wider_it_is():
    def asked(start, width):
        config = {**small_config(initialization=start, width=width), "figures": {}}
        configuration.prepare(config, PROJECT / "my.yaml")
        return Costs.of(config["experiments"]["small"], PROJECT).memory()

    narrow, wide = (asked({"kind": "wishart", "tau": 1.0}, width) for width in (100, 10**6))
    assert narrow == wide
    assert asked({"kind": "gaussian", "scale": 1.0}, 10**6) > wide + 100


def test_a_run_without_its_trajectory_costs_less_time_and_memory():
    config = small_config(time={"horizon": 2.0, "samples": 100}, replicates=1000)
    del config["figures"]
    configuration.prepare(config, PROJECT / "my.yaml")
    experiment = config["experiments"]["small"]
    both, alone = (Costs.of({**experiment, "trajectories": kept}, PROJECT) for kept in (True, False))
    assert alone.simulation("asymmetric") < both.simulation("asymmetric")
    assert alone.memory() < both.memory()


def test_recorded_kernels_take_memory_of_their_sides():
    samples, rows, columns = 10, 3, 40
    without, with_it = (memory.observed(rows, columns, samples, record, True) for record in ([], ["kernel"]))
    assert with_it - without >= samples * (rows**2 + columns**2)


def test_costs_of_a_matrix_file_are_those_of_its_shape(tmp_path):
    np.save(tmp_path / "mine.npy", np.ones((30, 40)))
    config = small_config(matrix={"source": "file", "path": "mine.npy"})
    configuration.validate(config, tmp_path)
    costs = Costs.of(config["experiments"]["small"], tmp_path)
    assert (costs.rows, costs.columns) == (30, 40)


@pytest.mark.parametrize("granted", [0, PROCESS + 1, 10_000])
def test_blocks_of_any_memory_give_the_same_numbers(tmp_path, granted):
    config = prepared(replicates=5)
    settings, seed = config["experiments"]["small"], config["seed"]
    rows = list(generate("small", seed, 5, grid.matrix_points(config, "small"), "."))
    table = parquet.table(rows, parquet.MATRICES)
    path = str(tmp_path / "matrices.parquet")
    parquet.write(table, path, {})
    runs = list(grid.runs("small", "asymmetric", seed, grid.chunk_points(config, "small", "asymmetric", "00000")))
    assert len(runs) == 10
    expected = simulation.simulate(runs, parquet.matrices(table))[1].to_pandas()
    blocks = list(simulation.simulate_blocks(runs, path, settings["record"], {}, granted, lambda fraction: None))
    assert len(blocks) == (10 if granted < PROCESS else 1)
    found = parquet.pa.concat_tables([trajectories for _, trajectories in blocks]).to_pandas()
    assert str(found.to_dict("list")) == str(expected.to_dict("list"))
