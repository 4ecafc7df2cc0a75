"""Configs with faults, and what may come of them: a refusal in one line, or a run to the end."""

import copy
import datetime
import signal
from collections import Counter
from contextlib import contextmanager

import declared
import hypothesis
import numpy as np
import pytest
import yaml
from conftest import PROJECT, entropy, small_config
from illustrating import drawn

from linear_networks.components import REQUIRED
from linear_networks_workflow import config as configuration
from linear_networks_workflow import costs, grid, inputs, jobs, keys
from linear_networks_workflow.config import checks
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import KINDS, planning
from linear_networks_workflow.stages import tables

# Seconds after which a config hangs.
LIMIT = 25

# What is not computed, as it takes long by its size: seconds of all runs, MiB of a job, and steps of a flow.
MOST_SECONDS, MOST_MEMORY, MOST_STEPS = 1.0, 600, 3000

# A line that is longer holds what should have been cut.
LONGEST_LINE = 1000

SQUARE = {"source": "gaussian", "rows": 3, "columns": 3, "symmetric": True}
EXPERIMENTS = (
    {"matrix": SQUARE, "initialization": {"kind": "gaussian", "scale": 0.5, "tied": True}, "width": [2, 8]},
    {"initialization": {"kind": "spectral", "scale": 0.1, "imbalance": [1.0, [0.0, 1.0, 2.0]]}, "width": 3},
    {"initialization": {"kind": "identity", "scale": 0.5, "imbalance": [1.5, -1.5]}, "width": 3},
    {"dynamics": [{"name": "regularized", "lambda0": [1.0, [1.0, 2.0]], "weight": [0.125, 0.25]}], "width": 2},
    {"matrix": {"source": "teacher", "samples": 20, "features": 3, "noise": 0.01}, "loss": {"kind": "regression"}},
    {
        "matrix": {"source": "file", "path": "matrix.csv"},
        "solver": {"method": "flow"},
        "record": ["product", "factors"],
    },
    {"matrix": {"source": "table", "path": "table.csv", "target": "y"}},
)
FILES = {"matrix.csv": "3,0.5,0\n0.25,2,1\n", "table.csv": "a,b,y\n1,0.5,u\n0.25,2,v\n3,1,u\n-1,2,w\n"}

NUMBERS = (0, 1, 2, 3, -1, 0.0, 1.0, 50.0, -0.5, 1e-3, 0.3, 1e3, 1e9, 1e20, 1e-20, 1e120, 1e-120, 1e200, 1e-200)
NUMBERS += (5e-324, 1.7e308, float("nan"), float("inf"), 2**31, 2**63, 2**64, 10**30, 10**4000, True, 1e-9)
TEXTS = ("", "fit", "1e-3", "linear", "a\nb", "{a}", "x" * 300, "ü", "../x", "0", "null", "*", "%s", "scale", "solver")
OTHERS = (None, [], {}, [[]], [1.0], [1.0, 2.0], [0.0, 0.0, 0.0], [[1.0], [2.0]], [1, [2]], {"a": 1}, {1: 2})
OTHERS += (datetime.date(2026, 1, 1), ["linear"], [{}], [None])


class Hang(Exception):
    """What took longer than LIMIT."""


@contextmanager
def limited(seconds=LIMIT):
    """Raise Hang if what is inside takes longer."""

    def stop(*_):
        raise Hang(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def bases():
    """Small configs without faults."""
    illustrated = [yaml.safe_load(kind.example) for kind in KINDS.values()]
    for config in illustrated:
        for experiment in config["experiments"].values():
            experiment["time"].update(horizon=5.0, samples=20)
    return illustrated + [{**small_config(**changes), "figures": {}} for changes in EXPERIMENTS]


def mutated(rng, config, count):
    """The config with so many faults."""
    config = copy.deepcopy(config)
    for _ in range(count):
        MUTATIONS[rng.integers(len(MUTATIONS))](rng, config)
    return config


def pick(rng, values):
    return values[rng.integers(len(values))]


def _places(node):
    """Every mapping or list of a config with each of its keys."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from _places(value)


def _place(rng, config):
    return pick(rng, list(_places(config)) or [({"": None}, "")])


def _hostile(rng):
    return copy.deepcopy(pick(rng, pick(rng, (NUMBERS, NUMBERS, TEXTS, OTHERS))))


def _blocks(config, key):
    """The blocks by name below a key, as far as faults have left some."""
    named = config.get(key)
    return [block for block in named.values() if isinstance(block, dict)] if isinstance(named, dict) else []


def _replace(rng, config):
    node, key = _place(rng, config)
    node[key] = _hostile(rng)


def _numbers(config):
    """Every place of a config with a number."""
    return [(node, key) for node, key in _places(config) if type(node[key]) in (int, float)] or [({"": 1.0}, "")]


def _number(rng, config):
    node, key = pick(rng, _numbers(config))
    node[key] = pick(rng, NUMBERS)


def _scale(rng, config):
    node, key = pick(rng, _numbers(config))
    node[key] = node[key] * 10.0 ** int(rng.integers(-3, 4)) if isinstance(node[key], float) else node[key] + 1


def _drop(rng, config):
    node, key = _place(rng, config)
    del node[key]


def _add(rng, config):
    node, _ = _place(rng, config)
    if isinstance(node, dict):
        words = [name for room in keys.ROOMS.values() for one in room.components.values() for name in one.parameters]
        node[pick(rng, [*words, *keys.TIME, *keys.SETTINGS, "where", "columns", 3, None])] = _hostile(rng)
    else:
        node.append(_hostile(rng))


def _axis(rng, config):
    node, key = pick(rng, _numbers(config))
    node[key] = [node[key], node[key] + 1]


def _component(rng, config):
    """Another component in the place of one, with parameters that it allows."""
    room = pick(rng, list(keys.ROOMS))
    component = pick(rng, list(keys.ROOMS[room].components.values()))
    required = {key: one for key, one in component.parameters.items() if one.default is REQUIRED or rng.random() < 0.3}
    block = {keys.ROOMS[room].key: component.name} | {key: declared.example(one) for key, one in required.items()}
    for experiment in _blocks(config, "experiments"):
        experiment[room] = [block] if room == "dynamics" else block


def _option(rng, config):
    """Another experiment's axis, kind or value held in a figure."""
    for figure in _blocks(config, "figures"):
        axis = pick(rng, [*sorted(set(grid.COLUMNS.values())), "nothing"])
        change = pick(rng, ({"kind": pick(rng, list(KINDS))}, {"columns": axis}, {"rows": axis}))
        figure.update(pick(rng, (change, {"where": {axis: pick(rng, NUMBERS)}})))


# Those that leave most configs valid come more often.
MUTATIONS = (_replace, _number, _drop, _add, _option, *(_axis, _component) * 2, *(_scale,) * 4)


def judged(config, folder):
    """What validation and planning make of a config: `refused`, `long`, or the complete config.

    Raises
    ------
    Exception
        Whatever else than a refusal is raised.
    AssertionError
        If a refusal is not one line.
    """
    config = copy.deepcopy(config)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checks, "MANY", MOST_STEPS)
            warnings = configuration.prepare(config, folder / "my.yaml")
    except configuration.ConfigError as error:
        return refused(error)
    plan(config, folder)
    stiff = any(".time.horizon: the flow" in warning for warning in warnings)
    return "long" if stiff or is_long(config, folder) else config


