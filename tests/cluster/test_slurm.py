"""The workflow on a real SLURM of two nodes, by the profile that ships: the same numbers, whatever happens to jobs."""

import contextlib
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import slurm
from conftest import PROJECT, small_config

# What a cluster without accounting needs, and waiting times that suit a cluster of one machine.
HERE = [
    *("--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1"),
    *("--seconds-between-status-checks", "1"),
    *("--latency-wait", "5"),
]

# One job that computes for seconds, on as many cores as it is let.
SECONDS_LONG = {
    **small_config(
        matrix={"source": "gaussian", "rows": 190, "columns": 190},
        initialization={"kind": "gaussian", "scale": 0.01},
        width=380,
        dynamics=["asymmetric"],
        solver={"method": "descent", "step_size": 1e-4},
        time={"horizon": 0.3, "samples": 20},
        replicates=1,
    ),
    "figures": {},
}


@pytest.fixture(scope="module")
def cluster():
    """The cluster, with every node up."""
    if reason := slurm.missing():
        pytest.skip(reason)
    slurm.up()
    yield
    slurm.down()


@pytest.fixture
def submit(cluster, tmp_path):
    """Function that starts snakemake on the cluster, its output going to a file of the test's folder."""
    slurm.up()
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "snakemake", "--snakefile", PROJECT / "Snakefile", "--directory", tmp_path]
        command += ["--profile", PROJECT / "profiles" / "slurm", *arguments, *HERE]
        with (tmp_path / "output.txt").open("w") as output:
            process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=output)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
    slurm.cancel()


@pytest.fixture
def local(tmp_path_factory):
    """Another folder, for the results of this machine."""
    return tmp_path_factory.mktemp("local")


def output(folder):
    return (folder / "output.txt").read_text()


def finish(process, folder):
    """Wait for the end of a run that succeeds."""
    assert process.wait(timeout=300) == 0, output(folder)


def submitted(folder):
    """How many jobs the last run submitted."""
    return len(re.findall("has been submitted with SLURM jobid", output(folder)))


def data(folder, stage):
    return pd.read_parquet(folder / "results" / stage)


def assert_same_data(folder, other):
    """Two folders hold the same files with the same data bit for bit, times of execution aside."""
    found, expected = (
        {
            str(path.relative_to(root)): pq.read_table(path, partitioning=None)
            for path in root.rglob("results/**/*.parquet")
        }
        for root in (folder, other)
    )
    assert found.keys() == expected.keys()
    for path, table in found.items():
        kept = [name for name in table.column_names if name != "seconds"]
        assert table.select(kept).equals(expected[path].select(kept), check_metadata=True), path


def run_id(folder):
    """The name that the last run gave its jobs, None before it has one."""
    found = re.search("SLURM run ID: (.*)", output(folder))
    return found and found[1]


def jobs(folder, *states):
    """Jobs of the last run in some states, by number: node and requested memory in MB."""
    if run_id(folder) is None:
        return {}
    lines = slurm.run("squeue", "-h", f"--states={','.join(states)}", f"--name={run_id(folder)}", "--format=%A|%N|%m")
    fields = (line.split("|") for line in lines.split())
    return {number: (node, int(memory.removesuffix("M"))) for number, node, memory in fields}


