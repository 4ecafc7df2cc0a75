"""The workflow as a user runs it: snakemake in a folder of its own."""

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, add_kind, small_config

NUMBERS = ["t", "step", "loss", "error", "drift"]


def read(folder, stage):
    return pd.read_parquet(folder / "results" / stage)


def same_rows(left, right):
    """Whether two data frames hold the same numbers bit for bit, times of execution aside."""
    left, right = (frame.drop(columns="seconds", errors="ignore").to_dict("list") for frame in (left, right))
    return str(left) == str(right)


def test_a_config_becomes_a_dataset_and_figures_once(snakemake, write_config, tmp_path):
    config = small_config()
    config["experiments"]["small"]["record"] = ["product", "factors"]
    path = write_config(config)
    finished = snakemake("--configfile", path)
    assert finished.returncode == 0, finished.stderr

    runs, trajectories, matrices = (read(tmp_path, stage) for stage in ("runs", "trajectories", "matrices"))
    assert (len(runs), len(trajectories), len(matrices)) == (8, 80, 2)
    assert set(trajectories["run"]) == set(runs["run"])
    assert set(runs["matrix"]) == set(matrices["matrix"])
    assert set(runs["outcome"]) == {"completed"}

    # Anyone can recompute a run from what is stored, here without our code.
    run = runs[(runs["dynamics"] == "asymmetric") & (runs["scale"] == 1.0)].iloc[0]
    matrix = matrices.set_index("matrix").loc[run["matrix"]]
    data = matrix["values"].reshape(matrix["rows"], matrix["columns"])
    factors = run["factors"].reshape(run["rows"] + run["columns"], -1)
    left, right = factors[:3], factors[3:]
    samples = trajectories[trajectories["run"] == run["run"]]
    for _ in range(samples["step"].max()):
        residual = data - left @ right.T
        left, right = left + 0.01 * residual @ right, right + 0.01 * residual.T @ left
    last = samples.iloc[-1]
    np.testing.assert_allclose(last["product"].reshape(3, 4), left @ right.T, atol=1e-12)
    assert last["error"] == pytest.approx(np.linalg.norm(data - left @ right.T) / np.linalg.norm(data), abs=1e-12)

    for suffix, beginning in (("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")):
        assert (tmp_path / "results" / "figures" / f"panels.{suffix}").read_bytes().startswith(beginning)
    assert "100%" in (tmp_path / "logs" / "simulate" / "small" / "linear" / "00000.log").read_text()

    again = snakemake("--configfile", path)
    assert "Nothing to be done" in again.stderr


def test_numbers_do_not_depend_on_chunks_cores_or_other_values_of_an_axis(snakemake, write_config, tmp_path):
    reference = None
    for size, cores in ((256, 2), (3, 2), (1, 1)):
        folder = tmp_path / f"{size}-{cores}"
        folder.mkdir()
        path = write_config({**small_config(width=[2, 30], replicates=1), "runs_per_job": size, "figures": {}})
        finished = snakemake("trajectories", "--configfile", path, "--directory", folder, "--cores", cores)
        assert finished.returncode == 0, finished.stderr
        found = [read(folder, stage) for stage in ("runs", "trajectories")]
        reference = reference or found
        assert len(found[0]) == 8
        assert all(same_rows(*pair) for pair in zip(reference, found, strict=True))

    folder = tmp_path / "wider"
    folder.mkdir()
    path = write_config({**small_config(width=[2, 4, 30]), "figures": {}})
    assert snakemake("trajectories", "--configfile", path, "--directory", folder).returncode == 0
    for stage, before in zip(("runs", "trajectories"), reference, strict=True):
        after = read(folder, stage)
        kept = after[after["run"].isin(before["run"])]
        assert len(kept) == len(before) < len(after)
        order = ["dynamics", "run"] + (["t"] if stage == "trajectories" else [])
        assert same_rows(*(frame.sort_values(order).reset_index(drop=True) for frame in (kept, before)))


