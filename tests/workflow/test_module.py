"""The workflow started from elsewhere, and as a module of another workflow."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT, small_config, write_yaml

from linear_networks_workflow import config as configuration
from linear_networks_workflow.experiment import run

USE = "use rule * from implicit"
PREFIXED = "use rule * from implicit as implicit_*"


@pytest.fixture
def config(tmp_path):
    """A config of one experiment on a matrix that lies in the folder of the test, with a figure."""
    np.savetxt(tmp_path / "mine.csv", [[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]], delimiter=",")
    return small_config(matrix={"source": "file", "path": "mine.csv"})


def snakemake(folder, *arguments):
    """Run snakemake in a folder, without what a profile says."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, timeout=600)


def planned(folder, *arguments):
    """Names of the rules that a dry run would run."""
    finished = snakemake(folder, "-n", *arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return set(re.findall(r"^(?:local)?rule (\w+):$", finished.stdout, re.MULTILINE))


def write_module(folder, config, *use, before="", snakefile="Snakefile"):
    """A workflow of its own that uses this one as a module, by statements."""
    lines = ["module implicit:", f"    snakefile: {str(PROJECT / snakefile)!r}"]
    lines += [f"    config: {config}"] * bool(config)
    (folder / "Snakefile").write_text("\n".join([before, *lines, *use]) + "\n")


STAGES = {"generate_matrices", "simulate", "fit_rates", "tabulate_rates", "draw_figure"}


@pytest.mark.parametrize("snakefile", ["Snakefile", "workflow/Snakefile"])
def test_the_workflow_plans_the_paper_from_an_empty_folder(tmp_path, snakefile):
    assert planned(tmp_path, "--snakefile", PROJECT / snakefile) == STAGES | {"fit_lambda0", "all"}
    assert planned(tmp_path, "matrices", "--snakefile", PROJECT / snakefile) == {"generate_matrices", "matrices"}


def test_a_module_without_a_config_is_the_paper(tmp_path):
    write_module(tmp_path, "", USE)
    assert planned(tmp_path) == STAGES | {"fit_lambda0", "all"}


def test_a_module_takes_the_config_file_of_the_workflow_that_uses_it(tmp_path, config):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    write_yaml(config, tmp_path / "mine.yaml")
    write_module(folder, "config", USE, before="configfile: '../mine.yaml'")
    assert planned(folder) == STAGES | {"all"}
    write_module(folder, "config", USE)
    assert planned(folder, "panels", "--configfile", tmp_path / "mine.yaml") == {
        *STAGES - {"fit_rates", "tabulate_rates"},
        "panels",
    }


def test_rules_of_a_module_can_be_changed_and_joined_to_others(tmp_path, config):
    change = "use rule simulate from implicit as implicit_simulate with:\n    threads: 1"
    own = "rule mine:\n    input: rules.implicit_tables.input\n    output: 'mine.txt'\n    shell: 'touch {output}'"
    write_module(tmp_path, json.dumps(config), PREFIXED, change, own)
    expected = {f"implicit_{rule}" for rule in STAGES - {"draw_figure"}}
    assert planned(tmp_path, "mine") == expected | {"mine"}


def test_a_bad_config_of_a_module_is_one_line(tmp_path, config):
    config["experiments"]["small"]["wdith"] = 3
    write_module(tmp_path, json.dumps(config), USE)
    finished = snakemake(tmp_path, "-n")
    assert finished.returncode == 1
    assert "config: experiments.small.wdith: unknown key 'wdith'; did you mean 'width'?" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_module_with_a_prefix_and_a_dict_computes_what_its_config_says_draws_and_reports(tmp_path, config):
    write_module(tmp_path, json.dumps(config), PREFIXED)
    for target in ("implicit_all", "implicit_report"):
        finished = snakemake(tmp_path, target)
        assert finished.returncode == 0, finished.stderr
    report = (tmp_path / "results" / "report.html").read_text()
    assert "panels.svg" in report
    assert "small.html" in report
    assert planned(tmp_path, "implicit_report", "implicit_all") == set()

    computed = run(config, "small", tmp_path)
    for stage in ("matrices", "runs", "trajectories", "rates"):
        expected = computed[stage]
        found = pd.read_parquet(tmp_path / "results" / stage)[expected.columns]
        rows, due = (
            sorted(map(str, frame.drop(columns="seconds", errors="ignore").to_dict("records")))
            for frame in (found, expected)
        )
        assert rows == due, stage


def test_a_module_below_a_prefix_keeps_to_it_with_all_that_it_writes(tmp_path, config):
    write_module(tmp_path, json.dumps(config) + "\n    prefix: 'mine'", PREFIXED)
    for target in ("implicit_package", "implicit_verify"):
        finished = snakemake(tmp_path, target)
        assert finished.returncode == 0, finished.stderr
    assert "8 runs computed again" in finished.stdout
    with zipfile.ZipFile(tmp_path / "mine" / "results" / "dataset.zip") as archive:
        names = {name.removeprefix("dataset/") for name in archive.namelist()}
    assert {name for name in names if name.endswith(".parquet")} == {
        str(file.relative_to(tmp_path / "mine")) for file in (tmp_path / "mine" / "results").rglob("*.parquet")
    }
    assert (tmp_path / "mine" / "logs" / "simulate" / "small" / "linear" / "00000.log").exists()
    assert not (tmp_path / "logs").exists()
    assert not (tmp_path / "results").exists()
    assert "to remove what is not of the config" not in snakemake(tmp_path, "-n", "implicit_package").stdout


def test_a_module_under_its_own_names_draws_and_reports_from_the_config_file_of_its_user(tmp_path, config):
    write_yaml(config, tmp_path / "mine.yaml")
    write_module(tmp_path, "config", USE, before="configfile: 'mine.yaml'", snakefile="workflow/Snakefile")
    finished = snakemake(tmp_path, "all", "report")
    assert finished.returncode == 0, finished.stderr
    assert "panels.svg" in (tmp_path / "results" / "report.html").read_text()


def test_the_catalog_finds_what_it_asks_for():
    """What the Snakemake workflow catalog wants of a workflow that it shows under "standardized usage"."""
    settings = yaml.safe_load((PROJECT / ".snakemake-workflow-catalog.yml").read_text())
    usage = settings["usage"]
    assert {"desc", "flags"} <= usage["mandatory-flags"].keys()
    assert any(usage["software-stack-deployment"].values())
    assert usage["report"] is True
    assert (PROJECT / "workflow" / "Snakefile").is_file()
    assert list((PROJECT / "workflow" / "rules").glob("*.smk"))
    assert {"snakemake", "workflow"} <= set(re.findall(r"\w+", (PROJECT / "README.md").read_text().lower()))
    (block,) = re.findall(r"^```yaml\n(.*?)^```", (PROJECT / "config" / "README.md").read_text(), re.M | re.S)
    configuration.prepare(yaml.safe_load(block), PROJECT / "config.yaml")


def test_the_environment_of_jobs_holds_what_the_package_needs():
    package = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    (file,) = (PROJECT / "workflow" / "envs").glob("*.yaml")
    environment = yaml.safe_load(file.read_text())["dependencies"]
    # conda-forge splits what draws from what shows windows; Snakemake itself is what starts the jobs.
    named = {re.sub(r"^(matplotlib|seaborn)-base", r"\1", item) for item in environment}
    assert named - {"python>=3.11"} == {item for item in package if not item.startswith("snakemake")}
