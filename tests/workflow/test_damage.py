"""Results that are damaged, of another config, or left by jobs that were killed: named, never used, made again."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from conftest import PROJECT, entropy, small_config, snakemake_in, write_yaml

TARGETS = ("trajectories", "tables")


def config_of(seed=1, **changes):
    """A config of one dynamics, without figures, of two runs in each job."""
    experiments = small_config(dynamics=["linear"], **changes)["experiments"]
    return {"seed": seed, "runs_per_job": 2, "experiments": experiments}


def contents(folder):
    """Every file below the results of a folder: the rows of a Parquet file but for times of execution, or the bytes."""
    found = {}
    for file in sorted(path for path in (folder / "results").rglob("*") if path.is_file()):
        is_parquet = file.suffix == ".parquet"
        rows = pd.read_parquet(file).drop(columns="seconds", errors="ignore").to_json() if is_parquet else None
        found[str(file.relative_to(folder))] = rows or file.read_bytes()
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder in which a config ran, and the seconds that it took."""
    folder = tmp_path_factory.mktemp("made")
    path, began = write_yaml(config_of(), folder / "my.yaml"), time.monotonic()
    finished = snakemake_in(folder, *TARGETS, "--configfile", path)
    assert finished.returncode == 0, finished.stderr
    return folder, time.monotonic() - began


@pytest.fixture
def copy(made, tmp_path):
    """Function that copies the folder, with what Snakemake knows of it or without."""

    def copy(forgotten):
        ignored = shutil.ignore_patterns(".snakemake") if forgotten else None
        return Path(shutil.copytree(made[0], tmp_path / "copy", ignore=ignored))

    return copy


def errors(finished):
    """The lines of jobs that failed, without time."""
    assert finished.returncode == 1, finished.stderr
    assert "Traceback" not in finished.stderr
    return set(re.findall(r"^\S+ \S+ ERROR (.*)$", finished.stderr, re.MULTILINE))


def test_a_damaged_result_is_named_and_made_again_by_the_command_that_is_said(copy, made):
    folder = copy(forgotten=False)
    path, file = folder / "my.yaml", "results/runs/small/linear/00000.parquet"
    content = bytearray((folder / file).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / file).write_bytes(content)
    (error,) = errors(snakemake_in(folder, *TARGETS, "--configfile", path))
    assert error.startswith(f"{file}: is damaged")
    command = error.split(": ")[-1]
    assert command == f"rm {file}"
    subprocess.run(command, shell=True, cwd=folder, check=True)
    finished = snakemake_in(folder, *TARGETS, "--configfile", path)
    assert finished.returncode == 0, finished.stderr
    assert contents(folder) == contents(made[0])


def test_results_of_another_config_are_named_refused_and_removed_by_the_command_that_is_said(copy):
    folder = copy(forgotten=True)
    shutil.rmtree(folder / "results" / "summaries")
    shutil.rmtree(folder / "results" / "tables")
    path = write_yaml(config_of(seed=2, replicates=1), folder / "other.yaml")
    finished = snakemake_in(folder, *TARGETS, "--configfile", path)
    assert {error.split(";")[0] for error in errors(finished)} <= {
        f"results/{stage}/small/linear/00000.parquet: was made by another config"
        for stage in ("runs", "trajectories", "rates")
    }
    unmade, others = (line for line in finished.stderr.splitlines() if "to remove what is not of the config" in line)
    assert unmade.startswith("results/runs/small/linear/00001.parquet and 2 other files that the config does not")
    assert others.startswith("results/matrices/small.parquet and 3 other files that another config or release")
    command = others.split("to remove what is not of the config: ")[1]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    tidied = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=100)
    assert tidied.returncode == 0, tidied.stderr
    assert contents(folder) == {}
    finished = snakemake_in(folder, *TARGETS, "--configfile", path)
    assert finished.returncode == 0, finished.stderr
    assert "to remove" not in finished.stderr
    assert set(pd.read_parquet(folder / "results" / "runs")["seed"]) == {2}


def test_a_figure_of_another_config_is_named_even_where_nothing_is_to_be_done(tmp_path):
    file = tmp_path / "results" / "figures" / "panels.rst"
    file.parent.mkdir(parents=True)
    for ending in (".svg", ".pdf", ".png", ".rst"):
        file.with_suffix(ending).write_text("of the seed before")
    finished = snakemake_in(tmp_path, "-n", "panels", "--configfile", write_yaml(small_config(), tmp_path / "my.yaml"))
    assert finished.returncode == 0
    assert "results/figures/panels.rst: a file that another config or release made" in finished.stdout + finished.stderr


def jobs_of(group):
    """Numbers of the processes of a group that run a script of the workflow."""
    found = subprocess.run(["pgrep", "--pgroup", str(group), "--full", "snakemake/scripts"], capture_output=True)
    return [int(number) for number in found.stdout.split()]


def kill_a_job(group):
    for job in jobs_of(group)[-1:]:
        os.kill(job, signal.SIGKILL)


def kill_snakemake(group):
    os.kill(group, signal.SIGKILL)


def terminate_all(group):
    os.killpg(group, signal.SIGTERM)


def wait_for(group):
    """Wait until no process of a group is left: jobs outlive a Snakemake that is killed."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise TimeoutError(f"processes of group {group} are left")


@pytest.mark.drawn
def test_what_is_killed_at_any_moment_is_made_as_if_it_had_not_been(made, tmp_path):
    """At one moment, and at 20 of them in `make fuzz`."""
    rng = np.random.default_rng(entropy())
    for number in range(1 if hypothesis.settings().derandomize else 20):
        stop = (kill_a_job, kill_snakemake, terminate_all)[rng.integers(3)]
        assert_made_after(stop, rng.uniform(0.2, 0.9), made, tmp_path / str(number))


def assert_made_after(stop, part, made, folder):
    """Results are the same after jobs were stopped when a part of the time had passed."""
    whole, seconds = made
    folder.mkdir()
    path = write_yaml(config_of(), folder / "my.yaml")
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--snakefile", PROJECT / "Snakefile", "--cores", "2"]
    command += ["--profile", PROJECT / "profiles" / "default", "--directory", folder, "--configfile", path]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(part * seconds)
    stop(process.pid)
    process.wait(timeout=100)
    wait_for(process.pid)
    assert snakemake_in(folder, "--unlock", "--configfile", path).returncode == 0
    finished = snakemake_in(folder, *TARGETS, "--configfile", path)
    assert finished.returncode == 0, finished.stderr
    assert contents(folder) == contents(whole), stop
