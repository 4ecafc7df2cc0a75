import copy
import json
import re
import tomllib

import jsonschema
import pytest
import yaml
from conftest import PROJECT, small_config

from linear_networks_workflow import config as configuration
from linear_networks_workflow import keys
from linear_networks_workflow.config import reference
from linear_networks_workflow.dataset.parameters import PARAMETERS
from linear_networks_workflow.errors import ConfigError


def changed(path, value):
    """The small config with the value at a dotted path replaced, or its key dropped if the value is None."""
    config = copy.deepcopy(small_config())
    *parents, key = path.split(".")
    node = config
    for parent in parents:
        node = node[parent]
    if value is None:
        del node[key]
    else:
        node[key] = value
    return config


SMALL = "experiments.small"
SQUARE = {"source": "gaussian", "rows": 3, "columns": 3, "symmetric": True}
TEACHER = {"source": "teacher", "samples": 20, "features": 3, "noise": 0.0}
SPECTRUM = {"source": "spectrum", "rows": 3, "columns": 4, "values": [2.0, 1.0]}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (f"{SMALL}.wdith", 3, f"{SMALL}.wdith: unknown key 'wdith'; did you mean 'width'?"),
        ("seeed", 3, "seeed: unknown key 'seeed'; did you mean 'seed'?"),
        (f"{SMALL}.solver.step", 3, f"{SMALL}.solver.step: unknown key 'step'"),
        (f"{SMALL}.width", None, f"{SMALL}.width: missing"),
        (f"{SMALL}.width", -3, f"{SMALL}.width: -3 is not an integer >= 1"),
        (f"{SMALL}.width", [4, 0], f"{SMALL}.width.1: 0 is not an integer >= 1"),
        (f"{SMALL}.width", 2.5, f"{SMALL}.width: 2.5 is not an integer >= 1"),
        (f"{SMALL}.width", 50.0, f"{SMALL}.width: 50.0 is not an integer >= 1; write 50"),
        (f"{SMALL}.width", "07", f"{SMALL}.width: '07' (text) is not an integer >= 1; write 7 without quotes"),
        (f"{SMALL}.width", 10**30, f"{SMALL}.width: {10**30} is too large; at most 2147483647"),
        (f"{SMALL}.width", 10**4000, f"{SMALL}.width: an integer of more than 80 digits is too large"),
        (f"{SMALL}.width", 2**31 - 1, f"{SMALL}.width: a start of 7 x 2147483647 numbers is too large"),
        (f"{SMALL}.width", "x" * 500, f"'{'x' * 78}… (text) is not an integer"),
        (f"{SMALL}.matrix.rows", 3.0, f"{SMALL}.matrix.rows: 3.0 is not an integer >= 1; write 3"),
        (f"{SMALL}.matrix.rows", 10**400, f"{SMALL}.matrix.rows: an integer of more than 80 digits is too large"),
        (f"{SMALL}.matrix.rows", 2**31 - 1, f"{SMALL}.matrix: a matrix of 2147483647 x 4 numbers is too large"),
        (f"{SMALL}.matrix.columns", 4.0, f"{SMALL}.matrix.columns: 4.0 is not an integer >= 1; write 4"),
        (f"{SMALL}.matrix", {**TEACHER, "samples": 20.0}, f"{SMALL}.matrix.samples: 20.0 is not an integer >= 1"),
        (f"{SMALL}.matrix", {**TEACHER, "samples": 2**31 - 1, "features": 1000}, f"{SMALL}: a run of 1000 x 1000"),
        (f"{SMALL}.replicates", 2.0, f"{SMALL}.replicates: 2.0 is not an integer >= 1; write 2"),
        (f"{SMALL}.replicates", 10**30, f"{SMALL}.replicates: {10**30} is too large"),
        (f"{SMALL}.replicates", 2**31 - 1, f"{SMALL}: 9e+09 runs make 5e+05 jobs; Snakemake plans 100000 at most"),
        (f"{SMALL}.runs_per_job", 10**30, f"{SMALL}.runs_per_job: {10**30} is too large"),
        ("seed", 7.0, "seed: 7.0 is not an integer >= 0 <= 9223372036854775807; write 7"),
        ("seed", 2**63, "seed: 9223372036854775808 is not an integer >= 0 <= 9223372036854775807"),
        (f"{SMALL}.time.horizon", 10**400, f"{SMALL}.time.horizon: an integer of more than 80 digits is not a finite"),
        (f"{SMALL}.time.horizon", 8e13, f"{SMALL}: a run takes about"),
        (f"{SMALL}.solver.step_size", 5e-324, f"{SMALL}.solver.step_size: 4.94066e-324 makes inf steps"),
        (f"{SMALL}.solver.step_size", 2.1, f"{SMALL}.solver.step_size: 2.1 is longer than the horizon 2; no step"),
        (f"{SMALL}.time.horizon", [4.0, 0.001], f"{SMALL}.solver.step_size: 0.01 is longer than the horizon 0.001"),
        (f"{SMALL}.trajectories", "no", f"{SMALL}.trajectories: 'no' (text) is not true or false"),
        (
            f"{SMALL}.trajectories",
            False,
            "figures.panels.experiment: small has no trajectories: write trajectories:",
        ),
        (f"{SMALL}.width", True, f"{SMALL}.width: true is not an integer >= 1"),
        (f"{SMALL}.width", "wide", f"{SMALL}.width: 'wide' (text) is not an integer >= 1"),
        (f"{SMALL}.width", [], f"{SMALL}.width: is empty"),
        (f"{SMALL}.initialization.scale", 10**18, f"{10**18} is too large for an integer; write 1.0e+18"),
        (f"{SMALL}.initialization.scale", [], f"{SMALL}.initialization.scale: is empty"),
        (f"{SMALL}.initialization.scale", [1.0, 1], f"{SMALL}.initialization.scale: [1.0, 1] lists a value twice"),
        (f"{SMALL}.initialization.scale", float("nan"), f"{SMALL}.initialization.scale: .nan is not a finite number"),
        (f"{SMALL}.solver.step_size", "1e-3", "'1e-3' is text; YAML needs a decimal point: 1.0e-3"),
        (f"{SMALL}.solver.step_size", "1.55e3", "'1.55e3' is text; YAML needs a sign in the exponent: 1.55e+3"),
        (f"{SMALL}.solver.step_size", ".5e-3", "'.5e-3' is text"),
        (f"{SMALL}.solver.step_size", [1.0, "1e-3"], f"{SMALL}.solver.step_size.1: '1e-3' is text"),
        (f"{SMALL}.solver.step_size", 0, f"{SMALL}.solver.step_size: 0 is not a finite number > 0"),
        (f"{SMALL}.solver.method", "decent", "unknown value 'decent'; did you mean 'descent'? allowed: descent"),
        (f"{SMALL}.dynamics", "linear", f"{SMALL}.dynamics: 'linear' (text) is not a list; write [linear]"),
        (f"{SMALL}.dynamics", ["linaer"], f"{SMALL}.dynamics.0: unknown value 'linaer'; did you mean 'linear'?"),
        (f"{SMALL}.matrix", 3, f"{SMALL}.matrix: 3 is not a mapping"),
        (
            f"{SMALL}.matrix",
            "gausian",
            "is not a mapping of keys to values; write {source: gaussian, rows: …, columns: …}",
        ),
        (f"{SMALL}.matrix", "mine", "is not a mapping of keys to values; allowed for its key source: file, gaussian"),
        (
            f"{SMALL}.loss",
            "regression",
            "'regression' (text) is not a mapping of keys to values; write {kind: regression}",
        ),
        (
            f"{SMALL}.solver",
            ["flow"],
            f"{SMALL}.solver.0: 'flow' (text) is not a mapping of keys to values; write {{method",
        ),
        (
            f"{SMALL}.matrix",
            {"sorce": "gaussian"},
            f"{SMALL}.matrix.sorce: unknown key 'sorce'; did you mean 'source'?",
        ),
        (f"{SMALL}.loss", {"knd": "squared"}, f"{SMALL}.loss.knd: unknown key 'knd'; did you mean 'kind'?"),
        ("figures.panels.kind", None, "figures.panels.kind: missing"),
        (f"{SMALL}.matrix.source", "gausian", "did you mean 'gaussian'?"),
        (f"{SMALL}.matrix.path", "y.csv", f"{SMALL}.matrix.path: unknown key 'path'"),
        (f"{SMALL}.matrix.symmetric", True, f"{SMALL}.matrix.symmetric: a symmetric matrix needs rows and columns"),
        (f"{SMALL}.matrix", {"source": "file", "path": "no.csv"}, f"{SMALL}.matrix.path: no file"),
        (f"{SMALL}.matrix", {"source": "file", "path": "a\nb\0.csv"}, "a\\nb\\x00.csv (paths start at"),
        (f"{SMALL}.matrix", {"source": "file", "path": "y" * 300 + ".csv"}, f"{SMALL}.matrix.path: no file"),
        (f"{SMALL}.matrix", {**SPECTRUM, "values": [1.0, "1e-2"]}, f"{SMALL}.matrix.values.1: '1e-2' is text"),
        (f"{SMALL}.matrix", {**SPECTRUM, "values": [1.0] * 4}, "4 values do not fit a matrix whose smaller side is 3"),
        (f"{SMALL}.matrix", {**SPECTRUM, "values": [1.0, -1.0]}, "eigenvalues need symmetric: true"),
        (f"{SMALL}.matrix", {**SPECTRUM, "values": [0.0, 0.0]}, "relative error of a zero matrix is undefined"),
        (f"{SMALL}.time.spacing", "log", f"{SMALL}.time.first: missing"),
        (f"{SMALL}.time.first", 0.1, f"{SMALL}.time.first: linear spacing has no first time"),
        (f"{SMALL}.time", {"horizon": 1.0, "samples": 5, "spacing": "log", "first": 2.0}, "not before the horizon"),
        ("experiments", {"a b": {}}, "'a b' is no name"),
        ("experiments", {"a\nb": {}}, "experiments: 'a\\nb' is no name"),
        ("experiments", {"a{b}": {}}, "experiments: 'a{b}' is no name"),
        ("experiments", {"a" * 101: {}}, f"experiments: '{'a' * 78}… is no name"),
        ("experiments", {1: {}}, "experiments: 1 is no name; write it in quotes"),
        ("experiments", {None: {}}, "experiments: null is no name; write it in quotes"),
        (f"{SMALL}.a\nb", 3, f"{SMALL}.a\\nb: unknown key 'a\\nb'"),
        ("figures.panels.experiment", "big", "figures.panels.experiment: unknown experiment 'big'; allowed: small"),
        (f"{SMALL}.width", [2, 3], "figures.panels.where.width: missing; choose one of [2, 3]"),
        ("figures.panels.where", {"width": 3}, "figures.panels.where.width: 3 is no value of the experiment: [8]"),
        ("figures.panels.where", {"solvr": "flow"}, "where.solvr: unknown axis 'solvr'; did you mean 'solver'?"),
        ("figures.panels.columns", "scael", "did you mean 'scale'?"),
        (
            "figures.panels",
            {"kind": "comparison", "experiment": "small", "columns": "scale"},
            "needs the dynamics regularized",
        ),
        ("figures.panels", {"kind": "lambda0", "experiment": ["small"]}, "needs the dynamics regularized"),
        (
            "figures.panels",
            {"kind": "loss", "experiment": "small", "rows": "scale"},
            "small needs loss: {kind: regression, link: sigmoid}",
        ),
        (
            "figures.panels",
            {"kind": "descent-vs-flow", "experiment": "small"},
            "small needs both solvers, descent and flow",
        ),
        ("figures.panels", {"kind": "regimes", "experiment": "small"}, "small needs a spectrum of one mode"),
        (
            "figures.panels",
            {"kind": "modes", "experiment": ["small"]},
            "figures.panels.where.scale: missing; choose one of",
        ),
        ("figures.all", {"kind": "reconstruction", "experiment": "small", "columns": "scale"}, "the name is taken"),
        (f"{SMALL}.dynamics", ["linear"], "figures.panels.experiment: small needs the dynamics asymmetric as well"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line_with_its_path(path, value, message):
    with pytest.raises(ConfigError) as refusal:
        configuration.prepare(changed(path, value), PROJECT / "my.yaml")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


def held(where, **changes):
    """A config with a figure that holds parameters, of an experiment with blocks of starts and solvers."""
    starts = [{"kind": "gaussian", "scale": [0.1, 1.0]}, {"kind": "balanced", "scale": 0.3}]
    solvers = [{"method": "flow"}, {"method": "descent", "step_size": [0.01, 0.02]}]
    config = small_config(initialization=starts, solver=solvers, **changes)
    config["figures"]["panels"]["where"] = where
    configuration.prepare(config, PROJECT / "my.yaml")
    return config


def test_a_figure_chooses_among_the_axes_of_the_runs_that_it_holds():
    held({"solver": "flow", "initialization": "gaussian"})
    held({"solver": "descent", "step_size": 0.02, "initialization": "balanced"})
    with pytest.raises(ConfigError, match=r"where.step_size: missing; choose one of \[0.01, 0.02\]"):
        held({"solver": "descent", "initialization": "gaussian"})


def test_a_figure_of_values_that_no_run_has_together_is_refused():
    with pytest.raises(ConfigError, match=r"figures.panels.where: no run has all of these values: \{"):
        held({"solver": "flow", "initialization": "balanced", "scale": 1.0})


def test_no_figure_is_along_an_axis_of_vectors():
    start = {"kind": "spectral", "products": [[0.1, 0.2, 0.3]], "imbalance": [0.0, [1.0, -1.0, 0.5]]}
    config = small_config(matrix={**SPECTRUM, "values": [3.0, 2.0, 1.0]}, width=3, initialization=start)
    figure = {"kind": "times", "experiment": "small", "along": "imbalance"}
    with pytest.raises(ConfigError, match="figures.panels.along: imbalance has values that are vectors; name another"):
        configuration.prepare({**config, "figures": {"panels": figure}}, PROJECT / "my.yaml")
    config["figures"] = {"panels": {**figure, "where": {"imbalance": 0.0}}}
    configuration.prepare(config, PROJECT / "my.yaml")


def regularized(**parameters):
    """The block of the regularized dynamics."""
    return {"name": "regularized", **parameters}


def combined(**changes):
    """A config without figures and with several keys of its experiment changed."""
    return {"experiments": small_config(**changes)["experiments"]}


EXACT = {"method": "exact"}
WISHART = {"kind": "wishart", "tau": 1.0}
TIED = {"kind": "gaussian", "scale": [0.1, 1.0], "tied": True}


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("initialization.tau", {"initialization": {"kind": "wishart", "tau": 1e200}}),
        ("initialization.tau", {"initialization": {"kind": "hyperbolic", "scale": 1.0, "lambda0": 0.0, "tau": 1e200}}),
        (
            "initialization.lambda0",
            {"initialization": {"kind": "hyperbolic", "scale": 1.0, "lambda0": -1e308, "tau": 0.0}},
        ),
        ("initialization.imbalance", {"initialization": {"kind": "identity", "scale": 1.0, "imbalance": -1e200}}),
        ("initialization.imbalance", {"initialization": {"kind": "rescaled", "scale": 1.0, "imbalance": 1e200}}),
        (
            "initialization.imbalance.1",
            {"initialization": {"kind": "spectral", "scale": 1.0, "imbalance": [0.0, 1e200]}},
        ),
        ("initialization.products.0", {"initialization": {"kind": "spectral", "products": [1e200], "imbalance": 0.0}}),
        ("dynamics.0.lambda0", {"dynamics": [{"name": "regularized", "lambda0": 1e200}]}),
        ("dynamics.0.lambda0", {"dynamics": [{"name": "end-to-end", "lambda0": 1e308, "tau": 0.0}]}),
        ("dynamics.0.tau", {"dynamics": [{"name": "end-to-end", "lambda0": 0.0, "tau": 1e200}]}),
    ],
)
def test_parts_of_a_start_whose_squares_are_no_numbers_are_refused(key, part):
    with pytest.raises(ConfigError, match=f"{SMALL}.{key}: .* is not a finite number .*<= 1e.50"):
        configuration.validate(combined(width=7, **part), PROJECT)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dynamics": ["symmetric"]}, f"{SMALL}.matrix: symmetric dynamics need a symmetric matrix"),
        (
            {"dynamics": ["linear"], "matrix": {**SQUARE, "rows": [3, 4], "columns": [3, 4]}},
            "rows and columns to be equal",
        ),
        ({"dynamics": ["riccati"], "matrix": {**SQUARE, "symmetric": False}}, "need a symmetric matrix"),
        (
            {"dynamics": ["symmetric"], "matrix": SQUARE, "initialization": {"kind": "balanced", "scale": 1.0}},
            f"{SMALL}.initialization.kind: balanced is not for symmetric dynamics; gaussian and spectral are",
        ),
        (
            {
                "dynamics": ["symmetric"],
                "matrix": SQUARE,
                "initialization": {"kind": "spectral", "scale": 1.0, "imbalance": [0.0, 1.0], "tied": True},
            },
            f"{SMALL}.initialization.imbalance: tied factors are balanced: write 0.0",
        ),
        (
            {
                "dynamics": ["symmetric"],
                "matrix": SQUARE,
                "initialization": {"kind": "spectral", "products": [1.0, -1.0, 1.0], "imbalance": 0.0, "tied": True},
            },
            f"{SMALL}.initialization.products: tied factors have X(0) = U U^T",
        ),
        (
            {"dynamics": ["symmetric"], "matrix": SQUARE},
            f"{SMALL}.initialization.tied: symmetric dynamics have V(0) = U(0): write tied: true",
        ),
        (
            {"initialization": TIED},
            f"{SMALL}.initialization.tied: V(0) = U(0) needs a square matrix, not one of 3 x 4",
        ),
        (
            {
                "matrix": {**SQUARE, "symmetric": False},
                "initialization": {"kind": "spectral", "scale": 1.0, "imbalance": 0.0, "tied": True},
            },
            f"{SMALL}.matrix: symmetric dynamics need a symmetric matrix",
        ),
        (
            {"initialization": {"kind": "spectral", "imbalance": 0.0}},
            f"{SMALL}.initialization.scale: missing; write scale, or products",
        ),
        ({"dynamics": ["linear", "regularized"]}, f"{SMALL}.dynamics.1.lambda0: missing"),
        ({"regularized": {"lambda0": 1.0}}, f"{SMALL}.regularized: unknown key 'regularized'"),
        ({"dynamics": [{"name": "linear", "weight": 1.0}]}, f"{SMALL}.dynamics.0.weight: unknown key 'weight'"),
        ({"dynamics": [{"lambda0": 1.0}]}, f"{SMALL}.dynamics.0.name: missing"),
        ({"dynamics": ["linear", 3]}, f"{SMALL}.dynamics.1: 3 is not a mapping"),
        ({"dynamics": ["linear", {"name": "linear"}]}, f"{SMALL}.dynamics: lists linear twice"),
        (
            {"dynamics": [regularized(lambda0=1.0), regularized(lambda0=2.0)]},
            f"{SMALL}.dynamics: lists regularized twice; a list below a parameter of one block is an axis",
        ),
        (
            {"dynamics": [regularized(lambda0="fitt")]},
            f"{SMALL}.dynamics.0.lambda0: 'fitt' (text) is not a finite number >= -1e+50 <= 1e+50, or fit",
        ),
        (
            {"dynamics": ["linear", regularized(lambda0="fit")]},
            f"{SMALL}.dynamics.1: fit needs the dynamics asymmetric beside regularized",
        ),
        (
            {"dynamics": ["asymmetric", regularized(lambda0="fit", weight=1.0)]},
            f"{SMALL}.dynamics.1.weight: fit compares with the closed form at weight: 0.125",
        ),
        (
            {"dynamics": ["asymmetric", regularized(lambda0=["fit", 2.0])]},
            f"{SMALL}.dynamics.1.lambda0: fit stands alone, not in a list",
        ),
        (
            {"dynamics": [regularized(lambda0=[[1.0, 2.0]])]},
            f"{SMALL}.dynamics.0.lambda0: 2 numbers for 8 columns of the factors",
        ),
        (
            {"loss": {"kind": "regression"}},
            f"{SMALL}.matrix.source: regression needs samples: write source: teacher",
        ),
        ({"loss": {"kind": "squard"}}, f"{SMALL}.loss.kind: unknown value 'squard'; did you mean 'squared'?"),
        ({"loss": {"kind": "squared", "link": "sigmoid"}}, f"{SMALL}.loss.link: unknown key 'link'"),
        ({"loss": None}, f"{SMALL}.loss: null is not a mapping"),
        (
            {"solver": {"method": "descent", "step_size": 1.0}, "time": {"horizon": 0.4, "samples": 40}},
            "is longer than",
        ),
        (
            {"dynamics": ["asymmetric", "symmetric"], "matrix": TEACHER, "initialization": TIED},
            f"{SMALL}.dynamics.1: symmetric descends the loss squared only, not regression",
        ),
        (
            {"initialization": {"kind": "identity", "scale": 1.0, "imbalance": [1.0, -1.0]}, "width": 4},
            f"{SMALL}.initialization.imbalance: Q = 1 I needs a width of at most the rows, 3, not 4",
        ),
        (
            {"initialization": {"kind": "spectral", "products": [1.0, 2.0], "imbalance": 0.0}},
            f"{SMALL}.initialization.products: 2 numbers for 3 modes",
        ),
        (
            {"initialization": {"kind": "spectral", "scale": 1.0, "imbalance": [[1.0, 2.0]]}},
            f"{SMALL}.initialization.imbalance: 2 numbers for 3 modes",
        ),
        ({"solver": EXACT}, f"{SMALL}.solver.method: asymmetric has no closed form from a gaussian start"),
        (
            {"solver": EXACT, "initialization": {"kind": "rescaled", "scale": 1.0, "imbalance": [0.0, 1.0]}},
            "asymmetric has no closed form from a rescaled start; try balanced, hyperbolic, identity or spectral",
        ),
        (
            {"solver": EXACT, "dynamics": ["linear"], "matrix": TEACHER},
            f"{SMALL}.solver.method: linear has no closed form",
        ),
        (
            {"solver": EXACT, "dynamics": [regularized(lambda0=1.0, weight=0.25)]},
            "regularized has a closed form for weight: 0.125 only",
        ),
        (
            {"solver": EXACT, "dynamics": [regularized(lambda0=[[1.0, 2.0]])], "width": 2},
            "regularized has a closed form for one lambda0",
        ),
        (
            {"trajectories": False, "record": ["factors", "product"]},
            f"{SMALL}.trajectories: is false, but record: [product] needs them: write trajectories: true",
        ),
        (
            {"trajectories": False, "record": ["kernel"]},
            f"{SMALL}.trajectories: is false, but record: [kernel] needs them: write trajectories: true",
        ),
        (
            {"trajectories": False, "dynamics": ["asymmetric", regularized(lambda0="fit")]},
            f"{SMALL}.trajectories: is false, but dynamics.1 needs them: write trajectories: true",
        ),
        (
            {"initialization": WISHART, "dynamics": ["asymmetric", regularized(lambda0=[[1.0] * 7 + [2.0]])]},
            f"{SMALL}.initialization.kind: wishart draws m + n columns at most, and regularized as it stands needs all",
        ),
        (
            {"initialization": WISHART, "matrix": SQUARE, "dynamics": ["symmetric"]},
            f"{SMALL}.initialization.kind: wishart is not for symmetric dynamics",
        ),
    ],
)
def test_a_combination_that_cannot_work_is_refused(changes, message):
    with pytest.raises(ConfigError) as refusal:
        configuration.validate(combined(**changes), PROJECT)
    assert message in str(refusal.value)


