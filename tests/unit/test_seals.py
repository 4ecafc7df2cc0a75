"""A result that is damaged or of another config is never taken for one that is not."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, small_config

from linear_networks_workflow import config as configuration
from linear_networks_workflow import grid, provenance
from linear_networks_workflow.dataset import parquet, seals
from linear_networks_workflow.dataset.parameters import WORD
from linear_networks_workflow.errors import InputError

FIT = ["asymmetric", {"name": "regularized", "lambda0": "fit"}]


def prepared(seed=1, **changes):
    config = {"seed": seed, "experiments": small_config(**{"dynamics": FIT, **changes})["experiments"]}
    configuration.prepare(config, PROJECT / "config.yaml")
    return config


def drawn(kind, rng):
    """A value of a type."""
    if pa.types.is_list(kind):
        return rng.standard_normal(3)
    if pa.types.is_floating(kind):
        return rng.standard_normal()
    return "word" if kind in (WORD, pa.string()) else pa.scalar(rng.integers(2)).cast(kind).as_py()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A file of every stage, by stage, as jobs write them, but of any numbers; and their config."""
    config, folder, rng = prepared(), tmp_path_factory.mktemp("results"), np.random.default_rng(0)
    files = {}
    for stage, schema in parquet.SCHEMAS.items():
        name = grid.files(config, stage)[0]
        files[stage] = folder / name
        files[stage].parent.mkdir(parents=True, exist_ok=True)
        rows = pd.DataFrame([{field.name: drawn(field.type, rng) for field in schema} for _ in range(20)])
        parquet.write(parquet.of_frame(rows, schema), files[stage], provenance.metadata(config, name))
    return files, config


def check(content, path, config):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    seals.check([str(path)], config)


@pytest.mark.parametrize("stage", parquet.SCHEMAS)
def test_no_flipped_bit_goes_unnoticed(results, tmp_path, stage):
    files, config = results
    content, path = files[stage].read_bytes(), tmp_path / files[stage].relative_to(files[stage].parents[-1])
    check(content, path, config)
    for place in np.random.default_rng(0).choice(8 * len(content), 150, replace=False):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        with pytest.raises(InputError, match=r"^\S+\.parquet: is damaged.*the same command makes it again: rm \S+$"):
            check(damaged, path, config)


@pytest.mark.parametrize("stage", parquet.SCHEMAS)
def test_a_file_that_is_cut_short_or_longer_is_damaged(results, tmp_path, stage):
    files, config = results
    content, path = files[stage].read_bytes(), tmp_path / files[stage].relative_to(files[stage].parents[-1])
    for part in (b"", content[:4], content[:-1], content[: len(content) // 2], content + b"\0", content + content):
        with pytest.raises(InputError, match="is damaged"):
            check(part, path, config)


def test_a_file_that_others_wrote_has_no_seal(results, tmp_path):
    files, config = results
    path = tmp_path / "results" / "runs" / "small" / "asymmetric" / "00000.parquet"
    path.parent.mkdir(parents=True)
    pd.read_parquet(files["runs"]).to_parquet(path)
    with pytest.raises(InputError, match="of another release"):
        seals.check([str(path)], config)


def test_readers_of_other_software_can_check_the_pages(results, tmp_path):
    files, _ = results
    content = bytearray(files["trajectories"].read_bytes())
    groups = pq.ParquetFile(files["trajectories"]).metadata.row_group(0)
    place = next(groups.column(n) for n in range(groups.num_columns) if groups.column(n).path_in_schema == "error")
    # The last byte of the column's pages.
    content[place.data_page_offset + place.total_compressed_size - 1] ^= 1
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(OSError, match="CRC"):
        pq.read_table(path, page_checksum_verification=True)
    with pytest.raises(OSError, match="CRC"):
        parquet.read(str(path))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 7},
        {"replicates": 3},
        {"width": 9},
        {"time": {"horizon": 2.0, "samples": 11}},
        {"runs_per_job": 3},
    ],
)
def test_a_file_of_another_config_is_refused(results, change):
    files, _ = results
    other = prepared(**change)
    assert grid.files(other, "runs")[0] == grid.files(prepared(), "runs")[0]
    with pytest.raises(InputError, match=r"was made by another config; .* rm \S+$"):
        seals.check([str(files["runs"])], other)


def test_a_file_with_less_recorded_is_of_another_config():
    file = "results/runs/small/linear/00000.parquet"
    digests = {provenance.made_from(prepared(dynamics=["linear"], record=kept), file) for kept in ([], ["product"])}
    assert len(digests) == 2


def test_what_changes_no_row_of_a_file_leaves_it_of_the_config():
    config = prepared(runs_per_job=4)
    more = prepared(runs_per_job=4, initialization={"kind": "gaussian", "scale": [0.1, 1.0, 2.0]})
    files = grid.files(config, "runs")
    assert files == [file for file in grid.files(more, "runs") if "00000" in file]
    assert [provenance.made_from(config, file) for file in files] == [
        provenance.made_from(more, file) for file in files
    ]
    (table,), (matrices,) = grid.files(config, "tables"), grid.files(config, "matrices")
    assert provenance.made_from(config, table) != provenance.made_from(more, table)
    assert provenance.made_from(config, matrices) == provenance.made_from(more, matrices)


def test_a_file_below_a_prefix_is_that_of_the_config():
    config = prepared()
    for stage in grid.STAGES:
        for file in grid.files(config, stage):
            assert provenance.made_from(config, f"results/runs/{file}") == provenance.made_from(config, file)
            assert grid.parts(os.path.abspath(file))[:2] == (stage, "small")


def test_an_experiment_may_have_the_name_of_a_folder():
    for name in ("results", "runs", "matrices"):
        assert grid.parts(f"results/matrices/{name}.parquet") == ("matrices", name)
        assert grid.parts(f"results/rates/{name}/linear/00000.parquet") == ("rates", name, "linear", "00000")


def test_what_a_file_was_made_from_is_found_in_its_metadata(results):
    files, config = results
    for file in files.values():
        assert seals.made_from(file) == parquet.metadata(file)["made_from"] == provenance.made_from(config, str(file))
    assert seals.made_from(Path(__file__)) is None
