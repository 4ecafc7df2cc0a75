"""Results in object storage: the workflow as it is, with Snakemake's storage plugin for S3."""

import pandas as pd
import pytest
from conftest import small_config
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem


@pytest.fixture
def bucket_server(monkeypatch):
    """Address of a local S3 server."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_ACCESS_KEY", "key")
    monkeypatch.setenv("SNAKEMAKE_STORAGE_S3_SECRET_KEY", "secret")
    yield f"{host}:{port}"
    server.stop()


def test_results_in_a_bucket_are_those_on_disk(snakemake, bucket_server, write_config, tmp_path, tmp_path_factory):
    path = write_config(small_config())
    targets = ["panels", "tables", "--configfile", path]
    storage = ["--default-storage-provider", "s3", "--default-storage-prefix", "s3://ours/run-1"]
    finished = snakemake(*targets, *storage)
    assert finished.returncode == 0, finished.stderr
    assert "7 jobs in" in finished.stderr
    assert not (tmp_path / "results").exists()
    assert (tmp_path / "logs" / "simulate" / "small" / "linear" / "00000.log").exists()
    assert "Nothing to be done" in snakemake(*targets, *storage).stderr

    local = tmp_path_factory.mktemp("local")
    assert snakemake(*targets, "--directory", local).returncode == 0
    bucket = S3FileSystem(access_key="key", secret_key="secret", endpoint_override=bucket_server, scheme="http")
    for stage in ("matrices", "runs", "trajectories", "rates"):
        found = pd.read_parquet(f"ours/run-1/results/{stage}", filesystem=bucket)
        expected = pd.read_parquet(local / "results" / stage)
        pd.testing.assert_frame_equal(*(frame.drop(columns="seconds", errors="ignore") for frame in (found, expected)))