TWICE = [{**SPECTRUM, "rows": 4, "columns": [4, 7]}, {**SPECTRUM, "rows": [4, 7], "columns": 4}]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"matrix": TWICE}, ("matrix.1", "{source: spectrum, rows: 4, columns: 4, ", "matrix.0")),
        ({"matrix": [SPECTRUM, SQUARE, SPECTRUM]}, ("matrix.2", "{source: spectrum, ", "matrix.0")),
        (
            {"matrix": [{**SPECTRUM, "values": [1, 0]}, {**SPECTRUM, "values": [[2.0], [1.0, 0.0]]}]},
            ("matrix.1", "{source: spectrum, ", "matrix.0"),
        ),
        (
            {"solver": [{"method": "flow"}, {"method": "flow", "rtol": 1e-8}]},
            ("solver.1", "{method: flow, ", "solver.0"),
        ),
        (
            {"initialization": [TIED, {**TIED, "tied": False, "scale": 1}, {"kind": "gaussian", "scale": 1.0}]},
            ("initialization.2", "{kind: gaussian, scale: 1.0, tied: false}", "initialization.1"),
        ),
        (
            {"matrix": TEACHER, "loss": [{"kind": "regression"}, {"kind": "regression", "link": "identity"}]},
            ("loss.1", "{kind: regression, link: identity}", "loss.0"),
        ),
    ],
)
def test_a_run_that_two_blocks_stand_for_is_refused_with_both_places(changes, places):
    with pytest.raises(ConfigError) as refusal:
        configuration.validate(combined(**changes), PROJECT)
    place, run, other = places
    assert str(refusal.value).startswith(f"{SMALL}.{place}: {run}")
    assert f"stands in {other} already" in str(refusal.value)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "solver": EXACT,
            "dynamics": ["linear", "symmetric", "riccati", "asymmetric"],
            "matrix": SQUARE,
            "initialization": TIED,
        },
        {"solver": EXACT, "initialization": {"kind": "rescaled", "scale": 1.0, "imbalance": 0.0}},
        {"solver": EXACT, "initialization": {"kind": "identity", "scale": 1.0, "imbalance": [1.0, 0.0]}, "width": 3},
        {"solver": EXACT, "initialization": {"kind": "spectral", "scale": 1.0, "imbalance": [1.0, [0.0, 1.0, 2.0]]}},
        {
            "solver": EXACT,
            "initialization": {"kind": "hyperbolic", "scale": 1.0, "lambda0": [-1.0, 0.0], "tau": 1.0},
            "width": 7,
        },
        {"solver": EXACT, "width": 1},
        {"solver": EXACT, "dynamics": [{"name": "end-to-end", "lambda0": 1.0, "tau": [0.0, 1.0]}], "width": 2},
        {"solver": EXACT, "dynamics": [regularized(lambda0=[1.0, -1.0])]},
        {"dynamics": [regularized(lambda0=[[1.0, 2.0]], weight=[0.125, 0.25])], "width": 2},
        {"dynamics": ["asymmetric", regularized(lambda0="fit")]},
        {"initialization": TIED, "dynamics": ["linear"], "matrix": {**SQUARE, "symmetric": False}},
        {"matrix": TEACHER, "solver": {"method": "flow"}},
        {"trajectories": False, "record": ["factors"]},
        {"matrix": [TWICE[0], {**TWICE[1], "rows": 7}]},
        {"matrix": TEACHER, "loss": [{"kind": "regression", "link": ["identity", "sigmoid"]}, {"kind": "squared"}]},
    ],
)
def test_a_combination_that_works_is_accepted(changes):
    configuration.validate(combined(**changes), PROJECT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n2,3\n", None),
        ("1,2\n4,3\n", "y.csv differs from its transpose; for symmetric dynamics save"),
        ("1,2,5\n2,3,6\n", "y.csv is 2 x 3; symmetric dynamics need a square matrix"),
    ],
)
def test_a_file_is_asked_whether_it_is_symmetric(tmp_path, text, message):
    (tmp_path / "y.csv").write_text(text)
    config = combined(dynamics=["symmetric"], matrix={"source": "file", "path": "y.csv"}, initialization=TIED)
    if message is None:
        configuration.validate(config, tmp_path)
    else:
        with pytest.raises(ConfigError, match=message):
            configuration.validate(config, tmp_path)


