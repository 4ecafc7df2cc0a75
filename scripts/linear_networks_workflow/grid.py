"""From experiments to runs: the one place that expands a grid, derives random streams and names files.

A grid is never written out: the runs of one chunk are computed from its number, so that the cost of naming
the files of 10^7 runs is that of counting chunks.
"""

import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from linear_networks.dynamics import DYNAMICS
from linear_networks.losses import LOSSES
from linear_networks.matrices import SOURCES
from linear_networks_workflow import keys

# The keys of an experiment that span its grid.
SPANNING = {*keys.ROOMS, "width", "time"}
COLUMNS = keys.columns()

# The stages whose files are the dataset.
STAGES = ("matrices", "runs", "trajectories", "lambda0", "rates", "tables")


@dataclass(frozen=True)
class Run:
    """One point of a grid and one replicate.

    Parameters
    ----------
    experiment, dynamics : str
    seed : int
        Root of the random streams.
    replicate : int
    point : dict
        The experiment's keys SPANNING, every axis at one value; `dynamics` is the block of the dynamics, and `loss` is
        that of the source where the experiment has none.
    """

    experiment: str
    dynamics: str
    seed: int
    replicate: int
    point: Mapping[str, Any]

    @cached_property
    def id(self) -> str:
        """Key of the run in every file; a function of its own parameters only."""
        return digest(self.experiment, self.dynamics, self.seed, self.replicate, self.point)

    @cached_property
    def general(self) -> str | None:
        """Key of the run, from the same start, that parameters of this one are fitted to; None where none are."""
        if not fits(self.point["dynamics"]):
            return None
        general = general_of(self.dynamics)
        return replace(self, dynamics=general, point={**self.point, "dynamics": {"name": general}}).id

    @cached_property
    def matrix(self) -> str:
        """Key of the run's data matrix."""
        return matrix_id(self.experiment, self.seed, self.replicate, self.point["matrix"])

    @property
    def stream(self) -> np.random.Generator:
        """Random stream of the run's start."""
        return random_stream(self.seed, self.replicate, "factors")


def matrix_id(experiment: str, seed: int, replicate: int, matrix: Mapping[str, Any]) -> str:
    """Key of a data matrix; a matrix that is read, not drawn, is the same in every replicate."""
    if not is_drawn(matrix):
        return digest(experiment, matrix)
    return digest(experiment, seed, replicate, matrix)


def is_drawn(matrix: Mapping[str, Any]) -> bool:
    """Whether a matrix depends on the replicate."""
    return SOURCES[matrix["source"]].reads is None


def random_stream(seed: int, replicate: int, purpose: str) -> np.random.Generator:
    """Random stream of one purpose in one replicate, whatever else is computed with it."""
    return np.random.default_rng([seed, replicate, zlib.crc32(purpose.encode())])


def count(node: Any) -> int:
    """Number of points of a part of an experiment: the keys of a mapping multiply, the values of an axis add."""
    if not isinstance(node, Mapping):
        return 1
    return math.prod(sum(count(value) for value in axis(key, node[key])) for key in node)


def point(node: Any, index: int) -> Any:
    """Point number `index` of a part of an experiment; the last key varies fastest."""
    if not isinstance(node, Mapping):
        return node
    values = {}
    for key in reversed(node):
        alternatives = axis(key, node[key])
        index, place = divmod(index, sum(count(value) for value in alternatives))
        for value in alternatives:
            if place < count(value):
                break
            place -= count(value)
        values[key] = point(value, place)
    return dict(reversed(values.items()))


def expand(part: Any) -> Iterator[Any]:
    """Every point of a part of an experiment, which may be a list of alternatives."""
    for node in part if isinstance(part, list) else [part]:
        yield from (point(node, index) for index in range(count(node)))


def axis(key: str, value: Any) -> list:
    """The values of a key along its axis; a single value is an axis of one, and a vector is a single value."""
    is_vector = key in keys.VECTORS and isinstance(value, list) and not isinstance(value[0], list)
    return value if isinstance(value, list) and not is_vector else [value]


def points(experiment: Mapping[str, Any], dynamics: str) -> dict[str, Any]:
    """The part of an experiment that spans the grid of one dynamics, of which it has that block only."""
    spanning = {key: value for key, value in experiment.items() if key in SPANNING}
    return spanning | {"dynamics": blocks(experiment)[dynamics]}


