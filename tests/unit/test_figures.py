"""Kinds of figures: every one that is listed draws its own example from the columns that it declares."""

import re
import subprocess
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, add_kind
from illustrating import drawn
from matplotlib.figure import Figure

from linear_networks.components import Listing, Refused
from linear_networks_workflow import config as configuration
from linear_networks_workflow import sources
from linear_networks_workflow.errors import ConfigError, InputError
from linear_networks_workflow.experiment import run
from linear_networks_workflow.figures import KINDS, drawing, experiments_of, options_of, planning, reading, style
from linear_networks_workflow.figures.kind import Kind
from linear_networks_workflow.figures.tables import of_frames


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_draws_its_example_from_the_columns_that_it_declares(kind):
    config = yaml.safe_load(kind.example)
    configuration.prepare(config, PROJECT / "example.yaml")
    ((name, figure),) = config["figures"].items()
    assert figure["kind"] == kind.name
    options = options_of(figure)
    (experiment,) = experiments_of(figure)
    tables = run(yaml.safe_load(kind.example), experiment)
    tables = of_frames(tables, kind.columns(options, figure["where"]))
    style.apply(planning.looks(config, name), planning.symbols(config, name))
    drawn, numbers = kind.draw(tables, **options), kind.numbers(tables, **options)
    assert isinstance(drawn, Figure)
    drawn.canvas.draw()
    assert any(axes.has_data() for axes in drawn.axes)
    plt.close(drawn)
    assert isinstance(numbers, pd.DataFrame)
    assert len(numbers) > 0
    caption = drawing.caption(kind, numbers, "0123456789abcdef")
    assert caption.startswith("**")
    assert "What to see" in caption
    assert "\n+--" in caption


def changed_example(kind, **changes):
    """A prepared config of a kind's example, with other keys of its experiment."""
    config = yaml.safe_load(KINDS[kind].example)
    config["experiments"]["example"].update(changes)
    configuration.prepare(config, PROJECT / "example.yaml")
    return config


def one_mode(*values):
    return {"source": "spectrum", "rows": 1, "columns": 1, "values": [[value] for value in values]}


def one_start(imbalance):
    return {"kind": "spectral", "products": [0.01], "imbalance": imbalance}


def gaussian(scale):
    return {"kind": "gaussian", "scale": scale}


HUGE = {"initialization": gaussian(1e160)}
SINGULAR = {"source": "spectrum", "rows": 3, "columns": 3, "values": [2.0, 1.0]}
SHORT = {
    "time": {"horizon": 0.1, "samples": 3},
    "solver": [{"method": "flow"}, {"method": "descent", "step_size": 0.05}],
}
FEW = {"horizon": 20.0, "samples": 3}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("regimes", {"matrix": one_mode(0.05, 0.3), "initialization": one_start([0.0, 0.5])}),  # slower everywhere
        ("regimes", {"matrix": one_mode(1.0, 2.0), "initialization": one_start([0.0, 0.5])}),  # faster everywhere
        ("regimes", {"matrix": one_mode(0.2), "initialization": one_start(0.5)}),
        ("regimes", {"matrix": one_mode(0.2, 0.6), "initialization": one_start(0.5)}),
        ("modes", {"matrix": SINGULAR}),
        ("reconstruction", {"matrix": SINGULAR}),
        ("reconstruction", {"initialization": gaussian([0.1, 1e160])}),
        ("descent-vs-flow", {"time": FEW}),
        ("descent-vs-flow", {"solver": [{"method": "descent", "step_size": 0.01}, {"method": "flow"}]}),
        ("comparison", {"initialization": gaussian(0.0)}),
        ("descent-vs-flow", {"initialization": gaussian(0.0)}),
    ],
)
def test_a_kind_draws_little_or_one_sided_data_too(kind, changes):
    with drawn(changed_example(kind, **changes), "example") as (figure, caption):
        assert any(axes.has_data() for axes in figure.axes)
        assert "\n+--" in caption


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("regimes", {"time": FEW}, "there is no rate that could be measured"),
        (
            "lambda0",
            {"initialization": gaussian(0.0)},
            "there is no λ₀ that could be fitted",
        ),
        ("lambda0", HUGE, "there is no λ₀ that could be fitted"),
        ("two-eigenvalues", HUGE, "there is no Gaussian start with a scale > 0 and a width of at least m"),
        ("alignment", {"initialization": gaussian(0.0)}, "there is no run whose kernel is known, and not 0"),
        ("alignment", {"initialization": gaussian([1e160, 1e161])}, "its runs diverged before"),
        ("saddle-to-saddle", {"time": {"horizon": 1e-3, "samples": 2}}, "there is no mode that is half learned"),
        ("descent-vs-flow", HUGE, "there is no descent beside a flow that moves"),
        ("descent-vs-flow", SHORT, "there is no descent that differs from the flow"),
        *(
            (kind, HUGE, "there are no two times after t = 0: its runs diverged before")
            for kind in ("reconstruction", "comparison")
        ),
        ("rates", HUGE, "no rate that theory predicts was measured"),
    ],
)
def test_a_kind_that_finds_nothing_to_draw_says_what_is_missing_in_a_line(kind, changes, message):
    config = changed_example(kind, **changes)
    with pytest.raises(InputError, match=f"^figures.example: .*{message}"), drawn(config, "example"):
        pass


