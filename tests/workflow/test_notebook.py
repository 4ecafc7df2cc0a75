"""The notebook reads the dataset as anyone would, without this project."""

import re

import nbclient
import nbformat
import pytest
import yaml
from conftest import PROJECT, snakemake_in, write_yaml

NOTEBOOK = PROJECT / "docs" / "figure1.ipynb"
FLOW = {"solver": {"method": "flow", "rtol": 1e-10}, "replicates": 2}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of the experiments that the notebook reads, made small."""
    folder = tmp_path_factory.mktemp("notebook")
    shipped = yaml.safe_load((PROJECT / "config.yaml").read_text())["experiments"]
    experiments = {name: {**shipped[name], **FLOW} for name in ("imbalance", "rates-symmetric")}
    path = write_yaml({"experiments": experiments}, folder / "my.yaml")
    finished = snakemake_in(folder, "trajectories", "rates", "--configfile", path)
    assert finished.returncode == 0, finished.stderr
    return folder / "results"


def test_the_notebook_redraws_its_figures_in_forty_lines_without_this_project(results, monkeypatch):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs for cell in cells)
    source = "\n".join(cell.source for cell in cells)
    assert len([line for line in source.splitlines() if line.strip()]) <= 40
    assert not re.search("linear_networks", source)

    monkeypatch.setenv("RESULTS", str(results))
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": NOTEBOOK.parent}}).execute()
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    # Three scales, two draws, two models; and the rates of a flow are within 1 % of theory.
    assert "12 runs" in said
    assert float(re.search(r"([\d.]+)% within 1 %", said).group(1)) >= 99
