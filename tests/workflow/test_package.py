"""What `pip install` gives: the library and the workflow's side, without the project around them."""

import json
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, small_config

IMPORT = """
import importlib, pkgutil
import linear_networks, linear_networks_workflow

for package in (linear_networks, linear_networks_workflow):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    print(package.__file__)
"""

USE = """
import numpy as np
from linear_networks import initializations

start = initializations.draw("gaussian", np.random.default_rng(0), np.zeros((3, 4)), 6, scale=0.1)
print(*start.factors.shape)
"""

RUN = """
import json, sys
from linear_networks_workflow.experiment import run

print(json.dumps({stage: len(frame) for stage, frame in run(json.loads(sys.argv[1]), "small").items()}))
"""


def run(*command, **options):
    finished = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, **options)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder with the source distribution, and the wheel that is made from it."""
    pytest.importorskip("build", reason="build is not installed")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, PROJECT)
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """Python of an environment that holds the wheel, and beside it what the project needs."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    (site,) = folder.glob("lib/python*/site-packages")
    needed = {str(Path(path)) for path in sys.path if path.endswith("site-packages")}
    (site / "needed.pth").write_text("\n".join(needed) + "\n")
    # Loops that the project has compiled, of the same files.
    kernels = Path("linear_networks", "kernels", "__pycache__")
    for kept in (PROJECT / "scripts" / kernels).glob("*.nb[ci]"):
        shutil.copy(kept, site / kernels)
    return python


def test_the_source_distribution_holds_the_workflow(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert names >= {"Snakefile", "config.yaml", "workflow/rules/trajectories.smk", "scripts/simulate.py", "LICENSE"}
    assert not [name for name in names if name.startswith(("results/", "logs/", ".venv/", ".snakemake/"))]


def test_the_version_is_the_one_to_cite(built):
    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert [file.name.split("-")[1] for file in built.glob("*.whl")] == [cited["version"]]


def test_every_module_is_imported_from_where_it_is_installed(installed, tmp_path):
    found = run(installed, "-c", IMPORT, cwd=tmp_path).split()
    assert [Path(file).is_relative_to(installed.parents[1]) for file in found] == [True, True]
    assert all(Path(file).with_name("py.typed").exists() for file in found)


def test_the_installed_library_computes(installed, tmp_path):
    assert run(installed, "-c", USE, cwd=tmp_path).split() == ["7", "6"]


def test_an_experiment_runs_in_the_process_that_asks_for_it_and_writes_nothing(installed, tmp_path):
    rows = json.loads(run(installed, "-c", RUN, json.dumps(small_config()), cwd=tmp_path))
    # Two dynamics, two scales, two replicates, of two matrices; 10 samples of each run.
    assert rows == {"matrices": 2, "runs": 8, "trajectories": 80, "rates": rows["rates"], "tables": rows["tables"]}
    assert rows["rates"] >= 8
    assert rows["tables"] >= 4
    assert list(tmp_path.iterdir()) == []
