import itertools
import os
import re
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
import yaml
from conftest import PROJECT

from linear_networks_workflow.dataset import archive, citation, parquet


def test_the_same_content_gives_the_same_bytes_whenever_and_by_whomever_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"numbers")
    archive.write("one.zip", ["a.parquet"], Path(), {"README.md": "read me", "config.yaml": "seed: 1"})
    os.utime("a.parquet", (1e9, 1e9))
    (tmp_path / "a.parquet").chmod(0o600)
    archive.write("other.zip", ["a.parquet"], Path(), {"config.yaml": "seed: 1", "README.md": "read me"})
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    with zipfile.ZipFile("one.zip") as found:
        assert {entry.filename: found.read(entry) for entry in found.infolist()} == {
            "dataset/README.md": b"read me",
            "dataset/config.yaml": b"seed: 1",
            "dataset/a.parquet": b"numbers",
        }


def test_the_header_of_the_readme_names_the_parts_that_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "results" / "runs" / "small" / "linear" / "00000.parquet"
    file.parent.mkdir(parents=True)
    parquet.write(parquet.table([{"run": "a"}], parquet.RUNS), str(file), {})
    text = archive.readme([os.path.relpath(file)], citation.read(PROJECT / "CITATION.cff"))
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["license"] == "cc-by-4.0"
    assert header["configs"] == [{"config_name": "runs", "data_files": "results/runs/*/*/*.parquet"}]
    assert [*tmp_path.glob(header["configs"][0]["data_files"])] == [file]
    assert "| `small` | 1 | 0 |" in text


@pytest.fixture
def two_experiments(tmp_path, monkeypatch):
    """Dataset of two experiments of two replicates each, that have their dynamics, scales and times in common."""
    monkeypatch.chdir(tmp_path)
    files = []
    for experiment in ("imbalance", "other"):
        grid = itertools.product(range(2), (0.1, 1.0), (0.0, 1.0, 2.0))
        rows = [
            {"run": f"{experiment} {replicate} {scale}", "experiment": experiment, "dynamics": "linear", "error": 0.5}
            | {"solver": "flow", "width": 5, "replicate": replicate, "scale": scale, "t": t}
            for replicate, scale, t in grid
        ]
        for stage, schema in (("trajectories", parquet.TRAJECTORIES), ("runs", parquet.RUNS)):
            file = tmp_path / "results" / stage / experiment / "linear" / "00000.parquet"
            file.parent.mkdir(parents=True)
            known = [{name: value for name, value in row.items() if name in schema.names} for row in rows]
            parquet.write(parquet.table(known, schema), str(file), {})
            files.append(os.path.relpath(file))
    return files


@pytest.mark.parametrize("page", ["guide", "package"])
def test_no_group_of_a_documented_query_mixes_experiments(two_experiments, page):
    if page == "guide":
        text = (PROJECT / "docs" / "dataset.md").read_text()
    else:
        text = archive.readme(two_experiments, citation.read(PROJECT / "CITATION.cff"))
    (query,) = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    counted = query.replace("median(error)", "count(*), count(DISTINCT experiment)")
    # Two scales and three times, with the two replicates of one experiment.
    assert [group[-2:] for group in duckdb.sql(counted).fetchall()] == [(2, 1)] * 6
    assert [group[-1] for group in duckdb.sql(query).fetchall()] == [0.5] * 6

    blocks = re.findall(r"^```python\n(import (?:pandas|polars)\n.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        names = {}
        exec(block, names)
        table = names["trajectories"]
        frame = table.lazy().collect() if isinstance(table, pl.DataFrame | pl.LazyFrame) else table
        assert set(frame["experiment"]) == {"imbalance"}
        assert len(frame) == 12
    (folder,) = re.findall(r'open_dataset\("(.*?)"\)', text)
    assert set(pd.read_parquet(folder)["experiment"]) == {"imbalance"}
