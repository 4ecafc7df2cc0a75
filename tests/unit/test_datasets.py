import json
import os
import platform
import subprocess
import sys

import llvmlite.binding
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT

from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.replacing import replacing

ROWS = [{"run": "a", "t": 0.0, "error": 1.0, "singular_values": [2.0, 1.0], "step": 0}, {"run": "a", "t": 0.5}]


def test_a_file_carries_its_schema_version_config_and_software(tmp_path):
    path = str(tmp_path / "x.parquet")
    parquet.write(parquet.table(ROWS, parquet.TRAJECTORIES), path, {"config": '{"seed": 3}'})
    metadata = pq.read_schema(path).metadata
    assert metadata[b"schema_version"] == parquet.SCHEMA_VERSION.encode()
    assert json.loads(metadata[b"config"]) == {"seed": 3}
    used = json.loads(metadata[b"software"])
    assert used["numpy"] == np.__version__
    assert used["llvmlite"] == llvmlite.__version__
    assert used["processor"] == llvmlite.binding.get_host_cpu_name()
    assert used["blas"].startswith(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"])


def test_the_software_names_the_kernel_that_blas_has_chosen():
    def told(**environment):
        code = "from linear_networks_workflow.dataset import software; print(software.used()['blas'])"
        command = [sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts"), **environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    if platform.machine() != "x86_64" or "openblas" not in told():
        pytest.skip("this machine has no OpenBLAS for x86_64")
    assert told() == told()
    assert told(OPENBLAS_CORETYPE="Nehalem").endswith(" Nehalem")


def test_missing_values_are_null_and_floats_are_split_without_dictionary(tmp_path):
    path = str(tmp_path / "x.parquet")
    parquet.write(parquet.table(ROWS, parquet.TRAJECTORIES), path, {})
    frame = pd.read_parquet(path)
    assert frame["error"].isna().tolist() == [False, True]
    assert frame["singular_values"][1] is None
    group = pq.ParquetFile(path).metadata.row_group(0)
    for place in range(group.num_columns):
        column = group.column(place)
        assert column.compression == "ZSTD"
        if column.physical_type == "DOUBLE":
            assert "BYTE_STREAM_SPLIT" in column.encodings
            assert not column.has_dictionary_page


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "x.parquet"
    path.write_text("old")
    table = pa.table({"error": [1.0], "unstorable": pa.nulls(1, pa.month_day_nano_interval())})
    with pytest.raises(pa.ArrowNotImplementedError):
        parquet.write(table, str(path), {})
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_being_written_is_no_part_of_the_dataset(tmp_path):
    path = tmp_path / "x.parquet"
    table = parquet.table(ROWS, parquet.TRAJECTORIES)
    parquet.write(table, str(path), {})
    with replacing(str(tmp_path / "y.parquet")) as temporary:
        temporary.write_text("half")
        assert len(pd.read_parquet(tmp_path)) == 2
        pq.write_table(table, temporary)
    assert len(pd.read_parquet(tmp_path)) == 4


def test_a_parameter_that_a_point_does_not_have_is_null():
    found = parquet.parameters({"width": 3, "matrix": {"source": "file", "path": "y.csv"}})
    assert (found["width"], found["source"], found["scale"]) == (3, "file", None)
    assert pa.Table.from_pylist([found], parquet.RUNS)["scale"].null_count == 1


def test_jobs_that_make_no_data_frames_load_no_pandas():
    code = """
import sys
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import lambda0_fits, matrices, rate_fits, simulation
parquet.forgo_pandas()
point = {"source": "gaussian", "rows": 2, "columns": 3}
table = parquet.table(matrices.generate("small", 0, 2, [point], "."), parquet.MATRICES)
print("pandas" in sys.modules)
print(len(table.to_pandas()), "pandas" in sys.modules)
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PROJECT / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["False", "2", "True"]