@pytest.mark.parametrize(
    ("dynamics", "column"), [(["end-to-end"], "dynamics"), (["asymmetric", "end-to-end"], "product")]
)
def test_mixed_dynamics_without_a_gap_are_not_drawn(dynamics, column):
    config = changed_example("mixed")
    found = run(config, "example")
    samples = found["trajectories"]
    # Of one of both dynamics alone; and both the same.
    found["trajectories"] = samples[samples["dynamics"].isin(dynamics)]
    if column == "product":
        found["trajectories"] = samples.assign(product=[[1.0] * 6] * len(samples))
    message = "there is no run of asymmetric beside one of end-to-end from the same start with a gap"
    with pytest.raises(InputError, match=message), drawn(config, "example", {"example": found}):
        pass


def test_a_log_axis_without_numbers_is_an_error_of_its_figure():
    figure, panel = plt.subplots()
    panel.plot([1.0, 2.0], [0.0, 0.0])
    message = "^figures.example: nothing to draw on a log axis, as no number is > 0$"
    with pytest.raises(InputError, match=message), drawing.named("example"):
        panel.set(yscale="log")
    plt.close(figure)


EXACT = {"method": "exact"}
ALONE = {"name": "end-to-end", "lambda0": 0.0, "tau": [1.0, 2.0]}


def hyperbolic(lambda0, tau):
    return {"kind": "hyperbolic", "scale": 0.1, "lambda0": lambda0, "tau": tau}


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("lazy-to-rich", {"solver": EXACT}, "needs solver: {method: flow}"),
        ("lazy-to-rich", {"initialization": hyperbolic(0.0, 0.0)}, "needs a lambda0 or tau of the start that is not 0"),
        ("saddle-to-saddle", {"initialization": gaussian([0.0, 1.0, 3.0])}, "needs a scale of the start between 0 and"),
        ("two-eigenvalues", {"width": [2, 4]}, "needs a Gaussian start with a scale > 0 and a width of at least m"),
        ("two-eigenvalues", {"initialization": gaussian(0.0)}, "needs a Gaussian start with a scale > 0"),
        ("mixed", {"initialization": {"kind": "wishart", "tau": 0.0}}, "needs Gaussian starts that are not 0: write"),
        ("mixed", {"initialization": hyperbolic(0.0, 1.0)}, "needs Gaussian starts that are not 0: write"),
        ("mixed", {"initialization": gaussian(0.1)}, "needs end-to-end {lambda0: 0, tau: 0.1}, .* width 10, not"),
        ("mixed", {"dynamics": ["asymmetric", {**ALONE, "lambda0": 3.0, "tau": 7.0}]}, ".*not {lambda0: 3, tau: 7}"),
    ],
)
def test_an_experiment_of_which_a_kind_has_nothing_to_say_is_refused_before_it_runs(kind, changes, message):
    with pytest.raises(ConfigError, match=f"^figures.example.experiment: example {message}"):
        changed_example(kind, **changes)


