"""The workflow on a cluster that is known by commands only, through the profile that ships."""

import os
import re
import shutil
import subprocess
import sys

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
    found = [re.search(r"walltime=(\d+).*ncpus=1:mem=(\d+)mb", request, re.DOTALL) for request in requests]
    asked = [(int(request[1]), int(request[2])) for request in found]
    seconds, mebibytes = min(asked)
    assert asked.count((2 * seconds, 2 * mebibytes)) == 1


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        ("bjobs", {"RUN": "running", "PEND": "running", "DONE": "success", "EXIT": "failed"}),
        ("qacct", {"": "running", "exit_status  0   ": "success", "exit_status  137  ": "failed"}),
        ("qstat", {"    job_state = R": "running", "    job_state = F\n    Exit_status = 0": "success"}),
        ("qstat", {"    job_state = F": "failed", "    job_state = F\n    Exit_status = 271": "failed"}),
        ("squeue", {"PENDING": "running", "COMPLETING": "running", "COMPLETED": "success", "NODE_FAIL": "failed"}),
    ],
)
def test_the_answers_of_schedulers_are_understood(tmp_path, command, answers):
    for answer, status in answers.items():
        (tmp_path / command).write_text(f"#!/bin/sh\nprintf '{answer}\\n'\n")
        (tmp_path / command).chmod(0o755)
        asked = [sys.executable, PROJECT / "profiles" / "cluster-generic" / "status.py", "7"]
        found = subprocess.run(asked, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
        assert found.stdout == f"{status}\n", (answer, found.stderr)
