"""How a job ends that cannot go on: a line, in its log and on the terminal."""

import errno
import logging
import resource

import numpy as np
import pyarrow as pa
import pytest

from linear_networks_workflow import logs
from linear_networks_workflow.dataset import parquet


@pytest.fixture(autouse=True)
def logging_of_its_own():
    handlers, level, raising = logging.getLogger().handlers[:], logging.getLogger().level, logging.raiseExceptions
    yield
    logging.captureWarnings(False)
    logging.raiseExceptions = raising
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def ended(path, capsys, fail):
    """The lines on the terminal of a job that fails."""
    with pytest.raises(SystemExit) as ending, logs.to(str(path)):
        fail()
    assert ending.value.code == 1
    return capsys.readouterr().err.splitlines()


def full():
    raise OSError(errno.ENOSPC, "No space left on device", "results/runs/small.parquet")


def test_a_full_disk_is_called_one(tmp_path, capsys):
    (line,) = ended(tmp_path / "job.log", capsys, full)
    assert "ERROR results/runs/small.parquet: the disk is full (No space left on device); make room, " in line
    assert (tmp_path / "job.log").read_text() == line + "\n"


def test_a_file_that_may_not_grow_is_called_so_when_arrow_writes_it(tmp_path, capsys):
    numbers = pa.table({"a": np.random.default_rng(0).standard_normal(10_000)})

    def fail():
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        try:
            parquet.write(numbers, tmp_path / "x.parquet", {})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    (line,) = ended(tmp_path / "job.log", capsys, fail)
    assert "the disk is full" in line
    assert [file.name for file in tmp_path.iterdir()] == ["job.log"]


def test_a_log_that_cannot_be_written_hides_no_message(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.FileHandler, "flush", lambda handler: full())
    (line,) = ended(tmp_path / "job.log", capsys, full)
    assert "the disk is full" in line


def test_a_disk_that_fails_is_no_bug_of_the_workflow(tmp_path, capsys):
    def fail():
        raise OSError(errno.EIO, "Input/output error", "results/runs/small.parquet")

    (line,) = ended(tmp_path / "job.log", capsys, fail)
    assert "results/runs/small.parquet: the system refuses to read or write (Input/output error)" in line


def test_a_bug_is_one_and_leaves_its_traceback(tmp_path, capsys):
    lines = ended(tmp_path / "job.log", capsys, lambda: {}["x"])
    assert "this is a bug of the workflow" in lines[0]
    assert "KeyError: 'x'" in (tmp_path / "job.log").read_text()