def blocks(experiment: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The dynamics of an experiment: their blocks by name."""
    return {block["name"]: block for block in experiment["dynamics"]}


def parameters(experiment: Mapping[str, Any]) -> dict[str, list]:
    """The values that each parameter of a run takes over the grid of an experiment, by column of the results."""
    found: dict[str, list] = {}

    def collect(node: Mapping, path: tuple[str, ...]) -> None:
        for key, values in node.items():
            for value in axis(key, values):
                if isinstance(value, Mapping):
                    collect(value, (*path, key))
                elif (*path, key) in COLUMNS and value not in found.setdefault(COLUMNS[*path, key], []):
                    found[COLUMNS[*path, key]].append(value)

    collect(experiment, ())
    return found


def narrowed(experiment: Mapping[str, Any], where: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment without the blocks none of whose runs has the given values of parameters, by column."""

    def may_have(room: str, block: Mapping[str, Any]) -> bool:
        return all(where[COLUMNS[room, key]] in axis(key, values) for key, values in block.items() if has(room, key))

    def has(room: str, key: str) -> bool:
        return COLUMNS.get((room, key)) in where

    rooms = {room: axis(room, experiment[room]) for room in keys.ROOMS if room in experiment}
    return {**experiment, **{room: [one for one in some if may_have(room, one)] for room, some in rooms.items()}}


def axes(experiment: Mapping[str, Any]) -> list[str]:
    """The parameters that vary over the grid of an experiment, by column of the results."""
    return [name for name, values in parameters(experiment).items() if len(values) > 1]


def chunks(config: Mapping[str, Any], experiment: str, dynamics: str) -> list[str]:
    """Names of the chunks of one dynamics of an experiment."""
    settings = config["experiments"][experiment]
    runs = count(points(settings, dynamics)) * settings["replicates"]
    return [f"{number:05d}" for number in range(-(-runs // settings["runs_per_job"]))]


def chunk_points(config: Mapping[str, Any], experiment: str, dynamics: str, chunk: str) -> list[dict[str, Any]]:
    """What one chunk runs, for a job's parameters: its points, each with its first replicate and the one past the last.

    Chunks are consecutive runs in the grid's order, replicates fastest.
    """
    settings = config["experiments"][experiment]
    size, replicates, grid = settings["runs_per_job"], settings["replicates"], points(settings, dynamics)
    first = int(chunk) * size
    last = min(first + size, count(grid) * replicates)
    return [
        {
            "replicates": [max(first - number * replicates, 0), min(last - number * replicates, replicates)],
            "point": _with_loss(point(grid, number)),
        }
        for number in range(first // replicates, -(-last // replicates))
    ]


def _with_loss(one: dict[str, Any]) -> dict[str, Any]:
    """A point with the loss of its source, where it has none."""
    return {"loss": dict(SOURCES[one["matrix"]["source"]].loss), **one}


def losses(experiment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every loss of an experiment, with its parameters."""
    if "loss" in experiment:
        return list(expand(experiment["loss"]))
    found = [dict(SOURCES[matrix["source"]].loss) for matrix in axis("matrix", experiment["matrix"])]
    return [loss for place, loss in enumerate(found) if loss not in found[:place]]


def keeps_trajectories(experiment: Mapping[str, Any]) -> bool:
    """Whether the samples of runs are stored, as in every dataset of before that could be chosen."""
    return experiment.get("trajectories", True)


def has_rates(experiment: Mapping[str, Any]) -> bool:
    """Whether rates are measured: of trajectories where a limit is known, or the products are kept."""
    known = "product" in experiment["record"] or any(LOSSES[loss["kind"]].has_limit for loss in losses(experiment))
    return known and keeps_trajectories(experiment)


def runs(experiment: str, dynamics: str, seed: int, parts: list[dict[str, Any]]) -> Iterator[Run]:
    """The runs of `chunk_points`."""
    for part in parts:
        one = Repeated(part["point"], matrix=Repeated(part["point"]["matrix"]))
        for replicate in range(*part["replicates"]):
            yield Run(experiment, dynamics, seed, replicate, one)


def matrix_points(config: Mapping[str, Any], experiment: str) -> list[dict[str, Any]]:
    """Every point of the matrix part of an experiment."""
    return list(expand(config["experiments"][experiment]["matrix"]))


def sample_times(time: Mapping[str, Any]) -> np.ndarray:
    """Times at which a run is observed, shape (samples,), increasing: 0, then evenly spaced to the horizon.

    Spacing is linear, or in the logarithm from `first` on; the sample nearest to a power of ten is moved onto it.
    """
    if time["spacing"] != "log":
        return np.linspace(0.0, time["horizon"], time["samples"])
    times = np.geomspace(time["first"], time["horizon"], time["samples"] - 1)
    # Views, so that the first time and the horizon stay. Of powers with the same nearest sample the largest gets it.
    inner, logarithms = times[1:-1], np.log10(times[1:-1])
    for power in range(math.ceil(math.log10(times[0])), math.floor(math.log10(times[-1])) + 1):
        # Read as text: powers are computed a bit off.
        decade = float(f"1e{power}")
        if inner.size and times[0] < decade < times[-1]:
            inner[np.argmin(np.abs(logarithms - power))] = decade
    return np.concatenate([[0.0], times])


def digest(*parts: Any) -> str:
    """Short key of numbers, texts, lists and mappings."""
    text = f"[{', '.join(map(_text, parts))}]"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(part: Any) -> str:
    """JSON in which 1 and 1.0 are one value, and a vector is the same as list or tuple."""
    if isinstance(part, Repeated):
        return part.text
    return json.dumps(json.loads(json.dumps(part), parse_int=float), sort_keys=True)


class Repeated(dict[str, Any]):
    """A part of a point that many runs have; its text is made once."""

    @cached_property
    def text(self) -> str:
        return _text(dict(self))


def parts(file: str) -> tuple[str, ...]:
    """The stage of a file in `results`, its experiment, and what else its name says."""
    names = Path(file).with_suffix("").parts
    start = max(place for place, name in enumerate(names) if name in STAGES and names[place - 1] == "results")
    return names[start:]


def input_files(config: Mapping[str, Any], experiment: str, folder: Path) -> list[str]:
    """Files that an experiment's matrices are read from."""
    paths = [matrix["path"] for matrix in matrix_points(config, experiment) if "path" in matrix]
    return [os.path.relpath(folder / path) for path in paths]


def files(config: Mapping[str, Any], stage: str, experiment: str | None = None) -> list[str]:
    """Files of one of STAGES, of one or every experiment.

    There are none of trajectories where it keeps none, and none of rates and of their tables where it does not have
    rates.
    """
    if experiment is None:
        return [file for name in config["experiments"] for file in files(config, stage, name)]
    if stage == "matrices":
        return [f"results/matrices/{experiment}.parquet"]
    settings = config["experiments"][experiment]
    if stage == "lambda0":
        fitted = [chunk for name in generals(settings) for chunk in chunks(config, experiment, name)]
        return [f"results/lambda0/{experiment}/{chunk}.parquet" for chunk in fitted]
    if not {"runs": True, "trajectories": keeps_trajectories(settings)}.get(stage, has_rates(settings)):
        return []
    if stage == "tables":
        return [f"results/tables/{experiment}.parquet"]
    return [
        f"results/{stage}/{experiment}/{dynamics}/{chunk}.parquet"
        for dynamics in blocks(settings)
        for chunk in chunks(config, experiment, dynamics)
    ]


def dataset_files(config: Mapping[str, Any]) -> list[str]:
    """Every Parquet file of the dataset."""
    return [file for stage in STAGES for file in files(config, stage)]


def fits(block: Mapping[str, Any]) -> bool:
    """Whether the block of a dynamics takes a parameter that is fitted to another dynamics."""
    return keys.FIT in block.values()


def general_of(dynamics: str) -> str:
    """Name of the dynamics that parameters of a dynamics may be fitted to."""
    general = DYNAMICS[dynamics].general
    assert general is not None, f"nothing is fitted to {dynamics}"
    return general.name


def generals(experiment: Mapping[str, Any]) -> list[str]:
    """Names of the dynamics of an experiment that others are fitted to; one at most."""
    return list({general_of(name) for name, block in blocks(experiment).items() if fits(block)})


def record(config: Mapping[str, Any], experiment: str, dynamics: str) -> list[str]:
    """What the runs of a dynamics keep beyond the usual: what the config asks for, and what a fit to them needs."""
    settings = config["experiments"][experiment]
    needed = {"product", "factors"} if dynamics in generals(settings) else set()
    return sorted(needed | set(settings["record"]))


def fitted_files(config: Mapping[str, Any], experiment: str, dynamics: str, chunk: str) -> list[str]:
    """The file with what is fitted for a chunk: its runs are those of the same chunk of the general dynamics."""
    block = blocks(config["experiments"][experiment])[dynamics]
    return [f"results/lambda0/{experiment}/{chunk}.parquet"] if fits(block) else []


def general_file(config: Mapping[str, Any], stage: str, experiment: str, chunk: str) -> str:
    """File of a stage with the runs that a chunk is fitted to."""
    (general,) = generals(config["experiments"][experiment])
    return f"results/{stage}/{experiment}/{general}/{chunk}.parquet"
