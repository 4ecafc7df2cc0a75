"""Places that cannot be written are refused before any job, and what lies there of other configs is named."""

import os
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest
from conftest import PROJECT, small_config

from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid, places, provenance
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.replacing import replacing
from linear_networks_workflow.errors import InputError
from linear_networks_workflow.figures import planning


def prepared(**changes):
    config = {"seed": 1, **small_config(**changes)}
    configuration.prepare(config, PROJECT / "config.yaml")
    return config


@pytest.fixture
def config():
    return prepared()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(config):
    """Write every file of a config, each Parquet file with a row."""
    for file in map(Path, places.files(config)):
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".parquet":
            schema = parquet.SCHEMAS[grid.parts(str(file))[0]]
            parquet.write(parquet.table([{}], schema), file, provenance.metadata(config, str(file)))
        elif file.suffix == ".rst":
            file.write_text(f"Caption.\n\n.. made from {planning.made_from(config, file.stem)}\n")
        else:
            file.touch()


def check(config):
    places.check(map(Path, ["logs/verify.log", *places.files(config)]))


def test_a_folder_that_is_not_there_yet_can_be_written(folder, config):
    check(config)
    fill(config)
    check(config)


@pytest.mark.parametrize("place", ["logs", "results", "results/runs", "results/runs/small/linear"])
def test_a_file_where_a_folder_belongs_is_refused(folder, config, place):
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).touch()
    with pytest.raises(InputError, match=f"^{place}: is a file, where a folder belongs; move it, "):
        check(config)


@pytest.mark.parametrize("place", ["logs", "results", "results/figures"])
def test_a_link_to_nowhere_is_refused_and_one_to_a_folder_is_not(folder, config, place):
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Path(place).symlink_to(folder / "nowhere")
    with pytest.raises(InputError, match=f"^{place}: is a link to {folder}/nowhere, which is not there"):
        check(config)
    (folder / "nowhere").mkdir()
    check(config)


@pytest.mark.parametrize("file", ["results/matrices/small.parquet", "results/figures/panels.svg"])
def test_a_folder_where_a_file_belongs_is_refused(folder, config, file):
    Path(file).mkdir(parents=True)
    with pytest.raises(InputError, match=f"^{file}: is a folder, where a file belongs; move it, "):
        check(config)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused(folder, config):
    (folder / "results").mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"^/.*results: cannot be written; change its permissions, "):
        check(config)


def test_results_of_the_config_are_no_strangers(folder, config):
    assert places.strangers(config, Path("results")) == ([], [], [])
    fill(config)
    Path("results/figures/mine.txt").write_text("what a user keeps there is none of ours")
    assert places.strangers(config, Path("results")) == ([], [], [])
    assert list(places.notices(places.strangers(config, Path("results")), "rm")) == []


def test_of_rows_alone_the_trajectories_and_what_is_made_of_them_are_no_longer_made(folder, config):
    fill(config)
    rows = {**small_config(trajectories=False), "seed": 1, "figures": {}}
    configuration.prepare(rows, PROJECT / "config.yaml")
    assert {file.split("/")[1] for file in places.files(rows)} == {"matrices", "runs"}
    found = places.strangers(rows, Path("results"))
    assert {file.parts[1] for file in found.unmade} >= {"trajectories", "rates", "tables", "summaries"}
    assert not {"matrices", "runs"} & {file.parts[1] for file in found.unmade + found.of_another}


def test_files_that_the_config_no_longer_makes_are_named_and_removed(folder):
    fill(prepared(runs_per_job=1))
    config = prepared(runs_per_job=4, dynamics=["linear", "asymmetric"])
    fill(config)
    kept = {str(file) for file in Path("results").rglob("*.*")} - {
        f"results/{stage}/small/{dynamics}/0000{chunk}.parquet"
        for stage in ("runs", "trajectories", "rates")
        for dynamics in ("linear", "asymmetric")
        for chunk in (1, 2, 3)
    }
    assert len(pd.read_parquet("results/runs")) == 8
    (notice,) = places.notices(places.strangers(config, Path("results")), "snakemake tidy")
    first = "results/runs/small/asymmetric/00001.parquet and 17 other files that the config does not make"
    assert notice.startswith(first)
    assert notice.endswith(": snakemake tidy")
    assert len(list(places.tidy(config, Path("results")))) == 18
    assert {str(file) for file in Path("results").rglob("*.*")} == kept == set(places.files(config))
    assert len(pd.read_parquet("results/runs")) == 2


