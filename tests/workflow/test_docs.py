"""The pages of docs/: they build, their links lead somewhere, and what they say to do works."""

import os
import pydoc
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PROJECT

from linear_networks_workflow.experiment import run as run_in_process

DOCS = PROJECT / "docs"


def blocks(page, language):
    """The blocks of code of a page in one language, in their order."""
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def run(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    finished = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return finished


class Assets(HTMLParser):
    """Addresses of what a page loads by itself."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        loads = tag != "link" or values.get("rel") in ("stylesheet", "icon", "preconnect", "preload")
        if tag not in ("a", "meta") and loads:
            self.found += [values[name] for name in ("src", "href") if values.get(name)]


def test_the_pages_build_without_a_warning_and_load_nothing_from_the_network(tmp_path):
    run(f"mkdocs build --strict --config-file {PROJECT}/mkdocs.yml --site-dir {tmp_path}", PROJECT)
    pages = {page: Assets(page.read_text()).found for page in tmp_path.rglob("*.html")}
    assert len(pages) > 10
    for page, assets in pages.items():
        assert assets
        for address in assets:
            assert not re.match("(https?:)?//", address), f"{page.name} loads {address}"


def test_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\((?!http)([^)#]+)", (PROJECT / "README.md").read_text())
    assert len(links) > 5
    assert not [link for link in links if not (PROJECT / link).exists()]


def test_tests_and_experiments_that_show_a_difference_from_the_paper_exist():
    table = [line.split(" | ") for line in (DOCS / "differences.md").read_text().splitlines() if line.startswith("| ")]
    named = [name for row in table for name in re.findall(r"`([\w.-]+)`", row[-1])]
    config = yaml.safe_load((PROJECT / "config.yaml").read_text())
    known = {*config["experiments"], *config["figures"], "product", "gramian"}
    for file in (PROJECT / "tests" / "unit").glob("test_*.py"):
        known |= {file.name, *re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}
    assert len(named) > 30
    assert set(named) <= known


def test_code_and_tests_that_implement_and_hold_the_equations_exist():
    table = [line.split(" | ") for line in (DOCS / "equations.md").read_text().splitlines() if line.startswith("| ")]
    code, tests = ([name for row in table for name in re.findall(r"`([\w.]+)`", row[column])] for column in (1, 2))
    assert len(code) > 30
    assert [name for name in code if pydoc.locate(f"linear_networks.{name}") is None] == []
    assert [name for name in tests if not (PROJECT / "tests" / "unit" / name).is_file()] == []


def test_an_experiment_runs_in_the_process_that_asks_for_it_as_printed(monkeypatch):
    monkeypatch.chdir(PROJECT)
    found = {}
    exec(blocks("index.md", "python")[0], found)
    assert len(found["tables"]["runs"]) == 2 * 3 * 10


def test_a_matrix_becomes_a_figure_and_a_report_by_the_commands_as_printed(project_copy):
    (project_copy / "matrix.csv").write_text(blocks("own-matrix.md", "csv")[0])
    (project_copy / "my.yaml").write_text(blocks("own-matrix.md", "yaml")[0])
    for command in blocks("own-matrix.md", "sh"):
        run(command, project_copy)
    assert (project_copy / "mine" / "results" / "figures" / "my-figure.svg").exists()
    assert (project_copy / "mine" / "results" / "report.html").exists()
    assert len(pd.read_parquet(project_copy / "mine" / "results" / "runs")) == 40


@pytest.mark.parametrize(("page", "block"), [("own-matrix.md", 1), ("own-grid.md", 0), ("lazy-and-rich.md", 0)])
def test_every_other_config_of_the_pages_is_accepted(snakemake, tmp_path, page, block):
    table = {"petal": [1.0, 2.0, 4.0, 3.0], "sepal": [0.5, 0.1, 0.9, 0.2], "species": list("abab")}
    pd.DataFrame(table).to_csv(tmp_path / "table.csv", index=False)
    path = tmp_path / "my.yaml"
    path.write_text(blocks(page, "yaml")[block])
    finished = snakemake("-n", "--configfile", path)
    assert finished.returncode == 0, finished.stderr


def test_the_rates_of_the_one_layer_model_in_the_grid_that_is_worked_through_are_one():
    config = yaml.safe_load(blocks("own-grid.md", "yaml")[0])
    config["experiments"]["grid"]["dynamics"] = ["linear"]
    rates = run_in_process(config, "grid")["rates"]
    step = np.where(rates["solver"] == "descent", 1e-3, 0.0)
    # Descent multiplies the distance by 1 - step in a step.
    truth = np.where(step > 0, -np.log1p(-step) / np.where(step > 0, step, 1.0), 1.0)
    product = rates["quantity"] == "product"
    assert rates["measured"][product].notna().all()
    assert rates["measured"].notna().mean() > 0.9
    off = (rates["measured"] - truth).abs()
    assert not (off > rates["uncertainty"] + 1e-15).any()
    assert off.max() < 0.01


def add(page, project):
    """Add the modules of a page to a copy of the project: each is written, and named in the listing of its room."""
    text = (DOCS / page).read_text()
    for title, code in re.findall(r'^```python title="(scripts/[^"]+)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL):
        file, component = project / title, re.findall(r"^class (\w+)", code, re.MULTILINE)[-1]
        file.write_text(code)
        listing = file.with_name("__init__.py")
        before = listing.read_text()
        if "Listing(" in before:
            module = ".".join(Path(title).with_suffix("").parts[1:])
            after = re.sub(r"Listing\(([^)]*)\)", rf"Listing(\1, {component})", before, count=1)
            listing.write_text(after.replace("\n\n", f"\n\nfrom {module} import {component}\n", 1))
    for folder in ("tests", "benchmarks", "docs"):
        shutil.copytree(PROJECT / folder, project / folder)
    shutil.copy(PROJECT / "pyproject.toml", project)


def test_the_dynamics_that_is_worked_through_does_what_its_page_says(project_copy):
    add("own-dynamics.md", project_copy)
    checked = run("python -m pytest --no-cov tests/unit/test_dynamics.py -k decayed", project_copy)
    assert re.search(r"[5-9]\d* passed", checked.stdout)
    assert "failed" not in checked.stdout

    (project_copy / "my.yaml").write_text(blocks("own-dynamics.md", "yaml")[0])
    run(blocks("own-dynamics.md", "sh")[0], project_copy)
    look = blocks("own-dynamics.md", "python")[-1]
    assert "[2.5, 0.5, 0.0]" in run(f"python - <<'END'\n{look}END", project_copy).stdout
    assert (project_copy / "decay.png").exists()

    samples = pd.read_parquet(project_copy / "decay" / "results" / "trajectories").query("t == 20.0")
    conserved = samples.set_index("dynamics")["drift"].groupby("dynamics", observed=True).max()
    assert conserved["asymmetric"] < 1e-8
    assert np.isnan(conserved["decayed"])
    assert samples["distance"].max() < 1e-3


def test_the_additions_that_are_shown_work_together(project_copy):
    add("extending.md", project_copy)
    (project_copy / "my.yaml").write_text(blocks("extending.md", "yaml")[0])
    run(blocks("extending.md", "sh")[0], project_copy)
    results = project_copy / "mine" / "results"
    assert (results / "figures" / "drift-of-mine.png").exists()
    runs = pd.read_parquet(results / "runs")
    # 2 matrices x 2 solvers x 2 replicates, of each of two dynamics
    assert runs.groupby("dynamics", observed=True).size().to_dict() == {"asymmetric": 8, "hadamard": 8}
    assert {"decay", "density", "step_length"} <= set(runs)
    assert (runs["outcome"] == "completed").all()
    # What is made from the declarations is made again, and nothing else needs an edit.
    run("PYTHONPATH=scripts python -m linear_networks_workflow.config.reference", project_copy)
    added = "decaying or log-cosh or hadamard or sparse or midpoint or drift or guide or in_step"
    checked = run(f"python -m pytest --no-cov tests/unit -k '{added}'", project_copy)
    assert "passed" in checked.stdout
    assert "failed" not in checked.stdout