def test_what_a_figure_leaves_out_by_where_is_not_refused():
    config = changed_example("mixed")
    example = config["experiments"]["example"]
    example |= {"initialization": {"kind": "wishart", "tau": [0.0, 1.0]}, "dynamics": [{"name": "asymmetric"}, ALONE]}
    config["figures"]["example"]["where"] = {"initial_tau": 1.0, "tau": 1.0}
    configuration.prepare(config, PROJECT / "example.yaml")
    config["figures"]["example"]["where"]["tau"] = 2.0
    with pytest.raises(ConfigError, match="needs end-to-end {lambda0: 0, tau: 1}"):
        configuration.prepare(config, PROJECT / "example.yaml")


def test_numbers_of_legends_are_written_as_axes_write_them():
    assert [style.titled("axis", value) for value in (0.25, 1e-8)] == ["axis = 0.25", "axis = $10^{-8}$"]
    assert style.number(2.5e-8) == r"$2.5 \times 10^{-8}$"


def along_axis(kind, axis, held, **changes):
    config = changed_example(kind, **changes)
    ((option, _),) = options_of(config["figures"]["example"]).items()
    config["figures"]["example"].update({option: axis, "where": held})
    configuration.prepare(config, PROJECT / "example.yaml")
    return config


def test_a_comparison_along_an_axis_of_one_flow_repeats_the_other():
    with drawn(along_axis("comparison", "weight", {"width": 4}), "example") as (figure, _):
        assert len(figure.axes[0].get_lines()) == 2


def test_an_axis_that_the_drawn_dynamics_do_not_have_is_named():
    dynamics = ["linear", "asymmetric", {"name": "regularized", "lambda0": 1.0}]
    config = along_axis("reconstruction", "lambda0", {"scale": 1.0}, dynamics=dynamics)
    message = "no run with one value of lambda0; name another axis"
    with pytest.raises(InputError, match=message), drawn(config, "example"):
        pass


def test_a_figure_of_rates_of_an_experiment_without_is_refused():
    teacher = {"source": "teacher", "samples": 20, "features": 2, "noise": 1.0e-3}
    with pytest.raises(ConfigError, match="figures.example.experiment: example has no rates"):
        changed_example("rates", matrix=teacher)
    changed_example("rates", matrix=teacher, record=["product"])


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if {*kind.needs} - {"matrices", "runs"}])
def test_a_figure_of_trajectories_that_are_not_kept_is_refused(name):
    with pytest.raises(ConfigError, match="example.*: write trajectories: true"):
        changed_example(name, trajectories=False)


def test_regimes_that_are_not_measured_are_left_open():
    config = changed_example("regimes", matrix=one_mode(0.2, 0.6), initialization=one_start([0.0, 0.5]))
    found = run(config, "example")
    slow = found["runs"].query("imbalance == 0.0")["run"]
    found["rates"]["measured"] = found["rates"]["measured"].mask(found["rates"]["run"].isin(slow))
    with drawn(config, "example", {"example": found}) as (figure, _):
        (table,) = figure.axes[1].tables
        cells = {place: cell.get_text().get_text() for place, cell in table.get_celld().items()}
    # The rates are sqrt(4 sigma^2 + 1/4), 0.64 and 1.30.
    assert [cells[1, 0], cells[1, 1], cells[2, 0], cells[2, 1]] == ["–", "✗  (0.64)", "–", "✓  (1.30)"]


def test_a_run_without_a_parameter_has_every_value_of_it(tmp_path):
    runs = pd.DataFrame({"run": ["a", "b", "c"], "lambda0": [None, 1.0, 2.0], "solver": pd.Categorical(["flow"] * 3)})
    file = tmp_path / "results" / "runs" / "example" / "linear" / "00000.parquet"
    file.parent.mkdir(parents=True)
    runs.to_parquet(file)
    files = {"runs": [str(file)]}
    read = reading.read(files, {"runs": ["run", "lambda0", "solver"]}, {"lambda0": 1.0, "solver": "flow"})
    assert read["runs"].frame()["run"].tolist() == ["a", "b"]


