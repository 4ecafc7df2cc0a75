"""The dataset as someone gets it who never runs the workflow: packaged, unpacked elsewhere, loaded and audited."""

import hashlib
import json
import os
import shutil
import zipfile

import duckdb
import mlcroissant
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from conftest import small_config, snakemake_in

from linear_networks_workflow.dataset import audit, parquet
from linear_networks_workflow.errors import InputError

TRAJECTORIES = "results/trajectories/small/asymmetric/00000.parquet"
NASTY = "</script><script>alert('|x|')</script> \"é\n`"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """Folder of an unpacked package, with files of every stage and a table with a hostile column name."""
    folder = tmp_path_factory.mktemp("packaged")
    features = np.random.default_rng(0).standard_normal((20, 3))
    table = pd.DataFrame(features, columns=["a", "b", NASTY])
    table.to_parquet(folder / "table.parquet")
    flow = {"solver": {"method": "flow"}, "time": {"horizon": 10.0, "samples": 40, "spacing": "log", "first": 0.01}}
    fit = small_config(dynamics=["asymmetric", {"name": "regularized", "lambda0": "fit"}], **flow)
    matrix = {"source": "table", "path": "table.parquet", "target": NASTY}
    read = small_config(matrix=matrix, dynamics=["asymmetric"], record=["product"])
    experiments = {"small": small_config()["experiments"]["small"]}
    experiments |= {"rows": small_config(dynamics=["asymmetric"], trajectories=False)["experiments"]["small"]}
    experiments |= {"fit": fit["experiments"]["small"], "read": read["experiments"]["small"]}
    (folder / "my.yaml").write_text(yaml.safe_dump({"experiments": experiments}, sort_keys=False))
    finished = snakemake_in(folder, "package", "--configfile", folder / "my.yaml")
    assert finished.returncode == 0, finished.stderr
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with zipfile.ZipFile(folder / "results" / "dataset.zip") as archive:
        archive.extractall(elsewhere)
    return elsewhere / "dataset"


@pytest.fixture
def dataset(packaged, tmp_path):
    """A copy of the unpacked package that a test may alter."""
    return shutil.copytree(packaged, tmp_path / "dataset")


# mlcroissant uses what its own dependencies deprecate.
DEPRECATED = pytest.mark.filterwarnings("ignore")


@DEPRECATED
def test_every_reader_finds_the_same_rows_and_sums(packaged, monkeypatch):
    monkeypatch.chdir(packaged)
    records = list(mlcroissant.Dataset("results/croissant.json").records("trajectories"))
    found = {
        "pandas": pd.read_parquet("results/trajectories")["error"],
        "polars": pl.read_parquet("results/trajectories/**/*.parquet")["error"],
        "duckdb": duckdb.sql("SELECT error FROM read_parquet('results/trajectories/**/*.parquet')").fetchnumpy()[
            "error"
        ],
        "mlcroissant": [record["trajectories/error"] for record in records],
    }
    assert {name: len(errors) for name, errors in found.items()} == dict.fromkeys(found, 2 * 4 * 40 + 3 * 4 * 10)
    for errors in found.values():
        assert np.sum(np.asarray(errors)) == pytest.approx(found["pandas"].sum(), rel=1e-12)
    assert set(records[0]) == {f"trajectories/{name}" for name in parquet.TRAJECTORIES.names}