def test_a_typing_error_is_named_rather_than_the_key_that_it_leaves_missing():
    config = changed(f"{SMALL}.width", None)
    config["experiments"]["small"]["wdith"] = 3
    with pytest.raises(ConfigError, match="did you mean 'width'"):
        configuration.validate(config, PROJECT)


def test_defaults_are_filled_in():
    config = small_config()
    configuration.validate(config, PROJECT)
    assert config["seed"] == 2021
    small = config["experiments"]["small"]
    assert (small["matrix"]["symmetric"], small["time"]["spacing"], small["record"]) == (False, "linear", [])
    assert small["dynamics"] == [{"name": "linear"}, {"name": "asymmetric"}]
    assert list(small["initialization"]) == ["kind", "scale", "tied"]


def test_a_config_that_is_complete_stays_as_it_is():
    config = combined(dynamics=["asymmetric", regularized(lambda0="fit")])
    configuration.validate(config, PROJECT)
    complete = copy.deepcopy(config)
    configuration.validate(config, PROJECT)
    assert config == complete
    assert json.dumps(config) == json.dumps(complete)


def test_the_shipped_config_is_valid_and_past_stability_only_where_a_figure_shows_the_limit():
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    assert configuration.prepare(config, PROJECT / "config.yaml") == []
    del config["figures"]["appendix-g"]
    warned = {line.split(".")[1] for line in configuration.prepare(config, PROJECT / "config.yaml")}
    assert warned == {"scalar", "five-by-ten"}


