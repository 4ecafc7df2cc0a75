"""What experiments may ask for: runs that a job can hold and end, and jobs that Snakemake can plan."""

from collections.abc import Mapping
from typing import Any

from linear_networks_workflow import grid
from linear_networks_workflow.config.values import LARGEST
from linear_networks_workflow.costs import Costs
from linear_networks_workflow.errors import ConfigError

MOST_GIB = 512
MOST_DAYS = 1000
# Snakemake takes minutes to plan some ten thousand jobs, and hours for more than that.
MOST_JOBS = 100_000


def check(experiment: Mapping[str, Any], costs: Costs, path: str) -> None:
    """Refuse an experiment that no job can hold or end.

    Parameters
    ----------
    experiment : mapping
        With its `runs_per_job`.
    costs : Costs
        Of its largest run.
    path : str
        Of the experiment in the config.

    Raises
    ------
    ConfigError
    """
    side = costs.rows + costs.columns
    for key, rows, columns in (("matrix", costs.rows, costs.columns), ("width", side, costs.drawn)):
        if rows * columns > LARGEST:
            what = "matrix" if key == "matrix" else "start"
            message = f"a {what} of {rows} x {columns} numbers is too large; at most {LARGEST} are possible"
            raise ConfigError(f"{path}.{key}", message)
    gib = costs.memory() / 2**10
    if gib > MOST_GIB:
        size = f"{costs.rows} x {costs.columns}, width {costs.width} and {costs.samples} samples"
        raise ConfigError(path, f"a run of {size} takes {gib:.1g} GiB; at most {MOST_GIB} are possible")
    days = max(map(costs.simulation, costs.dynamics)) / 86400
    if days > MOST_DAYS:
        raise ConfigError(path, f"a run takes about {days:.1g} days; at most {MOST_DAYS} are possible: fewer steps")
    runs = {name: grid.count(grid.points(experiment, name)) * experiment["replicates"] for name in costs.dynamics}
    jobs = sum(-(-several // experiment["runs_per_job"]) for several in runs.values())
    if jobs > MOST_JOBS:
        message = f"{sum(runs.values()):.1g} runs make {jobs:.1g} jobs; Snakemake plans {MOST_JOBS} at most"
        raise ConfigError(path, f"{message}: fewer runs, or a larger runs_per_job")
