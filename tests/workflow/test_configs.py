"""The ways in which Snakemake is given a config: a file, several, the working directory's, a dict, and `--config`."""

import json
import re
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from conftest import PROJECT, small_config, write_yaml

# A program that gives a config to Snakemake as a dict.
PROGRAM = """
import json, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

snakefile, config, *targets = sys.argv[1:]
with SnakemakeApi(OutputSettings()) as api:
    workflow = api.workflow(
        resource_settings=ResourceSettings(cores=2),
        config_settings=ConfigSettings(config=json.loads(config)),
        snakefile=Path(snakefile),
    )
    workflow.dag(DAGSettings(targets=targets)).execute_workflow()
"""


@pytest.fixture
def config():
    """A config that takes seconds, from whose runs a table is made."""
    return {"experiments": small_config(solver={"method": "flow"}, dynamics=["linear"])["experiments"]}


def widths(folder):
    return set(pd.read_parquet(folder / "results" / "runs")["width"])


def test_a_config_of_the_working_directory_is_used(snakemake, config, tmp_path):
    write_yaml(config, tmp_path / "config.yaml")
    finished = snakemake("-n")
    assert finished.returncode == 0, finished.stderr
    assert "The experiments are those of config.yaml." in finished.stdout
    assert "results/matrices/small.parquet" in finished.stdout
    assert "imbalance" not in finished.stdout
    (tmp_path / "config.yaml").write_text("experiments: {}\nfigures: [\n")
    finished = snakemake("-n")
    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith("config.yaml: line 3, column 1: no YAML: ")
    assert "Traceback" not in finished.stderr


def test_the_paper_is_not_planned_in_silence(snakemake):
    first, *_ = [line for line in snakemake("-n", "matrices").stdout.splitlines() if line.startswith("The experiments")]
    assert re.fullmatch(r"The experiments are those of \S+/config\.yaml\.", first)


def test_a_key_that_stands_twice_is_refused_before_any_job(snakemake, config, tmp_path):
    path = write_yaml(config, tmp_path / "my.yaml")
    path.write_text(path.read_text() + "seed: 1\nseed: 2\n")
    finished = snakemake("--configfile", path)
    assert finished.returncode == 1
    lines = len(path.read_text().splitlines())
    message = f"my.yaml: line {lines}, column 1: the key 'seed' stands in line {lines - 1} already; keep one"
    assert finished.stderr.splitlines()[-1] == message
    assert not (tmp_path / "results").exists()


def test_several_files_and_the_command_line_make_one_config_and_its_report(snakemake, config, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "y.csv").write_text("3,0,0\n0,1,0\n")
    base = write_yaml(config, tmp_path / "base.yaml")
    change = {"experiments": {"small": {"matrix": [{"source": "file", "path": "y.csv"}], "width": 5}}}
    given = ("--configfile", base, write_yaml(change, tmp_path / "a" / "change.yaml"))
    given += ("--config", "experiments={small: {width: [3, 4], initialization: {scale: 1e-1}}}")
    finished = snakemake("all", "report", *given)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert widths(tmp_path) == {3, 4}
    assert set(pd.read_parquet(tmp_path / "results" / "runs")["scale"]) == {0.1}
    assert "small.html" in (tmp_path / "results" / "report.html").read_text()
    assert "Nothing to be done" in snakemake("all", "report", *given).stderr
    change["experiments"]["small"]["wdith"] = 3
    write_yaml(change, tmp_path / "a" / "change.yaml")
    refused = snakemake("-n", *given)
    assert "\na/change.yaml: experiments.small.wdith: unknown key 'wdith'" in refused.stderr


def test_a_dict_is_a_config_of_its_own_up_to_its_report(config, tmp_path):
    # Small numbers are written in a form of Python that YAML does not know.
    config["experiments"]["small"]["initialization"]["scale"] = 1e-5
    command = [sys.executable, "-c", PROGRAM, PROJECT / "Snakefile", json.dumps(config), "all", "report"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert finished.returncode == 0, finished.stderr
    assert [file.name for file in (tmp_path / "results" / "matrices").iterdir()] == ["small.parquet"]
    assert "small.html" in (tmp_path / "results" / "report.html").read_text()


def test_a_config_is_checked_without_snakemake(config, tmp_path):
    def check(*files):
        command = [sys.executable, "-m", "linear_networks_workflow.config", *map(str, files)]
        environment = {"PYTHONPATH": str(PROJECT / "scripts")}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    write_yaml(config, tmp_path / "my.yaml")
    assert check("my.yaml").stdout == "my.yaml: nothing is wrong.\n"
    (tmp_path / "change.yaml").write_text(yaml.safe_dump({"experiments": {"small": {"width": 0}}}))
    refused = check("my.yaml", "change.yaml")
    assert refused.returncode == 1
    assert refused.stderr == "change.yaml: experiments.small.width: 0 is not an integer >= 1\n"
    (tmp_path / "change.yaml").write_text("experiments: [\n")
    assert check("change.yaml").stderr.startswith("change.yaml: line 2, column 1: no YAML: ")