def test_a_step_size_past_the_stability_limit_is_a_warning():
    def warnings(step_size):
        config = {**changed(f"{SMALL}.solver.step_size", step_size), "figures": {}}
        config["experiments"]["small"]["time"]["horizon"] = 10.0
        return configuration.prepare(config, PROJECT / "my.yaml")

    # For a 3 x 4 problem of width 8 and scale 1, (sqrt 3 + sqrt 8)^2 + (2 + sqrt 8)^2 = 44: stable below 0.045.
    warning, *more = warnings([0.01, 0.1])
    assert warning.startswith(f"{SMALL}.solver.step_size: 0.1 is past the stability limit")
    assert "asymmetric" in warning
    assert not more
    assert not warnings(0.04)
    # The one-layer model is unstable from step size 2 on.
    assert len(warnings(2.1)) == 2


def test_stability_of_large_data_is_warned_of_by_its_spectrum():
    config = {**changed(f"{SMALL}.matrix", {**SPECTRUM, "values": [[1.0], [300.0, 1.0]]}), "figures": {}}
    assert "0.0033" in configuration.prepare(config, PROJECT / "my.yaml")[0]


@pytest.mark.parametrize(
    ("matrix", "text", "limit"),
    [
        # Y is diag(400, 1): factors end at ||U||^2 + ||V||^2 = 800.
        ({"source": "file", "path": "y.csv"}, "400,0\n0,1\n", "0.0025"),
        # Y is the standard deviation of the target, 500, times its correlation with the one feature, 1.
        ({"source": "table", "path": "y.csv", "target": "y"}, "x,y\n1,1000.5\n2,0.5\n1,1000.5\n2,0.5\n", "0.002"),
    ],
)
def test_stability_of_large_data_that_is_read_is_warned_of_too(tmp_path, matrix, text, limit):
    (tmp_path / "y.csv").write_text(text)
    config = combined(matrix=matrix, initialization={"kind": "gaussian", "scale": 0.1}, dynamics=["asymmetric"])
    (warning,) = configuration.prepare({**config, "figures": {}}, tmp_path / "my.yaml")
    assert f"{SMALL}.solver.step_size: 0.01 is past the stability limit" in warning
    assert f"about {limit};" in warning


