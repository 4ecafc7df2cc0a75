"""What a figure of a config needs: its files, its code, and how what it shows looks."""

from collections.abc import Iterator, Mapping
from typing import Any

from linear_networks.components import Parameter
from linear_networks.dynamics import DYNAMICS
from linear_networks_workflow import grid, keys, provenance
from linear_networks_workflow.figures import KINDS, experiments_of, options_of


def files(config: Mapping[str, Any], name: str) -> dict[str, list[str]]:
    """Files that a figure is drawn from, by stage."""
    figure = config["figures"][name]
    return {
        stage: [file for experiment in experiments_of(figure) for file in grid.files(config, stage, experiment)]
        for stage in KINDS[figure["kind"]].needs
    }


def made_from(config: Mapping[str, Any], name: str) -> str:
    """Digest of the part of a config that a figure is drawn from."""
    figure = config["figures"][name]
    return grid.digest(figure, [provenance.of_experiment(config, experiment) for experiment in experiments_of(figure)])


def module(config: Mapping[str, Any], name: str) -> str:
    """Name of the module that draws a figure."""
    return KINDS[config["figures"][name]["kind"]].__module__


def looks(config: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The looks of the dynamics of a figure's experiments, by name."""
    experiments = (config["experiments"][experiment] for experiment in experiments_of(config["figures"][name]))
    listed = dict.fromkeys(dynamics for experiment in experiments for dynamics in grid.blocks(experiment))
    return {
        name: {"label": DYNAMICS[name].label, "colour": DYNAMICS[name].colour, "dashed": DYNAMICS[name].dashed}
        for name in listed
    }


def symbols(config: Mapping[str, Any], name: str) -> dict[str, str]:
    """The symbols of the axes that a figure's options name, by column; of those that have one."""
    figure = config["figures"][name]
    experiments = (config["experiments"][experiment] for experiment in experiments_of(figure))
    found = {column: parameter.symbol for some in experiments for column, parameter in _parameters(some)}
    return {axis: found[axis] for axis in options_of(figure).values() if found.get(axis)}


def _parameters(experiment: Mapping[str, Any]) -> Iterator[tuple[str, Parameter]]:
    """The parameters of the components of an experiment, with their columns."""
    for room, (key, _, components, _) in keys.ROOMS.items():
        for block in grid.axis(room, experiment.get(room, [])):
            declared = components[block[key]].parameters
            yield from ((parameter.column or name, parameter) for name, parameter in declared.items())
    yield "width", keys.WIDTH
