"""Which code the jobs of an experiment run: a key for each, which changes with what it uses and with nothing else."""

from collections.abc import Mapping
from typing import Any

from linear_networks import theory as theories
from linear_networks.components import Component
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.matrices import SOURCES
from linear_networks.solvers import SOLVERS
from linear_networks_workflow import grid, keys, sources


def matrices(experiment: Mapping[str, Any]) -> str:
    """Key of the code that draws or reads the matrices of an experiment."""
    return sources.digest("generate_matrices", *_modules(_of(experiment, "matrix", "source", SOURCES)))


def simulation(experiment: Mapping[str, Any], dynamics: str) -> str:
    """Key of the code that runs a dynamics of an experiment."""
    return sources.digest("simulate", *_modules(_parts(experiment, dynamics)))


def rates(experiment: Mapping[str, Any], dynamics: str) -> str:
    """Key of the code that measures and predicts the rates of a dynamics of an experiment."""
    return sources.digest("fit_rates", *_modules(_parts(experiment, dynamics)))


def dataset(script: str) -> str:
    """Key of the code of a script that says what the columns of the dataset mean, with the words of every component."""
    components = [component for room in keys.ROOMS.values() for component in room.components.values()]
    return sources.digest(script, *_modules(components), words=True)


def notes(experiment: Mapping[str, Any]) -> dict[str, str]:
    """What the dynamics and solvers of an experiment say to readers of the table of its rates, by name."""
    components = [*(DYNAMICS[name] for name in grid.blocks(experiment)), *_of(experiment, "solver", "method", SOLVERS)]
    return {component.name: component.note for component in components if component.note}


def _parts(experiment: Mapping[str, Any], dynamics: str) -> list[type[Component]]:
    """The components of the runs of a dynamics, and what theory knows of them."""
    losses = [LOSSES[loss["kind"]] for loss in grid.losses(experiment)]
    return [
        DYNAMICS[dynamics],
        *losses,
        *(type(theories.of_dynamics(DYNAMICS[dynamics], loss)) for loss in losses),
        *_of(experiment, "initialization", "kind", INITIALIZATIONS),
        *_of(experiment, "solver", "method", SOLVERS),
    ]


def _of(
    experiment: Mapping[str, Any], room: str, key: str, listing: Mapping[str, type[Component]]
) -> list[type[Component]]:
    return [listing[block[key]] for block in grid.axis(room, experiment[room])]


def _modules(components: list[type[Component]]) -> list[str]:
    return [component.__module__ for component in components]