def test_a_flow_that_is_so_stiff_that_it_takes_hours_is_warned_of():
    def warnings(scale, horizon):
        start, time = {"kind": "gaussian", "scale": scale}, {"horizon": horizon, "samples": 10}
        config = combined(initialization=start, time=time, solver={"method": "flow"}, dynamics=["linear", "asymmetric"])
        return configuration.prepare({**config, "figures": {}}, PROJECT / "my.yaml")

    # At scale 1 the curvature is 44 (above), so that a step is 3.5 / 44 / scale^2.
    (warning,) = warnings(100.0, 20.0)
    assert warning.startswith(
        f"{SMALL}.time.horizon: the flow of the dynamics asymmetric may take 3e+06 steps up to 20"
    )
    assert not warnings(100.0, 2.0)
    assert not warnings(10.0, 20.0)


def test_stability_of_starts_whose_square_is_no_number_is_warned_of():
    config = {**changed(f"{SMALL}.initialization.scale", 1e200), "figures": {}}
    assert "about 0; runs that diverge" in configuration.prepare(config, PROJECT / "my.yaml")[0]


@pytest.mark.parametrize("path", reference.FILES)
def test_what_is_made_from_the_declarations_is_in_step_with_them(path):
    assert (PROJECT / path).read_text(encoding="utf-8") == reference.FILES[path](), "run `make reference`"


