"""Keys of jobs: an edit changes those of the jobs that run it, and no others."""

import shutil

import pytest
from conftest import small_config

from linear_networks_workflow import config as configuration
from linear_networks_workflow import jobs, sources
from linear_networks_workflow.figures import planning

SIMULATION = {"simulate", "fit_rates"}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """A copy of the code, from which keys are read."""
    copy = tmp_path_factory.mktemp("project") / "scripts"
    shutil.copytree(sources.SCRIPTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.fixture
def keys(scripts, monkeypatch, tmp_path):
    """Function that returns the key of every job of a small config, of descent by two dynamics and one figure."""
    monkeypatch.setattr(sources, "SCRIPTS", scripts)
    config = small_config()
    configuration.prepare(config, tmp_path / "my.yaml")
    experiment = config["experiments"]["small"]

    def read():
        for function in (sources._digest, sources._read, sources._path):
            function.cache_clear()
        return {
            "generate_matrices": jobs.matrices(experiment),
            "simulate": [jobs.simulation(experiment, dynamics) for dynamics in ("linear", "asymmetric")],
            "fit_rates": [jobs.rates(experiment, dynamics) for dynamics in ("linear", "asymmetric")],
            "tabulate_rates": sources.digest("tabulate_rates"),
            "draw_figure": sources.digest("draw_figure", planning.module(config, "panels"), words=True),
        }

    yield read
    for function in (sources._digest, sources._read, sources._path):
        function.cache_clear()


@pytest.mark.parametrize(
    ("file", "rules"),
    [
        # The components that the config names, and their base classes.
        ("linear_networks/matrices/gaussian.py", {"generate_matrices"}),
        ("linear_networks/initializations/gaussian.py", SIMULATION),
        ("linear_networks/dynamics/asymmetric.py", SIMULATION),
        ("linear_networks/losses/squared.py", SIMULATION),
        ("linear_networks/models/factored.py", SIMULATION),
        ("linear_networks/solvers/descent.py", SIMULATION),
        ("linear_networks/theory/one_layer.py", SIMULATION),
        ("linear_networks/measure/decay.py", {"fit_rates"}),
        ("linear_networks_workflow/stages/tables.py", {"tabulate_rates"}),
        ("linear_networks_workflow/figures/reconstruction.py", {"draw_figure"}),
        ("linear_networks_workflow/figures/style.py", {"draw_figure"}),
        ("draw_figure.py", {"draw_figure"}),
        # Those that it does not name, and what reads it.
        ("linear_networks/matrices/teacher.py", set()),
        ("linear_networks/initializations/spectral.py", set()),
        ("linear_networks/dynamics/regularized.py", set()),
        ("linear_networks/losses/regression.py", set()),
        ("linear_networks/theory/proposition_5.py", set()),
        ("linear_networks_workflow/figures/modes.py", set()),
        ("linear_networks_workflow/config/messages.py", set()),
    ],
)
def test_an_edit_changes_the_keys_of_what_runs_it_and_no_others(scripts, keys, file, rules):
    source = scripts / file
    text, before = source.read_text(), keys()
    source.write_text(text + "\nEDITED = True\n")
    after = keys()
    source.write_text(text)
    assert {rule for rule in before if before[rule] != after[rule]} == rules