def test_a_figure_loads_what_is_drawn_and_what_rows_are_chosen_by():
    columns = KINDS["reconstruction"].columns({"columns": "scale"}, {"width": 5})
    assert columns["runs"] == ["dynamics", "matrix", "run", "scale", "width"]
    assert columns["matrices"] == ["matrix", "singular_values"]


def test_planning_loads_nothing_that_draws_fits_or_reads_tables():
    planned = (PROJECT / "Snakefile").read_text()
    imported = re.search(r"from linear_networks_workflow import \(.*?\)", planned, re.DOTALL)[0]
    code = (
        f"import sys; sys.path.insert(0, {str(PROJECT / 'scripts')!r}); {imported}; "
        "print(*{'matplotlib', 'numba', 'pandas', 'scipy', 'seaborn'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


MEMBERS = {
    "__doc__": "A kind.",
    "name": "one",
    "label": "one",
    "section": "1",
    "needs": {"runs": ("run",)},
    "caption": "**One.**",
    "example": "experiments: {}",
    "draw": staticmethod(lambda tables: plt.figure()),
    "numbers": staticmethod(lambda tables: pd.DataFrame()),
}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"section": ""}, "declares no section"),
        ({"caption": " "}, "declares no caption"),
        ({"example": ""}, "declares no example"),
        ({"needs": {"rates": ("run",)}}, "needs the column run of runs"),
        ({"needs": {"runs": ("run",), "rates": ("measured",)}}, "needs the column run of rates"),
        ({"draw": staticmethod(lambda tables, rows: None)}, r"draw has the options \['rows'\], not \[\]"),
        ({"label": ""}, "declares no label"),
    ],
)
def test_a_wrong_declaration_fails_with_its_reason(members, message):
    assert Listing(type("One", (Kind,), MEMBERS))
    with pytest.raises(TypeError, match=message):
        Listing(type("One", (Kind,), MEMBERS | members))


def test_a_kind_without_a_drawing_is_refused():
    members = {name: value for name, value in MEMBERS.items() if name != "draw"}
    with pytest.raises(TypeError, match="draw"):
        Listing(type("One", (Kind,), members))


def test_an_experiment_without_the_dynamics_of_a_kind_is_refused():
    with pytest.raises(Refused, match="needs the dynamics asymmetric as well"):
        KINDS["reconstruction"].check({"dynamics": [{"name": "linear"}]})


@pytest.fixture
def project(project_copy, monkeypatch):
    """Folder of the packages of a copy of the project, of which keys are taken, and a function that takes those of all
    kinds."""
    monkeypatch.setattr(sources, "SCRIPTS", project_copy / "scripts")

    def keys():
        for function in (sources._digest, sources._read, sources._path):
            function.cache_clear()
        return {name: sources.digest("draw_figure", kind.__module__, words=True) for name, kind in KINDS.items()}

    yield project_copy / "scripts", keys
    for function in (sources._digest, sources._read, sources._path):
        function.cache_clear()


def changed(before, after):
    return {name for name, key in before.items() if after[name] != key}


def test_an_edit_of_a_kind_changes_the_key_of_its_figures_alone(project):
    scripts, keys = project
    before = keys()
    for name, kind in KINDS.items():
        file = scripts.joinpath(*kind.__module__.split(".")).with_suffix(".py")
        text = file.read_text()
        file.write_text(text + "\nEDITED = True\n")
        assert changed(before, keys()) == {name}
        file.write_text(text)


def test_an_added_kind_changes_the_key_of_no_other(project):
    scripts, keys = project
    before = keys()
    add_kind(scripts)
    assert changed(before, keys()) == set()


def test_figures_depend_on_the_looks_of_dynamics_and_not_on_their_code(project):
    scripts, keys = project
    before = keys()
    dynamics = scripts / "linear_networks" / "dynamics" / "linear.py"
    dynamics.write_text(dynamics.read_text() + "\nEDITED = True\n")
    assert changed(before, keys()) == set()
