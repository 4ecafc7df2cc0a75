"""Checks of a config across its keys: combinations that cannot work, and those that may surprise.

What belongs to one component it checks itself: here its checks are called, and what they refuse is given its path.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks import theory as theories
from linear_networks.components import Refused
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.matrices import SOURCES
from linear_networks.solvers import SOLVERS
from linear_networks_workflow import figures, grid, inputs, keys
from linear_networks_workflow.config.values import shown
from linear_networks_workflow.errors import ConfigError, cut

Experiment = Mapping[str, Any]

# Steps of a flow that take long.
MANY = 1e6


@contextmanager
def placed(path: str) -> Iterator[None]:
    """Give what a component refuses the path of its block."""
    try:
        yield
    except Refused as refused:
        raise ConfigError(".".join(filter(None, (path, refused.key))), refused.message) from None


def settings(block: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a block: all but what names its component."""
    return {key: value for key, value in block.items() if key not in keys.NAMING}


def check_times(experiment: Experiment, folder: Path) -> None:
    """The first time after 0 belongs to log spacing, and lies before the horizon."""
    time, path = experiment["time"], "time.first"
    if time["spacing"] != "log" and "first" in time:
        raise ConfigError(path, "linear spacing has no first time; write spacing: log or leave it out")
    if time["spacing"] == "log":
        if "first" not in time:
            raise ConfigError(path, "missing; log spacing needs the first time after 0")
        for horizon in grid.axis("horizon", time["horizon"]):
            if time["first"] >= horizon:
                raise ConfigError(path, f"{time['first']} is not before the horizon {horizon}")


def check_steps(experiment: Experiment, folder: Path) -> None:
    """Solvers can take their steps."""
    for solver in grid.expand(experiment["solver"]):
        for horizon in grid.axis("horizon", experiment["time"]["horizon"]):
            with placed("solver"):
                SOLVERS[solver["method"]].check(horizon, **settings(solver))


def check_matrices(experiment: Experiment, folder: Path) -> None:
    """Files are there, and hold what is needed; parameters of what is drawn fit each other."""
    for point in grid.expand(experiment["matrix"]):
        source = SOURCES[point["source"]]
        if source.reads is not None:
            _check_file(point["path"], source.reads, folder)
            continue
        with placed("matrix"):
            source.check(**settings(point))
    inputs.shapes(experiment, folder)


def _check_file(file: str, reads: str, folder: Path) -> None:
    if not os.path.isfile(folder / file):
        raise ConfigError("matrix.path", f"no file {cut(str(folder / file), 200)} (paths start at the config file)")
    if {"{", "}"} & set(os.path.relpath(folder / file)):
        raise ConfigError("matrix.path", f"Snakemake takes braces in {cut(file, 200)!r} for wildcards; rename it")
    if not file.lower().endswith(inputs.READERS[reads].formats):
        raise ConfigError("matrix.path", f"{file!r} is not one of {', '.join(inputs.READERS[reads].formats)}")


def check_starts(experiment: Experiment, folder: Path) -> None:
    """Starts can be realized, and those that need a symmetric matrix have one."""
    sizes, widths = inputs.shapes(experiment, folder), grid.axis("width", experiment["width"])
    for start in grid.expand(experiment["initialization"]):
        kind, own = INITIALIZATIONS[start["kind"]], settings(start)
        for rows, columns in sizes:
            for width in widths:
                with placed("initialization"):
                    kind.check(rows, columns, width, **own)
        if kind.is_reduced:
            _check_gauge(experiment, start["kind"])
        if kind.needs_symmetric(**own):
            _check_symmetric(experiment, folder)


def check_dynamics(experiment: Experiment, folder: Path) -> None:
    """Every dynamics finds the matrix, the start, the samples and the other dynamics that it needs."""
    blocks = grid.blocks(experiment)
    for place, (name, block) in enumerate(blocks.items()):
        dynamics, path = DYNAMICS[name], f"dynamics.{place}"
        if dynamics.symmetric:
            _check_symmetric(experiment, folder)
            _check_tied(experiment)
        for width in grid.axis("width", experiment["width"]):
            for point in grid.expand(block):
                with placed(path):
                    dynamics.check(width, settings(point))
        for key, value in block.items():
            if isinstance(value, list) and keys.FIT in np.ravel(np.array(value, dtype=object)).tolist():
                raise ConfigError(f"{path}.{key}", f"{keys.FIT} stands alone, not in a list: write {key}: {keys.FIT}")
        if grid.fits(block) and grid.general_of(name) not in blocks:
            raise ConfigError(path, f"{keys.FIT} needs the dynamics {grid.general_of(name)} beside {name}")