@DEPRECATED
def test_the_card_loads_every_set_of_records_and_describes_every_column(packaged):
    path = packaged / "results" / "croissant.json"
    card, loaded = json.loads(path.read_text()), mlcroissant.Dataset(path)
    rows = {records["@id"]: sum(1 for _ in loaded.records(records["@id"])) for records in card["recordSet"]}
    assert rows == {stage: len(pd.read_parquet(packaged / "results" / stage)) for stage in parquet.SCHEMAS}
    for records in card["recordSet"]:
        assert all(field["description"] and field["dataType"] for field in records["field"])
    units = {field["@id"]: field.get("unitText") for records in card["recordSet"] for field in records["field"]}
    assert (units["trajectories/t"], units["rates/measured"], units["runs/seconds"]) == ("time", "1/time", "s")
    assert card["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert "Tarmoun" in card["citeAs"]
    files = {item["contentUrl"]: item for item in card["distribution"] if "contentUrl" in item}
    assert set(files) == {str(file.relative_to(path.parent)) for file in path.parent.rglob("*.parquet")}
    for name, item in files.items():
        content = (path.parent / name).read_bytes()
        assert (item["sha256"], item["contentSize"]) == (hashlib.sha256(content).hexdigest(), f"{len(content)} B")


def test_a_hostile_name_in_a_config_is_kept_as_it_is_and_breaks_neither_card_nor_readme(packaged):
    card = json.loads((packaged / "results" / "croissant.json").read_text())
    config = json.loads(card["prov:wasGeneratedBy"]["prov:used"]["prov:value"])
    assert config["experiments"]["read"]["matrix"]["target"] == NASTY
    assert yaml.safe_load((packaged / "config.yaml").read_text())["experiments"] == config["experiments"]
    assert "<script" not in (packaged / "README.md").read_text()


def test_an_honest_dataset_is_verified_and_left_as_it_is(dataset):
    before = {file: file.read_bytes() for file in dataset.rglob("*.*") if file.is_file()}
    finished = snakemake_in(dataset, "verify")
    assert finished.returncode == 0, finished.stderr
    assert "24 runs computed again" in finished.stdout
    assert "trajectories: largest relative deviation" in finished.stdout
    assert all(file.read_bytes() == content for file, content in before.items())


def test_a_flipped_byte_is_found(dataset):
    content = bytearray((dataset / TRAJECTORIES).read_bytes())
    content[len(content) // 2] ^= 1
    (dataset / TRAJECTORIES).write_bytes(content)
    assert refused(dataset) == [
        f"{TRAJECTORIES}: differs from the file that results/croissant.json lists: its checksum is another; "
        f"download it again, or remove it and give the command that made it: rm {TRAJECTORIES}"
    ]


def test_a_file_more_or_less_is_found(dataset, monkeypatch):
    monkeypatch.chdir(dataset)
    extra = TRAJECTORIES.replace("00000", "00001")
    shutil.copy(TRAJECTORIES, extra)
    with pytest.raises(InputError, match=f"^{extra}: is not listed"):
        verified()
    os.rename(extra, TRAJECTORIES.replace("trajectories", "runs"))
    os.remove(TRAJECTORIES)
    with pytest.raises(InputError, match=f"^{TRAJECTORIES}: is missing"):
        verified()


def verified():
    """Findings of an audit in the working directory."""
    return audit.audit("results/croissant.json", 20, np.random.default_rng(0), lambda fraction: None)


def refused(dataset):
    """The lines in the log of a verification that fails, each without its time."""
    finished = snakemake_in(dataset, "verify")
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    lines = (dataset / "logs" / "verify.log").read_text().splitlines()
    errors = [line.split(" ERROR ")[1] for line in lines if " ERROR " in line]
    assert len(errors) == 1
    assert errors[0] in finished.stderr
    return errors


def alter(dataset, file, column, row, value):
    """Write another value into a file, and its checksum into the card."""
    table = pq.read_table(dataset / file)
    values = table[column].to_pylist()
    assert values[row] not in (None, value)
    values[row] = value
    place = table.schema.get_field_index(column)
    field = table.schema.field(place)
    altered = table.set_column(place, field, pa.array(values, type=field.type))
    pq.write_table(altered.replace_schema_metadata(table.schema.metadata), dataset / file)
    renew_checksum(dataset, file)


def renew_checksum(dataset, file):
    """Write the checksum of a file into the card."""
    path = dataset / "results" / "croissant.json"
    card = json.loads(path.read_text())
    (item,) = (item for item in card["distribution"] if f"results/{item.get('contentUrl')}" == file)
    item["sha256"] = hashlib.sha256((dataset / file).read_bytes()).hexdigest()
    path.write_text(json.dumps(card))


def test_a_single_altered_value_with_a_recomputed_checksum_is_found(dataset):
    drift = pd.read_parquet(dataset / TRAJECTORIES)["drift"]
    alter(dataset, TRAJECTORIES, "drift", 13, 1.001 * drift[13])
    run = pd.read_parquet(dataset / TRAJECTORIES)["run"][13]
    (error,) = refused(dataset)
    assert error.startswith(f"{TRAJECTORIES}: run {run}, column drift: at t = ")


@pytest.mark.parametrize(
    ("file", "column", "change"),
    [
        ("runs/small/linear/00000", "width", lambda value: value + 1),
        ("runs/small/linear/00000", "outcome", lambda value: "converged"),
        ("runs/small/linear/00000", "loss_end", lambda value: 1.001 * value),
        ("runs/rows/asymmetric/00000", "error_end", lambda value: 1.001 * value),
        ("runs/fit/regularized/00000", "lambda0", lambda value: 1.01 * value),
        ("runs/fit/asymmetric/00000", "factors", lambda value: [1.001 * value[0], *value[1:]]),
        ("trajectories/small/linear/00000", "scale", lambda value: 2.0 * value),
        ("trajectories/small/linear/00000", "t", lambda value: 1.001 * value),
        ("trajectories/small/linear/00000", "loss", lambda value: 1.001 * value),
        ("trajectories/read/asymmetric/00000", "product", lambda value: [1.001 * value[0], *value[1:]]),
        ("matrices/small", "values", lambda value: [1.001 * value[0], *value[1:]]),
        ("matrices/read", "singular_values", lambda value: [1.001 * value[0], *value[1:]]),
        ("lambda0/fit/00000", "objective", lambda value: 1.001 * value),
        ("rates/fit/asymmetric/00000", "measured", lambda value: 1.001 * value),
        ("rates/fit/asymmetric/00000", "points", lambda value: value + 1),
        ("matrices/read", "source", lambda value: "file"),
        ("tables/fit", "measured", lambda value: 1.001 * value),
    ],
)
def test_a_single_altered_value_of_any_stage_is_found(dataset, monkeypatch, file, column, change):
    monkeypatch.chdir(dataset)
    file = f"results/{file}.parquet"
    values = pd.read_parquet(file)[column].dropna()
    alter(dataset, file, column, values.index[-1], change(values.iloc[-1]))
    with pytest.raises(InputError, match=rf"^{file}: .*column {column}: "):
        verified()


def test_a_deleted_rate_is_found(dataset, monkeypatch):
    monkeypatch.chdir(dataset)
    file = "results/rates/fit/asymmetric/00000.parquet"
    row = pd.read_parquet(file)["measured"].dropna().index[-1]
    for column in ("uncertainty", "window_start", "window_end", "points", "measured"):
        alter(dataset, file, column, row, None)
    with pytest.raises(InputError, match=rf"^{file}: .*column (measured|reason): "):
        verified()


def test_a_dataset_of_another_machine_is_not_refused_for_its_software(dataset, monkeypatch):
    monkeypatch.chdir(dataset)
    table = pq.read_table(TRAJECTORIES)
    software = {**json.loads(table.schema.metadata[b"software"]), "processor": "another", "blas": "another"}
    metadata = {**table.schema.metadata, b"software": json.dumps(software).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), TRAJECTORIES)
    renew_checksum(dataset, TRAJECTORIES)
    assert verified().counts["runs computed again"] == 24


def test_a_dataset_of_versions_before_is_verified_by_the_columns_that_it_has(dataset, monkeypatch):
    monkeypatch.chdir(dataset)
    file, fits = "results/runs/small/linear/00000.parquet", "results/lambda0/fit/00000.parquet"
    lacking = {file: parquet.ADDED, TRAJECTORIES: parquet.ADDED_SAMPLES, fits: parquet.ADDED_FITS}
    for (older, added), version in zip(lacking.items(), (*parquet.BEFORE, parquet.BEFORE[-1]), strict=True):
        table = pq.read_table(older).drop_columns([*added])
        metadata = {**table.schema.metadata, b"schema_version": version.encode()}
        pq.write_table(table.replace_schema_metadata(metadata), older)
        renew_checksum(dataset, older)
    assert verified().counts["runs computed again"] == 24
    alter(dataset, file, "imbalance_norm", 0, 1.0)
    with pytest.raises(InputError, match=rf"^{file}: .*column imbalance_norm: "):
        verified()


def test_without_a_card_or_of_another_workflow_verification_says_what_is_missing(dataset, monkeypatch):
    monkeypatch.chdir(dataset)
    path = dataset / "results" / "croissant.json"
    card = json.loads(path.read_text())
    del card["prov:wasGeneratedBy"]
    for text, message in ((json.dumps(card), "holds no config"), (json.dumps(card)[:-9], "the card is damaged")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            verified()
