"""An experiment in this process, for notebooks and tests: what the workflow's jobs do, without files."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from linear_networks.matrices.source import Data
from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid
from linear_networks_workflow.dataset import joining, parquet
from linear_networks_workflow.stages import lambda0_fits, matrices, rate_fits, simulation, tables


def run(config: Mapping[str, Any], name: str, folder: str | Path = ".") -> dict[str, pd.DataFrame]:
    """Compute an experiment.

    Parameters
    ----------
    config : mapping
        As config.yaml has it; other experiments and figures of it are not looked at.
    name : str
        Of the experiment.
    folder : str or Path
        Where relative paths of the config start.

    Returns
    -------
    dict of DataFrame
        The rows that the workflow writes, by stage: `matrices`, `runs`, and, where there are any, `trajectories`,
        `lambda0`, `rates` and `tables`.

    Raises
    ------
    ConfigError
        If the config is wrong.
    """
    settings = {key: value for key, value in config.items() if key != "figures"}
    settings["experiments"] = {name: config["experiments"][name]}
    settings = copy.deepcopy(settings)
    configuration.prepare(settings, Path(folder) / "config.yaml")
    experiment = settings["experiments"][name]
    points = grid.matrix_points(settings, name)
    drawn = matrices.generate(name, settings["seed"], experiment["replicates"], points, folder)
    found = {"matrices": [parquet.table(drawn, parquet.MATRICES)]}
    data = parquet.matrices(found["matrices"][0])
    general = grid.generals(experiment)
    measured = grid.files(settings, "rates", name)
    fitted: dict[str, float | None] = {}
    for dynamics in sorted(grid.blocks(experiment), key=lambda listed: listed not in general):
        for chunk in grid.chunks(settings, name, dynamics):
            made = _chunk(settings, name, dynamics, chunk, data, fitted)
            if dynamics in general:
                made["lambda0"] = lambda0_fits.fit(made["runs"], made["trajectories"], data)
                fitted |= dict(zip(*made["lambda0"].select(["run", "lambda0"]).to_pydict().values(), strict=True))
            if measured:
                made["rates"] = rate_fits.fit(made["runs"], made["trajectories"], data)
            for stage, table in made.items():
                found.setdefault(stage, []).append(table)
    frames = {stage: pa.concat_tables(parts).to_pandas() for stage, parts in found.items()}
    if measured:
        rates = joining.joined(frames["rates"], frames["runs"])
        frames["tables"] = tables.tabulate([rates], grid.axes(experiment))
    return frames


def _chunk(
    config: dict[str, Any],
    name: str,
    dynamics: str,
    chunk: str,
    data: Mapping[str, Data],
    fitted: simulation.Fitted,
) -> dict[str, pa.Table]:
    """Runs and trajectories of a chunk."""
    runs = list(grid.runs(name, dynamics, config["seed"], grid.chunk_points(config, name, dynamics, chunk)))
    record = grid.record(config, name, dynamics)
    kept = grid.keeps_trajectories(config["experiments"][name])
    found, trajectories = simulation.simulate(runs, data, record, fitted, trajectories=kept)
    return {"runs": found} | ({"trajectories": trajectories} if kept else {})