def check_runs(experiment: Experiment, folder: Path) -> None:
    """No two blocks of a list stand for one run, defaults included."""
    for room in keys.ROOMS:
        found: dict[tuple, int] = {}
        blocks = grid.axis(room, experiment.get(room, []))
        # Of one block, the values of every axis differ.
        for place, block in enumerate(blocks if len(blocks) > 1 else ()):
            for point in grid.expand(block):
                same = tuple((key, tuple(one) if isinstance(one, list) else one) for key, one in sorted(point.items()))
                if found.setdefault(same, place) != place:
                    what = f"{shown(point)} stands in {room}.{found[same]} already"
                    raise ConfigError(f"{room}.{place}", f"{what}; runs are made once: leave it out of one of them")


def check_trajectories(experiment: Experiment, folder: Path) -> None:
    """Nothing is asked for that comes from trajectories where none are kept."""
    if grid.keeps_trajectories(experiment):
        return
    asked = {
        **{f"dynamics.{place}": grid.fits(block) for place, block in enumerate(experiment["dynamics"])},
        **{f"record: [{name}]": name in experiment["record"] for name in keys.SAMPLED},
    }
    for what in (what for what, needs in asked.items() if needs):
        raise ConfigError("trajectories", f"is false, but {what} needs them: write trajectories: true")


def check_losses(experiment: Experiment, folder: Path) -> None:
    """Losses of samples have some, and dynamics a loss that they descend."""
    sources = {matrix["source"] for matrix in grid.axis("matrix", experiment["matrix"])}
    sampled = [name for name, source in SOURCES.items() if source.has_samples]
    for loss in grid.losses(experiment):
        if LOSSES[loss["kind"]].needs_samples and not sources <= set(sampled):
            raise ConfigError("matrix.source", f"{loss['kind']} needs samples: write source: {' or '.join(sampled)}")
        for place, name in enumerate(grid.blocks(experiment)):
            allowed = DYNAMICS[name].losses
            if allowed and loss["kind"] not in allowed:
                message = f"{name} descends the loss {' or '.join(allowed)} only, not {loss['kind']}"
                raise ConfigError(f"dynamics.{place}", message)


def _check_symmetric(experiment: Experiment, folder: Path) -> None:
    for point in grid.expand(experiment["matrix"]):
        source = SOURCES[point["source"]]
        try:
            source.check_symmetric(**inputs.resolve(point, folder).parameters)
        except Refused as refused:
            file = f"{point['path']} " if source.reads and refused.key else ""
            with placed("matrix"):
                raise Refused(refused.key, file + refused.message) from None


def _check_gauge(experiment: Experiment, start: str) -> None:
    """Dynamics go without the columns that a start does not draw."""
    for name, block in grid.blocks(experiment).items():
        if not all(DYNAMICS[name].keeps_gauge(settings(point)) for point in grid.expand(block)):
            whole = [kind for kind, other in INITIALIZATIONS.items() if not other.is_reduced]
            message = f"{start} draws m + n columns at most, and {name} as it stands needs all k; write {whole[0]}"
            raise ConfigError("initialization.kind", message)


def _check_tied(experiment: Experiment) -> None:
    for start in grid.axis("initialization", experiment["initialization"]):
        if "tied" not in start:
            kinds = [name for name, kind in INITIALIZATIONS.items() if "tied" in kind.parameters]
            message = f"{start['kind']} is not for symmetric dynamics; {' and '.join(kinds)} are"
            raise ConfigError("initialization.kind", message)
        if not start["tied"]:
            raise ConfigError("initialization.tied", "symmetric dynamics have V(0) = U(0): write tied: true")


def check_closed_forms(experiment: Experiment, folder: Path) -> None:
    """A closed form is asked for only where one applies."""
    if not _has_closed_form(experiment):
        return
    narrow = max(grid.axis("width", experiment["width"])) == 1  # Q(0) is a number
    for loss in grid.losses(experiment):
        for name, block in grid.blocks(experiment).items():
            theory = theories.of_dynamics(DYNAMICS[name], LOSSES[loss["kind"]])
            for start, point in product(grid.expand(experiment["initialization"]), grid.expand(block)):
                known = narrow or INITIALIZATIONS[start["kind"]].knows(**settings(start))
                try:
                    theory.check_closed_form(start["kind"], known, settings(point))
                except Refused as refused:
                    raise ConfigError("solver.method", f"{name} {refused.message}") from None


def check_kernels(experiment: Experiment, folder: Path) -> None:
    """Closed forms know the kernels that are recorded."""
    if "kernel" not in experiment["record"] or not _has_closed_form(experiment):
        return
    sizes = [
        (*sides, width)
        for sides in inputs.shapes(experiment, folder)
        for width in grid.axis("width", experiment["width"])
    ]
    for loss, name in product(grid.losses(experiment), grid.blocks(experiment)):
        theory = theories.of_dynamics(DYNAMICS[name], LOSSES[loss["kind"]])
        for start in grid.expand(experiment["initialization"]):
            tells, own = INITIALIZATIONS[start["kind"]].tells_kernel, settings(start)
            try:
                # Of two numbers U and V, their product and Q tell both.
                theory.check_kernel(start["kind"], all(max(size) == 1 or tells(*size, **own) for size in sizes))
            except Refused as refused:
                raise ConfigError("record", f"kernel: {name} {refused.message}") from None


