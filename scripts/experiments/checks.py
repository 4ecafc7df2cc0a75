"""Checks of a config across its keys: combinations that cannot work, and those that may surprise."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments import grid
from experiments.datasets import PARAMETERS
from experiments.errors import ConfigError, unknown
from gradflow.dynamics import DYNAMICS
from gradflow.matrices import gaussian_norm

# Names of rules, which a figure cannot have: each figure is a target of its own name.
TARGETS = ("all", "matrices", "trajectories", "figures", "generate_matrices", "simulate", "draw_figure")

COLUMNS = {
    ("matrix", "rows"): "rows",
    ("matrix", "columns"): "columns",
    ("solver", "method"): "solver",
    **{path: name for name, (path, _) in PARAMETERS.items()},
}


def parameters(experiment: Mapping[str, Any]) -> dict[str, list]:
    """The values that each parameter of a run takes over the grid of an experiment, by column of the results."""
    found: dict[str, list] = {}

    def collect(node: Mapping, path: tuple[str, ...]) -> None:
        for key, values in node.items():
            for value in grid.axis(key, values):
                if isinstance(value, Mapping):
                    collect(value, (*path, key))
                elif (*path, key) in COLUMNS and value not in found.setdefault(COLUMNS[*path, key], []):
                    found[COLUMNS[*path, key]].append(value)

    collect(experiment, ())
    return found


def warnings(config: Mapping[str, Any]) -> Iterator[str]:
    """What is allowed but likely to surprise: step sizes past the stability limit that the drawn sizes let expect.

    Matrices from files are not read here; the log of a job that simulates them has the same warning.
    """
    for name, experiment in config["experiments"].items():
        values = parameters(experiment)
        step_size = max(values.get("step_size", [0.0]))
        for dynamics in experiment["dynamics"]:
            limit = 2.0 / DYNAMICS[dynamics].curvature(*_expected_norms(values))
            if step_size > limit:
                yield (
                    f"experiments.{name}.solver.step_size: {step_size:g} is past the stability limit of the dynamics "
                    f"{dynamics}, about {limit:.2g}; runs that diverge end with outcome 'diverged'"
                )


def _expected_norms(values: Mapping[str, list]) -> tuple[float, float, float]:
    """Largest spectral norms to expect of Y, U(0) and V(0) over a grid."""
    rows, columns, width, scale = (max(values.get(name, [0])) for name in ("rows", "columns", "width", "scale"))
    data = max((np.max(np.abs(spectrum)) for spectrum in values.get("values", [])), default=0.0)
    if "gaussian" in values["source"]:
        data = max(data, gaussian_norm(rows, columns))
    return float(data), scale * gaussian_norm(rows, width), scale * gaussian_norm(columns, width)


def check_times(config: Mapping[str, Any], folder: Path) -> None:
    """The first time after 0 belongs to log spacing, and lies before the horizon."""
    for name, experiment in config["experiments"].items():
        time, path = experiment["time"], f"experiments.{name}.time.first"
        if time["spacing"] == "linear" and "first" in time:
            raise ConfigError(path, "linear spacing has no first time; write spacing: log or leave it out")
        if time["spacing"] == "log":
            if "first" not in time:
                raise ConfigError(path, "missing; log spacing needs the first time after 0")
            for horizon in grid.axis("horizon", time["horizon"]):
                if time["first"] >= horizon:
                    raise ConfigError(path, f"{time['first']} is not before the horizon {horizon}")


def check_matrices(config: Mapping[str, Any], folder: Path) -> None:
    """Files are there and of a known format; shapes and values fit each other."""
    for name, experiment in config["experiments"].items():
        for matrix in grid.axis("matrix", experiment["matrix"]):
            path = f"experiments.{name}.matrix"
            if matrix["source"] in ("file", "table"):
                _check_files(matrix, f"{path}.path", folder)
            elif matrix["symmetric"] and matrix["rows"] != matrix["columns"]:
                raise ConfigError(f"{path}.symmetric", "a symmetric matrix needs rows and columns to be equal")
            if matrix["source"] == "spectrum":
                _check_spectrum(matrix, f"{path}.values")


def _check_files(matrix: Mapping[str, Any], path: str, folder: Path) -> None:
    formats = (".csv", ".parquet") if matrix["source"] == "table" else (".csv", ".npy", ".parquet")
    for file in grid.axis("path", matrix["path"]):
        if not (folder / file).is_file():
            raise ConfigError(path, f"no file {folder / file} (paths start at the config file)")
        if Path(file).suffix not in formats:
            raise ConfigError(path, f"{file!r} is not one of {', '.join(formats)}")


def _check_spectrum(matrix: Mapping[str, Any], path: str) -> None:
    size = min(*grid.axis("rows", matrix["rows"]), *grid.axis("columns", matrix["columns"]))
    for values in grid.axis("values", matrix["values"]):
        if len(values) > size:
            raise ConfigError(path, f"{len(values)} values do not fit a matrix whose smaller side is {size}")
        if min(values) < 0 and not matrix["symmetric"]:
            raise ConfigError(path, f"singular values are >= 0, not {min(values)}; eigenvalues need symmetric: true")
        if not any(values):
            raise ConfigError(path, "all values are 0, and the relative error of a zero matrix is undefined")


def check_figures(config: Mapping[str, Any], folder: Path) -> None:
    """A figure draws an experiment that is there, along its axis, with every other axis held at a value."""
    for name, figure in config["figures"].items():
        path = f"figures.{name}"
        if name in TARGETS:
            raise ConfigError(path, f"the name is taken; these are: {', '.join(TARGETS)}")
        if figure["experiment"] not in config["experiments"]:
            raise ConfigError(f"{path}.experiment", unknown("experiment", figure["experiment"], config["experiments"]))
        experiment = config["experiments"][figure["experiment"]]
        values, where = parameters(experiment), figure["where"]
        scalars = values.keys() - set(grid.VECTORS)
        if figure["columns"] not in scalars:
            raise ConfigError(f"{path}.columns", unknown("axis", figure["columns"], scalars))
        for key, value in where.items():
            if value not in values.get(key, []):
                raise ConfigError(
                    f"{path}.where.{key}", f"{value} is no value of the experiment: {values.get(key, [])}"
                )
        for key, several in values.items():
            if len(several) > 1 and key not in (figure["columns"], *where):
                raise ConfigError(f"{path}.where.{key}", f"missing; choose one of {several}, not to mix them")
        missing = {"linear", "asymmetric"} - set(experiment["dynamics"])
        if missing:
            raise ConfigError(f"{path}.experiment", f"needs the dynamics {', '.join(sorted(missing))} as well")


CHECKS: tuple[Callable[[Mapping[str, Any], Path], None], ...] = (check_times, check_matrices, check_figures)
