"""What of a config a result is made from: its digest is another wherever the rows are of other runs or matrices."""

import json
from collections.abc import Mapping
from typing import Any

from linear_networks_workflow import grid


def metadata(config: Mapping[str, Any], file: str) -> dict[str, str]:
    """Where one of the Parquet files of a config comes from, for its metadata.

    `config` is the seed and the experiment, as JSON, and `made_from` the digest of what of them is in this file.
    """
    experiment = grid.parts(file)[1]
    settings = {key: value for key, value in config["experiments"][experiment].items() if key != "runs_per_job"}
    made_by = {"seed": config["seed"], "experiments": {experiment: settings}}
    return {"config": json.dumps(made_by), "made_from": made_from(config, file)}


def made_from(config: Mapping[str, Any], file: str) -> str:
    """Digest of the part of a config that one of its Parquet files is made from; `file` may be below another folder."""
    stage, experiment, *chunk = grid.parts(file)
    settings = config["experiments"][experiment]
    if stage == "matrices":
        return grid.digest(config["seed"], settings["replicates"], grid.matrix_points(config, experiment))
    if stage == "tables":
        return of_experiment(config, experiment)
    dynamics, number = chunk if len(chunk) == 2 else (*grid.generals(settings), *chunk)
    chosen = grid.chunk_points(config, experiment, dynamics, number)
    return grid.digest(config["seed"], grid.record(config, experiment, dynamics), chosen)


def of_experiment(config: Mapping[str, Any], experiment: str) -> str:
    """Digest of all that the runs of an experiment are computed from."""
    settings = config["experiments"][experiment]
    grids = {name: grid.points(settings, name) for name in grid.blocks(settings)}
    return grid.digest(config["seed"], settings["replicates"], sorted(settings["record"]), grids)
