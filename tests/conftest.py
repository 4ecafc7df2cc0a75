import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import yaml

from linear_networks.kernels import lanes
from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import simulation
from linear_networks_workflow.stages.matrices import generate

PROJECT = Path(__file__).parents[1]

# Every run of the tests draws the same examples: a failure is there for everyone, and speed is not judged here.
# `make fuzz` draws others every time, and more.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.register_profile("fuzz", deadline=None, derandomize=False, max_examples=500, print_blob=True)
hypothesis.settings.load_profile("project")


def examples(count):
    """Settings of a property that takes another number of examples than 50; `make fuzz` multiplies it."""
    return hypothesis.settings(max_examples=count * hypothesis.settings().max_examples // 50)


def entropy():
    """Seed of what is drawn without hypothesis: the same in every run, but not in `make fuzz`."""
    seed = 0 if hypothesis.settings().derandomize else np.random.SeedSequence().entropy
    print("seed", seed)
    return seed


# Each of these files runs on one worker, as its tests share what takes long to make.
SHARING = (
    "test_coverage.py",
    "test_damage.py",
    "test_paper.py",
    "test_dataset.py",
    "test_every_stage.py",
    "test_package.py",
    "test_report.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out what shares first, as it takes longest, and then test by test."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return file if file.endswith(SHARING) else nodeid

    return Scheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """Let processes that tests start be interrupted: in the background of a script, shells have SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def small_config(**changes):
    """A config that runs in seconds: two scales, two replicates."""
    experiment = {
        "matrix": {"source": "gaussian", "rows": 3, "columns": 4},
        "initialization": {"kind": "gaussian", "scale": [0.1, 1.0]},
        "width": 8,
        "dynamics": ["linear", "asymmetric"],
        "solver": {"method": "descent", "step_size": 0.01},
        "time": {"horizon": 2.0, "samples": 10},
        "replicates": 2,
    }
    return {
        "experiments": {"small": {**experiment, **changes}},
        "figures": {"panels": {"kind": "reconstruction", "experiment": "small", "columns": "scale"}},
    }


def compute(experiment, **changes):
    """Runs, trajectories and matrices of an experiment of the shipped config, computed without snakemake."""
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    config["experiments"][experiment].update(changes)
    configuration.prepare(config, PROJECT / "config.yaml")
    settings = config["experiments"][experiment]
    seed, replicates = config["seed"], settings["replicates"]
    rows = generate(experiment, seed, replicates, grid.matrix_points(config, experiment), PROJECT)
    table = parquet.table(rows, parquet.MATRICES)
    runs = [
        run
        for dynamics in grid.blocks(settings)
        for chunk in grid.chunks(config, experiment, dynamics)
        for run in grid.runs(experiment, dynamics, seed, grid.chunk_points(config, experiment, dynamics, chunk))
    ]
    matrices = parquet.matrices(table)
    tables = simulation.simulate(runs, matrices, settings["record"])
    return *(table.to_pandas() for table in tables), matrices


@pytest.fixture(scope="session", autouse=True)
def kernels_of_their_own(tmp_path_factory):
    """Kernels of the shapes that tests make up are not kept in the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "CACHE", tmp_path_factory.mktemp("kernels"))
        yield


def write_yaml(config, path):
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def snakemake_in(folder, *arguments, project=PROJECT, **options):
    """Run snakemake with results in a folder, and return the finished process."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", project / "Snakefile", "--directory", folder]
    command += ["--profile", project / "profiles" / "default", "--cores", "2", *arguments]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=600, env=dict(os.environ), **options
    )


@pytest.fixture
def write_config(tmp_path):
    """Function that writes a config as `my.yaml` in the test's folder and returns its path."""
    return lambda config, name="my.yaml": write_yaml(config, tmp_path / name)


@pytest.fixture
def snakemake(tmp_path):
    """Function that runs snakemake with results in the test's folder, and returns the finished process."""
    return partial(snakemake_in, tmp_path)


def add_kind(scripts):
    """Add a kind of figure, a copy of another, to a folder of scripts: a module, and its lines in the listing."""
    figures = scripts / "linear_networks_workflow" / "figures"
    listing, imported = figures / "__init__.py", "from linear_networks_workflow.figures.{} import {}\n"
    text = (figures / "modes.py").read_text().replace("class Modes", "class New").replace('"modes"', '"new"')
    (figures / "new.py").write_text(text)
    text = listing.read_text().replace("Modes, ", "Modes, New, ")
    text = text.replace(
        imported.format("modes", "Modes"), imported.format("modes", "Modes") + imported.format("new", "New")
    )
    listing.write_text(text)
    assert "new import New" in text


@pytest.fixture
def project_copy(tmp_path_factory):
    """A copy of the project's files that a test may edit, with the loops that were compiled of them."""
    copy = tmp_path_factory.mktemp("project")
    for part in ("Snakefile", "config.yaml", "CITATION.cff", "workflow", "scripts", "profiles", "data"):
        source = PROJECT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(source, copy / part)
    return copy