def test_files_that_a_user_keeps_there_stay(folder, config):
    fill(config)
    mine = [
        "results/figures/poster.png",
        "results/figures/mine/panels.pdf",
        "results/summaries/notes.md",
        "results/summaries/small-annotated.csv",
        "results/runs/backup/asymmetric/00000.parquet",
        "results/runs/backup/linear/00000.parquet",
        "results/runs/numbers.parquet",
    ]
    for file in map(Path, mine[:-3]):
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    pd.DataFrame({"x": [1.0]}).to_parquet(mine[-1])
    shutil.copytree("results/runs/small", "results/runs/backup")
    found = places.strangers(config, Path("results"))
    assert found == ([], [], list(map(Path, mine[-3:])))
    (notice,) = places.notices(found, "snakemake tidy")
    assert notice.endswith("which readers of the folder mix in; move it elsewhere")
    assert list(places.tidy(config, Path("results"))) == []
    assert all(Path(file).is_file() for file in mine)


def test_figures_and_summaries_of_no_config_go_with_what_says_whose_they_are(folder, config):
    fill(config)
    Path("results/figures/mine.svg").write_text("mine")
    config["experiments"]["renamed"] = config["experiments"].pop("small")
    config["figures"]["other"] = config["figures"].pop("panels") | {"experiment": "renamed"}
    list(places.tidy(config, Path("results")))
    assert [file.name for file in Path("results").rglob("*.*")] == ["mine.svg"]


def test_files_of_another_config_are_named_and_removed_and_those_of_both_are_kept(folder):
    fill(prepared())
    other = prepared()
    other["seed"] = 2
    found = places.strangers(other, Path("results"))
    assert found.unmade == []
    # One of each stage but lambda0, of two dynamics where there is one each, and the figure.
    assert len(found.of_another) == 2 + 3 * 2 + 1
    (notice,) = places.notices(found, "snakemake tidy")
    assert "results/matrices/small.parquet and 8 other files that another config or release made" in notice
    list(places.tidy(other, Path("results")))
    assert not list(Path("results").rglob("*.parquet"))

    fill(prepared())
    more = prepared(dynamics=["linear", "asymmetric", {"name": "regularized", "lambda0": 1.0}])
    kept = {file for file in places.files(prepared()) if file.endswith(".parquet")} - {"results/tables/small.parquet"}
    list(places.tidy(more, Path("results")))
    assert {str(file) for file in Path("results").rglob("*.parquet")} == kept


def test_folders_of_an_experiment_that_is_no_more_go_with_its_files(folder, config):
    fill(config)
    config["experiments"]["renamed"] = config["experiments"].pop("small")
    config["figures"]["panels"]["experiment"] = "renamed"
    list(places.tidy(config, Path("results")))
    assert not list(Path("results").rglob("*small*"))


def abandoned(file, process):
    """The path that a process on this machine writes to."""
    with replacing(file) as temporary:
        temporary.write_bytes(b"PAR1")
        left = temporary.with_name(temporary.name.replace(str(os.getpid()), str(process)))
        left.write_bytes(b"PAR1")
    return left


# The largest number of a process that Linux gives is 2^22.
NO_PROCESS = 2**22 + 1


def test_what_a_killed_job_has_left_breaks_no_reader_and_is_removed(folder, config):
    fill(config)
    file = Path("results/trajectories/small/linear/00000.parquet")
    content = file.read_bytes()
    alive, dead = abandoned(file, os.getppid()), abandoned(file, NO_PROCESS)
    foreign = dead.with_name(dead.name.replace(f".{os.uname().nodename}.", ".node-of-another-name."))
    foreign.write_bytes(b"PAR1")
    file.write_bytes(content)
    assert dead.exists()
    assert dead.suffix != ".parquet"
    assert len(pd.read_parquet("results/trajectories")) == 2
    assert pl.read_parquet("results/trajectories/**/*.parquet").height == 2
    assert duckdb.sql("SELECT * FROM read_parquet('results/trajectories/**/*.parquet')").shape[0] == 2
    with replacing(file) as temporary:
        temporary.write_bytes(content)
    assert not dead.exists()
    assert alive.exists()
    assert foreign.exists()
    assert list(places.tidy(config, Path("results"))) == []
    dead.touch()
    assert list(places.tidy(config, Path("results"))) == [dead]


def test_tables_are_one_dataset_for_every_reader(folder):
    config = prepared()
    config["experiments"]["other"] = prepared(width=4)["experiments"]["small"]
    fill(config)
    assert Path("results/summaries/other.csv").exists()
    names = parquet.TABLES.names
    frames = (
        pd.read_parquet("results/tables"),
        pl.read_parquet("results/tables").to_pandas(),
        duckdb.sql("SELECT * FROM read_parquet('results/tables/*.parquet')").df(),
    )
    for frame in frames:
        assert list(frame.columns) == names
        assert len(frame) == 2