def seconds_of_threads(script, folder):
    """Seconds of computing of each thread of the job that runs a script in a folder; empty where none does."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_python = process.name().startswith("python")
            if is_python and process.cmdline()[-1].endswith(script) and process.cwd() == str(folder):
                return [thread.user_time + thread.system_time for thread in process.threads()]
    return []


def running_job(folder, *others):
    """Wait for a job that runs and is none of others; its number, node and memory."""
    slurm.wait_until(lambda: jobs(folder, "RUNNING").keys() - {*others}, "a job to run")
    number, (node, memory) = next(item for item in jobs(folder, "RUNNING").items() if item[0] not in others)
    return number, node, memory


def test_a_figure_and_a_sweep_of_ten_thousand_runs_are_those_of_this_machine(
    submit, snakemake, write_config, tmp_path, local
):
    config = small_config()
    sweep = {
        "initialization": {"kind": "gaussian", "scale": [0.1, 0.2, 0.3, 0.4, 0.5]},
        "time": {"horizon": 0.1, "samples": 3},
        "replicates": 1000,
    }
    config["experiments"]["sweep"] = small_config(**sweep)["experiments"]["small"]
    config["runs_per_job"] = 2500
    path = write_config(config)
    targets = ["panels", "trajectories", "results/tables/small.parquet", "--configfile", path]
    process = submit(*targets)
    assert snakemake(*targets, "--directory", local).returncode == 0
    finish(process, tmp_path)
    # Four chunks of the sweep, two of the small experiment with their rates, a table and a figure; matrices stay here.
    assert submitted(tmp_path) == 4 + 2 + 1 + 1
    assert re.search(r"\n12 jobs in", output(tmp_path))

    assert len(data(tmp_path, "runs")) == 10_008
    assert_same_data(tmp_path, local)
    figures = [folder / "results" / "figures" / "panels.svg" for folder in (tmp_path, local)]
    assert figures[0].read_bytes() == figures[1].read_bytes()


def test_a_job_computes_on_the_core_that_it_asked_for(submit, write_config, tmp_path):
    process = submit("trajectories", "--configfile", write_config(SECONDS_LONG))
    seconds = []
    while process.poll() is None:
        seconds = seconds_of_threads("simulate.py", tmp_path) or seconds
        time.sleep(0.1)
    finish(process, tmp_path)
    busiest, *others = sorted(seconds, reverse=True)
    assert busiest > 1.0
    assert sum(others) < 0.1 * busiest


def test_a_cancelled_job_is_submitted_again_and_asks_for_more(submit, write_config, tmp_path):
    path = write_config({**small_config(dynamics=["linear"]), "figures": {}})
    process = submit("trajectories", "--configfile", path)
    cancelled, _, memory = running_job(tmp_path)
    slurm.run("scancel", cancelled)
    _, _, more = running_job(tmp_path, cancelled)
    assert more > memory
    finish(process, tmp_path)
    assert len(data(tmp_path, "runs")) == 4
    assert cancelled in jobs(tmp_path, "CANCELLED")


def test_a_lost_node_costs_no_results(submit, snakemake, write_config, tmp_path, local):
    path = write_config(SECONDS_LONG)
    process = submit("trajectories", "--configfile", path)
    log = tmp_path / "logs" / "simulate" / "small" / "asymmetric" / "00000.log"
    slurm.wait_until(log.exists, "the job to begin")
    _, lost, _ = running_job(tmp_path)
    # What it runs goes on, and writes what the job that takes its place writes.
    slurm.kill(lost, signal.SIGKILL)
    # The controller would notice by itself, in a while.
    slurm.run("scontrol", "update", f"nodename={lost}", "state=down", "reason=killed")
    assert snakemake("trajectories", "--configfile", path, "--directory", local).returncode == 0
    finish(process, tmp_path)
    assert {node for node, _ in jobs(tmp_path, "NODE_FAIL").values()} == {lost}
    assert {node for node, _ in jobs(tmp_path, "COMPLETED").values()} == set(slurm.NODES) - {lost}
    assert_same_data(tmp_path, local)
    assert not list((tmp_path / "results").rglob(".*"))


def test_a_killed_snakemake_goes_on_from_what_had_finished(submit, write_config, tmp_path):
    arguments = [
        "trajectories",
        "--configfile",
        write_config({**small_config(replicates=1), "runs_per_job": 1, "figures": {}}),
    ]
    process = submit(*arguments, "--jobs", "2")
    slurm.wait_until(lambda: "(Rule: simulate)" in output(tmp_path), "a first chunk")
    process.kill()
    process.wait()
    finished = len(re.findall("Finished jobid.*simulate", output(tmp_path)))
    assert 0 < finished < 4
    slurm.run("scancel", "--name", run_id(tmp_path))

    assert submit(*arguments).wait(timeout=60) == 1
    assert "--unlock" in output(tmp_path)
    finish(submit(*arguments, "--unlock"), tmp_path)
    finish(submit(*arguments), tmp_path)
    # A job may have ended between Snakemake's last word and the cancelling.
    assert submitted(tmp_path) <= 4 - finished
    assert len(data(tmp_path, "runs")) == 4


def test_an_interrupt_cancels_the_jobs(submit, write_config, tmp_path):
    process = submit("trajectories", "--configfile", write_config({**small_config(), "figures": {}}))
    running_job(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    slurm.wait_until(lambda: not jobs(tmp_path, "PENDING", "RUNNING", "COMPLETING"), "jobs to end", 10.0)