def test_the_json_schema_takes_the_shipped_config_as_it_is_and_refuses_a_typing_error():
    schema = jsonschema.Draft202012Validator(json.loads(reference.json_schema()))
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    assert list(schema.iter_errors(config)) == []
    config["experiments"]["imbalance"]["matrix"]["rwos"] = 3
    assert not schema.is_valid(config)


def test_editors_find_the_json_schema_in_the_shipped_config():
    first, *_ = (PROJECT / "config.yaml").read_text().splitlines()
    (named,) = re.findall(r"^# yaml-language-server: \$schema=(.*)", first)
    assert named in reference.FILES


def test_every_key_of_the_json_schema_is_described():
    def undescribed(node, path):
        if isinstance(node, dict):
            for name, value in node.get("properties", {}).items():
                if "description" not in value:
                    yield f"{path}.{name}"
            for name, value in node.items():
                yield from undescribed(value, f"{path}.{name}")
        elif isinstance(node, list):
            for place, value in enumerate(node):
                yield from undescribed(value, f"{path}.{place}")

    assert list(undescribed(json.loads(reference.json_schema()), "")) == []


def test_every_parameter_has_a_column():
    assert set(keys.columns()) == {column.path for column in PARAMETERS.values()}


def test_the_conda_environment_is_in_step_with_the_dependencies():
    environment = yaml.safe_load((PROJECT / "workflow" / "envs" / "implicit-acceleration.yaml").read_text())
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    expected = {line for line in declared["dependencies"] if not line.startswith("snakemake")}
    found = {line.replace("-base", "") for line in environment["dependencies"]}
    assert found == expected | {f"python{declared['requires-python']}"}
