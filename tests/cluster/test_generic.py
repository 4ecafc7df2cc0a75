"""The workflow on a cluster that is known by commands only, through the profile that ships."""

import os
import shutil

import pandas as pd
import pytest
from conftest import PROJECT, small_config

# A scheduler of one machine with the commands and answers of PBS; its first job is lost.
COMMANDS = {
    "qsub": """
        number=$(ls jobs | wc -l)
        echo "$@" > jobs/$number
        [ $number = 0 ] && set -- false
        for script; do true; done
        (sh "$script"; echo $? > $number.status) > $number.output 2>&1 &
        echo $number
    """,
    "qstat": """
        echo "Job Id: $3"
        if [ -e $3.status ]; then echo "    job_state = F"; echo "    Exit_status = $(cat $3.status)"
        else echo "    job_state = R"; fi
    """,
}


@pytest.fixture
def scheduler(tmp_path, monkeypatch):
    """The folder in which the scheduler keeps its jobs."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "jobs").mkdir()
    for name, body in COMMANDS.items():
        file = tmp_path / "bin" / name
        file.write_text(f"#!/bin/sh\ncd {tmp_path}\n{body}")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    # Other schedulers of this machine are asked only where it has no such command.
    for name in ("bjobs", "qacct"):
        assert shutil.which(name) is None
    return tmp_path / "jobs"


def test_jobs_are_submitted_and_followed_by_commands(snakemake, scheduler, write_config, tmp_path):
    path = write_config(small_config())
    settings = ["--seconds-between-status-checks", "1", "--latency-wait", "5"]
    profile = ["--profile", PROJECT / "profiles" / "cluster-generic"]
    finished = snakemake("panels", "--configfile", path, *profile, *settings)
    assert finished.returncode == 0, finished.stderr
    assert len(pd.read_parquet(tmp_path / "results" / "trajectories")) == 80
    requests = [path.read_text() for path in sorted(scheduler.iterdir())]
    # Two chunks, one of them twice, and a figure. What is lost asks for twice as much.
    assert len(requests) == 4
    assert sum("walltime=7200" in request and "ncpus=1:mem=2000mb" in request for request in requests) == 1
