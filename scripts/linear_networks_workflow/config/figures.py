"""Checks of the figures of a config: each finds what it draws, along its axes, with the others held."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linear_networks.components import Refused
from linear_networks.initializations import INITIALIZATIONS
from linear_networks_workflow import grid, inputs, keys
from linear_networks_workflow.config.checks import settings
from linear_networks_workflow.errors import ConfigError, cut, unknown
from linear_networks_workflow.figures import KINDS, experiments_of, options_of

# Names of rules, which a figure cannot have: each figure is a target of its own name.
TARGETS = (
    *("all", "matrices", "trajectories", "lambda0", "rates", "tables", "figures", "report", "package", "verify"),
    *("generate_matrices", "simulate", "fit_lambda0", "fit_rates", "tabulate_rates", "draw_figure", "describe_dataset"),
    *("tidy", "simulate_rows"),
)


def check(config: Mapping[str, Any], folder: Path) -> None:
    """Check every figure; relative paths start at a folder."""
    for name, figure in config["figures"].items():
        path = f"figures.{name}"
        if name in TARGETS:
            raise ConfigError(path, f"the name is taken; these are: {', '.join(TARGETS)}")
        for experiment in experiments_of(figure):
            if experiment not in config["experiments"]:
                raise ConfigError(f"{path}.experiment", unknown("experiment", experiment, config["experiments"]))
            block = config["experiments"][experiment]
            _check_where(figure["where"], block, path)
            try:
                KINDS[figure["kind"]].check(_drawn(block, figure["where"], folder))
            except Refused as refused:
                raise ConfigError(f"{path}.experiment", f"{experiment} {refused.message}") from None
            needs = KINDS[figure["kind"]].needs
            if needs.keys() - {"matrices", "runs"} and not grid.keeps_trajectories(block):
                message = f"{experiment} has no trajectories: write trajectories: true there"
                raise ConfigError(f"{path}.experiment", message)
            if "rates" in needs and not grid.has_rates(block):
                message = "has no rates, as no limit is known: write record: [product] there"
                raise ConfigError(f"{path}.experiment", f"{experiment} {message}")
            _check_axes(figure, block, path)


def _drawn(experiment: Mapping[str, Any], where: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The part of an experiment that a figure draws, as its kind checks it."""
    points = {room: list(grid.expand(experiment[room])) for room in keys.ROOMS if room in experiment}
    chosen = grid.narrowed({**experiment, **points}, where)
    widths = [where["width"]] if "width" in where else grid.axis("width", experiment["width"])
    starts = [(INITIALIZATIONS[start["kind"]], settings(start)) for start in chosen["initialization"]]
    wide = [(width, kind.when_wide(width, **own)) for kind, own in starts for width in widths]
    return {**chosen, "loss": grid.losses(chosen), "shapes": inputs.shapes(chosen, folder), "wide": wide}


def _check_where(where: Mapping[str, Any], experiment: Mapping[str, Any], path: str) -> None:
    """The values that a figure is held at are those of some runs."""
    values = grid.parameters(experiment)
    for key, value in where.items():
        if key not in values:
            raise ConfigError(f"{path}.where.{key}", unknown("axis", key, values))
        if value not in values[key]:
            raise ConfigError(
                f"{path}.where.{key}", f"{cut(str(value))} is no value of the experiment: {cut(str(values[key]))}"
            )
    chosen = grid.narrowed(experiment, where)
    if not all(chosen[room] for room in keys.ROOMS if room in chosen):
        raise ConfigError(f"{path}.where", f"no run has all of these values: {cut(str(where), 200)}")


def _check_axes(figure: Mapping[str, Any], experiment: Mapping[str, Any], path: str) -> None:
    where, kind, values = figure["where"], KINDS[figure["kind"]], grid.parameters(experiment)
    options = options_of(figure)
    for option, axis in options.items():
        if axis not in values.keys() - keys.VECTORS:
            raise ConfigError(f"{path}.{option}", unknown("axis", axis, values.keys() - keys.VECTORS))
    drawn, chosen = kind.drawn(options), grid.narrowed(experiment, where)
    for option, axis in options.items():
        several = [where[axis]] if axis in where else grid.parameters(chosen).get(axis, [])
        if any(isinstance(value, list) for value in several):
            raise ConfigError(f"{path}.{option}", f"{axis} has values that are vectors; name another axis")
    for key, several in grid.parameters(chosen).items():
        if drawn is not None and len(several) > 1 and key not in (*drawn, *where):
            raise ConfigError(f"{path}.where.{key}", f"missing; choose one of {cut(str(several))}, not to mix them")