def _has_closed_form(experiment: Experiment) -> bool:
    return any(SOLVERS[solver["method"]].closed_form for solver in grid.axis("solver", experiment["solver"]))


def check_ranks(experiment: Experiment, folder: Path) -> None:
    """Solvers that take steps keep the rank of X(0) where its flow does."""
    if all(SOLVERS[solver["method"]].closed_form for solver in grid.axis("solver", experiment["solver"])):
        return
    sizes, widths = inputs.shapes(experiment, folder), grid.axis("width", experiment["width"])
    for name, block in grid.blocks(experiment).items():
        if not any(DYNAMICS[name].loses_rank(settings(point)) for point in grid.expand(block)):
            continue
        for start, (rows, columns), width in product(grid.expand(experiment["initialization"]), sizes, widths):
            rank = INITIALIZATIONS[start["kind"]].product_rank(rows, columns, width, **settings(start))
            if 0 < rank < min(rows, columns):
                what = f"{name} at lambda0 = tau = 0 keeps the rank of X(0), here {rank} of {min(rows, columns)}"
                message = "which rounding in steps of X raises; write exact, or asymmetric from a balanced start"
                raise ConfigError("solver.method", f"{what}, {message}")


CHECKS: tuple[Callable[[Experiment, Path], None], ...] = (
    check_times,
    check_steps,
    check_runs,
    check_matrices,
    check_losses,
    check_dynamics,
    check_trajectories,
    check_starts,
    check_closed_forms,
    check_kernels,
    check_ranks,
)


def check(config: Mapping[str, Any], folder: Path) -> None:
    """Check every experiment; relative paths start at a folder."""
    for name, experiment in config["experiments"].items():
        for check_one in CHECKS:
            try:
                check_one(experiment, folder)
            except ConfigError as error:
                raise ConfigError(f"experiments.{name}.{error.path}", error.message) from None


def warnings(config: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """What is allowed but likely to surprise: what files may mean otherwise, and, as data and sizes let expect, descent
    past stability and stiff flows.

    Where a figure shows the limit of stability, step sizes past it are meant.
    """
    meant = figures.past_stability(config)
    for name, experiment in config["experiments"].items():
        for path, doubt in inputs.doubts(experiment, folder):
            yield f"experiments.{name}.{path}: {doubt}"
        solvers = [SOLVERS[block["method"]](**settings(block)) for block in grid.expand(experiment["solver"])]
        if all(solver.closed_form for solver in solvers):
            continue
        horizon = max(grid.axis("horizon", experiment["time"]["horizon"]))
        data, left, right, examples = _expected_norms(experiment, folder)
        error = data + left * right
        of_loss = max(LOSSES[loss["kind"]].curvature(examples or 1.0, error, loss) for loss in grid.losses(experiment))
        for dynamics, block in grid.blocks(experiment).items():
            curvature = max(DYNAMICS[dynamics].curvature(of_loss, data, left, right, one) for one in grid.expand(block))
            step_size, limit = max(solver.step for solver in solvers), 2.0 / max(curvature, np.finfo(float).tiny)
            if step_size > limit and name not in meant:
                yield (
                    f"experiments.{name}.solver.step_size: {step_size:g} is past the stability limit of the dynamics "
                    f"{dynamics}, about {limit:.2g}; runs that diverge end with outcome 'diverged'"
                )
            steps = max(solver.steps(horizon, curvature) for solver in solvers)
            if MANY < steps < np.inf:
                yield (
                    f"experiments.{name}.time.horizon: the flow of the dynamics {dynamics} may take {steps:.1g} steps "
                    f"up to {horizon:g}, as Y or the start is large; that is hours"
                )


def _expected_norms(experiment: Experiment, folder: Path) -> tuple[float, float, float, float]:
    """Largest spectral norms to expect of Y, U(0), V(0) and inputs over a grid; matrices of files are read."""
    rows, columns = (max(sides) for sides in zip(*inputs.shapes(experiment, folder), strict=True))
    width = max(grid.axis("width", experiment["width"]))
    data = examples = left = right = 0.0
    for point in grid.expand(experiment["matrix"]):
        data = max(data, inputs.norm(point, folder))
        examples = max(examples, SOURCES[point["source"]].expected_input_norm(**settings(point)))
    for start in grid.expand(experiment["initialization"]):
        kind = INITIALIZATIONS[start["kind"]]
        norms = kind.expected_norms(rows, columns, width, **settings(start))
        left, right = max(left, norms[0]), max(right, norms[1])
    return data, left, right, examples