def outcome(config, folder):
    """What comes of a config: as it is `judged`, or `ran`, or `figure refused`.

    Raises
    ------
    Exception
        Whatever is raised but a refusal before any job, or of a figure that finds nothing to draw.
    AssertionError
        If a refusal is not one line.
    """
    prepared = judged(config, folder)
    if isinstance(prepared, str):
        return prepared
    found = {name: run(config, name, folder) for name in prepared["experiments"]}
    for name, frames in found.items():
        if "tables" in frames:
            write(frames["tables"], name, jobs.notes(prepared["experiments"][name]))
    try:
        for name in prepared["figures"]:
            with drawn(prepared, name, found):
                pass
    except InputError as error:
        return f"figure {refused(error)}"
    return "ran"


def refused(error):
    text = str(error)
    assert text.strip()
    assert text.isprintable(), f"not one line: {text[:300]!r}"
    assert len(text) <= LONGEST_LINE, f"{len(text)} letters: {text[:300]}"
    return "refused"


def plan(config, folder):
    """What is asked of a config before any job, as the rules do."""
    for name, experiment in config["experiments"].items():
        cost = costs.Costs.of(experiment, folder)
        spent = (cost.lambda0(), cost.rates(), *map(cost.simulation, grid.blocks(experiment)))
        assert min(cost.memory(), cost.threads(), *map(cost.minutes, spent)) > 0
        for dynamics in grid.blocks(experiment):
            for chunk in grid.chunks(config, name, dynamics)[:2]:
                grid.chunk_points(config, name, dynamics, chunk)
        for stage in ("matrices", "runs", "trajectories", "lambda0", "rates", "tables"):
            grid.files(config, stage, name)
    for name in config["figures"]:
        planning.files(config, name)


def is_long(config, folder):
    """Whether the runs of a config take too long to be computed here, or too much memory."""
    seconds = 0.0
    for experiment in config["experiments"].values():
        cost = costs.Costs.of(experiment, folder)
        one = cost.lambda0() + cost.rates() + max(map(cost.simulation, grid.blocks(experiment)))
        count = max(grid.count(grid.points(experiment, dynamics)) for dynamics in grid.blocks(experiment))
        seconds += one * count * experiment["replicates"] * len(grid.blocks(experiment))
        if cost.memory() > MOST_MEMORY or max(map(max, inputs.shapes(experiment, folder))) > 200:
            return True
    return seconds > MOST_SECONDS


def write(table, name, notes):
    """The table of rates in every form of text."""
    tables.markdown(table, name, notes)
    tables.latex(table, name)
    tables.html(table, name, PROJECT / "workflow" / "report" / "table.html", notes)


def streams(part, short, long):
    """Random streams of the cases of a part: so many in every run of the tests, and in `make fuzz`."""
    root = entropy()
    count = short if hypothesis.settings().derandomize else long
    return (np.random.default_rng([root, part, number]) for number in range(count))


def faulty(rng):
    """A small config with one or two faults."""
    return mutated(rng, pick(rng, bases()), pick(rng, (1, 1, 2)))


def tally(cases, judge):
    """How often each outcome came; a case that fails is shown whole."""
    found = Counter()
    for case in cases:
        try:
            with limited():
                found[judge(case)] += 1
        except Exception:
            print(case)
            raise
    return found
