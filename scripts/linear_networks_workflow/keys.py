"""The keys of a config, as the components and the workflow declare them: one place for all who need to know of them."""

from collections.abc import Iterator
from typing import NamedTuple

from linear_networks.components import Listing, Parameter
from linear_networks.dynamics import DYNAMICS
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.losses import LOSSES
from linear_networks.matrices import SOURCES
from linear_networks.solvers import SOLVERS


class Room(NamedTuple):
    """A key of an experiment that holds a component, or a list of them.

    Attributes
    ----------
    key : str
        What names the component in its block.
    column : str or None
        Its column in the results, if it may be an axis; a dynamics is not, as each has files of its own.
    components : Listing
    meaning : str
    """

    key: str
    column: str | None
    components: Listing
    meaning: str


ROOMS: dict[str, Room] = {
    "matrix": Room("source", "source", SOURCES, "where the data matrix Y comes from"),
    "initialization": Room("kind", "initialization", INITIALIZATIONS, "how the factors U(0) and V(0) start"),
    "loss": Room("kind", "loss", LOSSES, "what is descended, by default the loss that the source of Y is made for"),
    "dynamics": Room("name", None, DYNAMICS, "what is run from every start"),
    "solver": Room("method", "solver", SOLVERS, "how the dynamics is computed"),
}

# Keys that name the component of a block; the others are its parameters.
NAMING = {room.key for room in ROOMS.values()}

WIDTH = Parameter("number of hidden units k", int, least=1, symbol="k")

TIME: dict[str, Parameter] = {
    "horizon": Parameter("last time", above=0.0, unit="time"),
    "samples": Parameter("number of times, t = 0 included", int, least=2, axis=False),
    "spacing": Parameter(
        "spacing of the times; log-spaced ones hit the powers of ten",
        str,
        "linear",
        words=("linear", "log"),
        axis=False,
    ),
    "first": Parameter("first time after 0, for log spacing only", default=None, above=0.0, unit="time", axis=False),
}

SETTINGS: dict[str, Parameter] = {
    "seed": Parameter("root of every random stream", int, 2021, least=0, most=2**63 - 1, axis=False),
    "runs_per_job": Parameter(
        "how many runs one job computes; left out, so many that they take some seconds", int, None, least=1, axis=False
    ),
    "runs_to_verify": Parameter(
        "how many runs of every file of runs `snakemake verify` computes again", int, 20, least=1, axis=False
    ),
}

TRAJECTORIES = Parameter(
    "whether the samples of every run are stored; `false` keeps a row a run", bool, True, axis=False
)

REPLICATES = Parameter("number of random draws", int, 1, least=1, axis=False)

RECORD = {
    "product": "X(t), in trajectories",
    "kernel": "how far the kernel moves and turns, in trajectories",
    "factors": "the start, in runs",
}

# Of these, what is recorded of samples.
SAMPLED = ("product", "kernel")

# What a parameter with this word may be instead of a number: the best one for the dynamics that it is fitted to.
FIT = "fit"


def parameters() -> Iterator[tuple[tuple[str, ...], Parameter]]:
    """Every parameter of a run with its path in an experiment; a path of several components comes several times."""
    for room, (_, _, components, _) in ROOMS.items():
        for component in components.values():
            yield from (((room, name), parameter) for name, parameter in component.parameters.items())
    yield ("width",), WIDTH
    yield from ((("time", name), parameter) for name, parameter in TIME.items())


def columns() -> dict[tuple[str, ...], str]:
    """Column of the results of every path in an experiment that has one."""
    named = {(room, key): column for room, (key, column, _, _) in ROOMS.items() if column}
    return named | {path: parameter.column or path[-1] for path, parameter in parameters()}


def _vectors() -> frozenset[str]:
    """Keys whose values are lists of numbers throughout: a list of such lists is an axis.

    Raises
    ------
    TypeError
        If a key is that of vectors in one component, and of numbers in another.
    """
    kinds: dict[str, bool] = {}
    for (*_, key), parameter in parameters():
        if kinds.setdefault(key, parameter.vector is True) != (parameter.vector is True):
            raise TypeError(f"the key {key!r} is that of vectors in one component, and of numbers in another")
    return frozenset(key for key, is_vector in kinds.items() if is_vector)


VECTORS = _vectors()
