"""Checks of a config across its keys: combinations that cannot work, and those that may surprise."""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks.dynamics import DYNAMICS
from linear_networks.matrices import gaussian_norm
from linear_networks_workflow import grid
from linear_networks_workflow.dataset.parquet import PARAMETERS
from linear_networks_workflow.errors import ConfigError, unknown
from linear_networks_workflow.figures import experiments_of

# Names of rules, which a figure cannot have: each figure is a target of its own name.
TARGETS = (
    *("all", "matrices", "trajectories", "lambda0", "rates", "tables", "figures", "report", "package", "verify"),
    *("generate_matrices", "simulate", "fit_lambda0", "fit_rates", "tabulate_rates", "draw_figure", "describe_dataset"),
)

COLUMNS = {
    ("matrix", "rows"): "rows",
    ("matrix", "columns"): "columns",
    ("solver", "method"): "solver",
    # Where a parameter has a column of numbers and one of vectors, it goes by the name of the first.
    **{path: name for name, (path, _) in reversed(PARAMETERS.items())},
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


def axes(experiment: Mapping[str, Any]) -> list[str]:
    """The parameters that vary over the grid of an experiment, by column of the results."""
    return [name for name, values in parameters(experiment).items() if len(values) > 1]


def warnings(config: Mapping[str, Any]) -> Iterator[str]:
    """What is allowed but likely to surprise: step sizes past the stability limit that the drawn sizes let expect.

    Matrices from files are not read here; the log of a job that simulates them says so.
    """
    for name, experiment in config["experiments"].items():
        values = parameters(experiment)
        step_size = max(values.get("step_size", [0.0]))
        for dynamics in experiment["dynamics"]:
            limit = 2.0 / max(DYNAMICS[dynamics].curvature(*_expected_norms(values)), np.finfo(float).tiny)
            if step_size > limit:
                yield (
                    f"experiments.{name}.solver.step_size: {step_size:g} is past the stability limit of the dynamics "
                    f"{dynamics}, about {limit:.2g}; runs that diverge end with outcome 'diverged'"
                )


def _expected_norms(values: Mapping[str, list]) -> tuple[float, float, float, float]:
    """Largest spectral norms to expect of Y, U(0), V(0) and inputs over a grid."""
    largest = {
        name: max(values.get(name, [0])) for name in ("rows", "columns", "features", "examples", "width", "scale")
    }
    rows, columns = (max(largest[side], largest["features"]) for side in ("rows", "columns"))
    data = max((np.max(np.abs(spectrum)) for spectrum in values.get("values", [])), default=0.0)
    if not {"gaussian", "teacher"}.isdisjoint(values["source"]):
        data = max(data, gaussian_norm(rows, columns))
    # Other starts than Gaussian ones are no larger, but for an imbalance lambda0, which is a squared norm.
    imbalance = max((np.max(np.abs(value)) for value in values.get("imbalance", [])), default=0.0)
    sizes = (largest["scale"] * gaussian_norm(side, largest["width"]) for side in (rows, columns))
    left, right = (float(np.hypot(size, np.sqrt(imbalance))) for size in sizes)
    return float(data), left, right, gaussian_norm(largest["examples"], largest["features"])


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
            elif matrix.get("symmetric"):
                sides = {*grid.axis("rows", matrix["rows"]), *grid.axis("columns", matrix["columns"])}
                if len(sides) > 1:
                    message = (
                        "a symmetric matrix needs rows and columns to be equal; other sizes are other blocks of matrix"
                    )
                    raise ConfigError(f"{path}.symmetric", message)
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


def check_dynamics(config: Mapping[str, Any], folder: Path) -> None:
    """Every dynamics finds the matrix, the start and the keys that it needs."""
    for name, experiment in config["experiments"].items():
        path, dynamics = f"experiments.{name}", set(experiment["dynamics"])
        if dynamics & {"symmetric", "riccati"}:
            _check_symmetric(experiment, path, folder)
        if "regularized" in dynamics and "regularized" not in experiment:
            raise ConfigError(f"{path}.regularized", "missing; the dynamics regularized needs its lambda0")
        if "regularized" in experiment and "regularized" not in dynamics:
            raise ConfigError(f"{path}.regularized", "is of no use here; list regularized among the dynamics")
        if grid.fits_lambda0(experiment):
            if "asymmetric" not in dynamics:
                raise ConfigError(f"{path}.regularized.lambda0", "fit needs the dynamics asymmetric beside regularized")
            if experiment["regularized"]["weight"] != 0.125:
                raise ConfigError(f"{path}.regularized.weight", "fit compares with the closed form at weight: 0.125")
        sources = {matrix["source"] for matrix in grid.axis("matrix", experiment["matrix"])}
        behind_sigmoid = sorted(name for name in dynamics if name.startswith("sigmoid"))
        if behind_sigmoid and sources != {"teacher"}:
            raise ConfigError(f"{path}.matrix.source", f"{behind_sigmoid[0]} needs samples: write source: teacher")


def _check_symmetric(experiment: Mapping[str, Any], path: str, folder: Path) -> None:
    for matrix in grid.axis("matrix", experiment["matrix"]):
        if matrix["source"] == "file":
            _check_symmetric_files(matrix, f"{path}.matrix.path", folder)
        elif not matrix.get("symmetric"):
            message = "symmetric dynamics need a symmetric matrix: rows = columns and symmetric: true, or source: file"
            raise ConfigError(f"{path}.matrix", message)
    for start in grid.axis("initialization", experiment["initialization"]):
        if start["kind"] not in ("gaussian", "spectral"):
            raise ConfigError(
                f"{path}.initialization.kind",
                f"{start['kind']} is not for symmetric dynamics; gaussian and spectral are",
            )
        if start["kind"] == "spectral":
            if any(np.any(value) for value in grid.axis("imbalance", start["imbalance"])):
                raise ConfigError(f"{path}.initialization.imbalance", "symmetric dynamics are balanced: write 0.0")
            if any(min(products) < 0 for products in grid.axis("products", start.get("products", [0.0]))):
                raise ConfigError(f"{path}.initialization.products", "symmetric dynamics have X(0) = U U^T: write >= 0")


def _check_symmetric_files(matrix: Mapping[str, Any], path: str, folder: Path) -> None:
    from linear_networks_workflow.inputs import read_matrix

    for file in grid.axis("path", matrix["path"]):
        values = read_matrix(folder / file)
        if values.shape != values.T.shape:
            raise ConfigError(
                path, f"{file} is {values.shape[0]} x {values.shape[1]}; symmetric dynamics need a square matrix"
            )
        if not np.array_equal(values, values.T):
            raise ConfigError(path, f"{file} differs from its transpose; for symmetric dynamics save (Y + Y.T) / 2")


def check_starts(config: Mapping[str, Any], folder: Path) -> None:
    """Starts can be realized, and vectors have a number for every mode or column."""
    for name, experiment in config["experiments"].items():
        path, widths = f"experiments.{name}", grid.axis("width", experiment["width"])
        for start in grid.axis("initialization", experiment["initialization"]):
            imbalances = grid.axis("imbalance", start.get("imbalance", 0.0))
            products = grid.axis("products", start.get("products", 0.0))
            if start["kind"] != "identity" and not any(isinstance(value, list) for value in imbalances + products):
                continue
            rows, columns = (min(sides) for sides in zip(*shapes(experiment, folder), strict=True))
            for imbalance in imbalances:
                _check_length(imbalance, min(rows, columns), f"{path}.initialization.imbalance", "modes")
                side, limit = ("rows", rows) if np.max(imbalance) > 0 else ("columns", columns)
                if start["kind"] == "identity" and imbalance != 0 and max(widths) > limit:
                    message = f"Q = {imbalance:g} I needs a width of at most the {side}, {limit}, not {max(widths)}"
                    raise ConfigError(f"{path}.initialization.imbalance", message)
            for values in products:
                _check_length(values, min(rows, columns), f"{path}.initialization.products", "modes")
        for lambda0 in grid.axis("lambda0", experiment.get("regularized", {}).get("lambda0", 0.0)):
            for width in widths:
                _check_length(lambda0, width, f"{path}.regularized.lambda0", "columns of the factors")


def shapes(experiment: Mapping[str, Any], folder: Path) -> list[tuple[int, int]]:
    """Rows and columns of an experiment's matrices; files are read."""
    from linear_networks_workflow import inputs

    found: list[tuple[int, int]] = []
    for matrix in grid.axis("matrix", experiment["matrix"]):
        match matrix["source"]:
            case "teacher":
                found += [(size, size) for size in grid.axis("features", matrix["features"])]
            case "file" | "table":
                found += [
                    inputs.shape(folder / path, matrix.get("target")) for path in grid.axis("path", matrix["path"])
                ]
            case _:
                found += product(grid.axis("rows", matrix["rows"]), grid.axis("columns", matrix["columns"]))
    return found


def _check_length(value: Any, size: int, path: str, what: str) -> None:
    if isinstance(value, list) and len(value) != size:
        raise ConfigError(path, f"{len(value)} numbers for {size} {what}; write one for each")


def check_figures(config: Mapping[str, Any], folder: Path) -> None:
    """A figure draws experiments that are there and have what its kind needs, along its axis, with the others held."""
    for name, figure in config["figures"].items():
        path = f"figures.{name}"
        if name in TARGETS:
            raise ConfigError(path, f"the name is taken; these are: {', '.join(TARGETS)}")
        for experiment in experiments_of(figure):
            if experiment not in config["experiments"]:
                raise ConfigError(f"{path}.experiment", unknown("experiment", experiment, config["experiments"]))
            values = parameters(config["experiments"][experiment])
            _check_content(config, figure, experiment, values, f"{path}.experiment")
            _check_axes(figure, values, path)


def _check_axes(figure: Mapping[str, Any], values: Mapping[str, list], path: str) -> None:
    where = figure["where"]
    for key, value in where.items():
        if value not in values.get(key, []):
            raise ConfigError(f"{path}.where.{key}", f"{value} is no value of the experiment: {values.get(key, [])}")
    scalars = values.keys() - set(grid.VECTORS)
    for option in {"columns", "rows"} & figure.keys():
        if figure[option] not in scalars:
            raise ConfigError(f"{path}.{option}", unknown("axis", figure[option], scalars))
    drawn = {
        "lambda0": {"width"},
        "regimes": {"values", "imbalance"},
        "modes": {"solver", "step_size"},
        "descent-vs-flow": {"solver", "step_size"},
        "rates": values.keys(),
    }.get(figure["kind"], {figure.get("columns"), figure.get("rows")})
    for key, several in values.items():
        if len(several) > 1 and key not in (*drawn, *where):
            raise ConfigError(f"{path}.where.{key}", f"missing; choose one of {several}, not to mix them")


def _check_content(
    config: Mapping[str, Any], figure: Mapping[str, Any], experiment: str, values: Mapping[str, list], path: str
) -> None:
    settings = config["experiments"][experiment]
    dynamics = {
        "reconstruction": {"linear", "asymmetric"},
        "comparison": {"regularized", "asymmetric"},
        "lambda0": {"regularized", "asymmetric"},
        "loss": {"sigmoid-linear", "sigmoid-asymmetric"},
        "regimes": {"asymmetric"},
        "modes": {"asymmetric"},
    }.get(figure["kind"], set())
    missing = dynamics - set(settings["dynamics"])
    if missing:
        raise ConfigError(path, f"{experiment} needs the dynamics {', '.join(sorted(missing))} as well")
    if figure["kind"] in ("comparison", "lambda0") and not grid.fits_lambda0(settings):
        raise ConfigError(path, f"{experiment} needs regularized: {{lambda0: fit}}")
    if figure["kind"] == "descent-vs-flow":
        if not {"descent", "flow"} <= set(values["solver"]):
            raise ConfigError(path, f"{experiment} needs both solvers, descent and flow")
        if "product" not in settings["record"]:
            raise ConfigError(path, f"{experiment} needs record: [product]")
    if figure["kind"] == "regimes" and any(len(modes) != 1 for modes in values.get("values", [[]])):
        raise ConfigError(path, f"{experiment} needs a spectrum of one mode: values: [[..], [..]] of one number each")


def check_closed_forms(config: Mapping[str, Any], folder: Path) -> None:
    """`exact` is asked only where a closed form applies."""
    for name, experiment in config["experiments"].items():
        solvers = grid.axis("solver", experiment["solver"])
        if all(solver["method"] != "exact" for solver in solvers):
            continue
        path, dynamics = f"experiments.{name}.solver.method", set(experiment["dynamics"])
        tied = not dynamics.isdisjoint({"symmetric", "riccati"})
        for behind in sorted(name for name in dynamics if name.startswith("sigmoid")):
            raise ConfigError(path, f"{behind} has no closed form; write flow")
        for start in grid.axis("initialization", experiment["initialization"]):
            solvable = start["kind"] in ("balanced", "identity", "spectral") or tied
            solvable |= start["kind"] == "rescaled" and not any(grid.axis("imbalance", start["imbalance"]))
            if "asymmetric" in dynamics and not solvable:
                message = (
                    f"asymmetric has no closed form from a {start['kind']} start; try balanced, identity or spectral"
                )
                raise ConfigError(path, message)
        if "regularized" in dynamics:
            penalty = experiment["regularized"]
            if any(weight != 0.125 for weight in grid.axis("weight", penalty["weight"])):
                raise ConfigError(path, "regularized has a closed form for weight: 0.125 only")
            if any(isinstance(value, list) for value in grid.axis("lambda0", penalty["lambda0"])):
                raise ConfigError(path, "regularized has a closed form for one lambda0, not for a diagonal of several")


CHECKS: tuple[Callable[[Mapping[str, Any], Path], None], ...] = (
    check_times,
    check_matrices,
    check_dynamics,
    check_starts,
    check_closed_forms,
    check_figures,
)