def test_a_csv_and_the_shipped_table_run_by_their_names(snakemake, write_config, tmp_path):
    matrix = np.array([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    np.savetxt(tmp_path / "mine.csv", matrix, delimiter=",")
    config = small_config(matrix={"source": "file", "path": "mine.csv"})
    table = {"source": "table", "path": str(PROJECT / "data" / "digits.parquet"), "target": "digit"}
    config["experiments"]["digits"] = small_config(matrix=table)["experiments"]["small"]
    finished = snakemake("trajectories", "--configfile", write_config(config))
    assert finished.returncode == 0, finished.stderr
    matrices = read(tmp_path, "matrices").set_index("experiment")
    np.testing.assert_allclose(matrices.loc["small", "singular_values"], [3.0, 1.0])
    assert tuple(matrices.loc["digits", ["rows", "columns"]]) == (10, 64)
    assert "3 of 64 features are constant or collinear" in (tmp_path / "logs/generate_matrices/digits.log").read_text()


def test_divergence_is_warned_of_before_and_recorded_after(snakemake, write_config, tmp_path):
    config = small_config(solver={"method": "descent", "step_size": 0.4}, time={"horizon": 400.0, "samples": 20})
    finished = snakemake("trajectories", "--configfile", write_config(config))
    assert finished.returncode == 0, finished.stderr
    assert "my.yaml: experiments.small.solver.step_size: 0.4 is past the stability limit" in finished.stderr
    runs, trajectories = read(tmp_path, "runs"), read(tmp_path, "trajectories")
    outcome = runs.groupby(["dynamics", "scale"], observed=True)["outcome"].unique().str[0]
    assert outcome["linear", 1.0] == "completed"
    assert outcome["asymmetric", 1.0] == "diverged"
    assert np.isfinite(trajectories["error"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wdith": 3}, "my.yaml: experiments.small.wdith: unknown key 'wdith'; did you mean 'width'?"),
        ({"solver": {"method": "descent", "step_size": "1e-3"}}, "'1e-3' is text; YAML needs a decimal point: 1.0e-3"),
        ({"matrix": {"source": "file", "path": "no.csv"}}, "experiments.small.matrix.path: no file"),
    ],
)
def test_a_bad_config_is_one_line_and_no_job(snakemake, write_config, tmp_path, change, message):
    finished = snakemake("--configfile", write_config(small_config(**change)))
    assert finished.returncode == 1
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "results").exists()


def test_a_bad_matrix_file_is_named_with_its_row_and_leaves_nothing(snakemake, write_config, tmp_path):
    (tmp_path / "mine.csv").write_text("1,2\n3,nan\n")
    path = write_config(small_config(matrix={"source": "file", "path": "mine.csv"}))
    finished = snakemake("--configfile", path)
    assert finished.returncode == 1
    assert "mine.csv: row 2, column 2: 'nan' is not a finite number" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not list((tmp_path / "results").rglob("*.parquet"))


def rules_in(planned):
    """Names of the rules that the output of a dry run names, but for those that only collect."""
    lines = planned.splitlines()
    return {line.split()[-1].rstrip(":") for line in lines if line.startswith("rule ")} - {"all", "figures", "tables"}


def scheduled(snakemake, *arguments, **options):
    """Names of the rules that a dry run would run."""
    return rules_in(snakemake("-n", *arguments, **options).stdout)


def test_an_edit_reruns_what_uses_it_and_nothing_else(snakemake, write_config, project_copy):
    config = small_config()
    matrix = {"source": "teacher", "samples": 30, "features": 3, "noise": 0.01}
    config["experiments"]["sigmoid"] = small_config(matrix=matrix, loss={"kind": "regression"})["experiments"]["small"]
    path = write_config(config)
    options = {"project": project_copy}
    assert snakemake("--configfile", path, **options).returncode == 0
    assert scheduled(snakemake, "--configfile", path, **options) == set()
    # What else is edited, by the keys of jobs alone: tests/unit/test_jobs.py.
    expected = {
        # No limit is known behind a sigmoid, and no rate is measured.
        "linear_networks/losses/regression.py": ({"simulate"}, {"sigmoid"}),
        "linear_networks_workflow/figures/reconstruction.py": ({"draw_figure"}, set()),
        "linear_networks_workflow/figures/modes.py": (set(), set()),
    }
    for file, (rules, experiments) in expected.items():
        source = project_copy / "scripts" / file
        before = source.read_text()
        source.write_text(before + "\nEDITED = True\n")
        planned = snakemake("-n", "--configfile", path, **options).stdout
        assert rules_in(planned) == rules, file
        assert set(re.findall(r"experiment=(\w+)", planned)) == experiments, file
        source.write_text(before)
    add_kind(project_copy / "scripts")
    assert scheduled(snakemake, "--configfile", path, **options) == set()


def test_rewording_reruns_nothing_but_what_writes_the_words_out(snakemake, write_config, project_copy):
    path = write_config(small_config())
    options = {"project": project_copy}
    assert snakemake("--configfile", path, **options).returncode == 0
    for file in (project_copy / "scripts").rglob("*.py"):
        file.write_text(file.read_text() + "\n# A comment, and a date that is later than that of any result.\n")
    scripts = project_copy / "scripts"
    replace(scripts / "linear_networks" / "matrices" / "table.py", "are constant or", "are equal or")
    replace(scripts / "linear_networks" / "solvers" / "descent.py", '"""', '"""Reworded: ', count=1)
    replace(
        scripts / "linear_networks" / "initializations" / "rescaled.py", "cannot be rescaled", "can never be rescaled"
    )
    replace(scripts / "linear_networks_workflow" / "errors.py", "did you mean", "did you perhaps mean")
    assert scheduled(snakemake, "--configfile", path, **options) == set()
    replace(scripts / "linear_networks" / "solvers" / "descent.py", "Predictions for descent", "Its predictions")
    assert scheduled(snakemake, "--configfile", path, **options) == {"tabulate_rates"}
    replace(scripts / "linear_networks" / "measure" / "decay.py", '"too few samples"', '"few samples"')
    assert scheduled(snakemake, "--configfile", path, **options) == {"fit_rates", "tabulate_rates"}


def replace(file, old, new, count=-1):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, count))


def test_an_interrupted_workflow_goes_on_where_it_stopped(write_config, snakemake, tmp_path):
    config = small_config(solver={"method": "descent", "step_size": 1e-5}, time={"horizon": 20.0, "samples": 10})
    path = write_config(config)
    command = [sys.executable, "-m", "snakemake", "--snakefile", PROJECT / "Snakefile", "--directory", tmp_path]
    command += ["--profile", PROJECT / "profiles" / "default", "--configfile", path]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True, start_new_session=True)
    log = tmp_path / "logs" / "simulate" / "small" / "asymmetric" / "00000.log"
    deadline = time.monotonic() + 60
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    for file in (tmp_path / "results").rglob("*.parquet"):
        assert pq.read_table(file).num_rows

    finished = snakemake("--configfile", write_config(small_config()))
    assert finished.returncode == 0, finished.stderr
    assert set(read(tmp_path, "runs")["outcome"]) == {"completed"}
