"""The workflow as a user runs it: snakemake in a folder of its own."""

import io
import json
import re
import signal
import subprocess
import sys
import time

import matplotlib.image as mpimg
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import PROJECT, add_kind, small_config, snakemake_in, write_yaml
from matplotlib.text import Text

from linear_networks_workflow import config as configuration
from linear_networks_workflow import figures, sources
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.figures import drawing, planning, reading, style

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
    for size, cores in ((256, 2), (7, 2), (1, 1)):
        folder = tmp_path / f"{size}-{cores}"
        folder.mkdir()
        path = write_config({**small_config(width=[2, 8, 30]), "runs_per_job": size, "figures": {}})
        finished = snakemake("trajectories", "--configfile", path, "--directory", folder, "--cores", cores)
        assert finished.returncode == 0, finished.stderr
        found = [read(folder, stage) for stage in ("runs", "trajectories")]
        reference = reference or found
        assert len(found[0]) == 24
        assert all(same_rows(*pair) for pair in zip(reference, found, strict=True))

    folder = tmp_path / "wider"
    folder.mkdir()
    path = write_config({**small_config(width=[2, 4, 8, 30], replicates=3), "figures": {}})
    assert snakemake("trajectories", "--configfile", path, "--directory", folder).returncode == 0
    for stage, before in zip(("runs", "trajectories"), reference, strict=True):
        after = read(folder, stage)
        kept = after[after["run"].isin(before["run"])]
        assert len(kept) == len(before) < len(after)
        order = ["dynamics", "run"] + (["t"] if stage == "trajectories" else [])
        assert same_rows(*(frame.sort_values(order).reset_index(drop=True) for frame in (kept, before)))


# At its end, a job notes the modules that it has loaded.
NOTE_MODULES = """
import atexit, json, os, sys

@atexit.register
def note():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job is not None:
        found = {"script": os.path.basename(sys.argv[0]).split(".")[-2], "modules": list(sys.modules)}
        with open(f"modules-{os.getpid()}.json", "w") as file:
            json.dump(found | dict(job.wildcards.items()), file)
"""


@pytest.fixture(scope="module")
def every_stage(tmp_path_factory):
    """Folder in which a config with every stage and every kind of figure ran, and the config."""
    flow = {"solver": {"method": "flow"}, "time": {"horizon": 10.0, "samples": 80, "spacing": "log", "first": 0.01}}
    solvers = [{"method": "descent", "step_size": [0.002, 0.004, 0.008, 0.064, 0.128]}, {"method": "flow"}]
    spectral = {"kind": "spectral", "products": [0.1], "imbalance": [0.0, 0.5, 1.0]}
    one = {"source": "spectrum", "rows": 1, "columns": 1, "values": [[0.2], [0.4], [0.6]]}
    experiments = {
        "fit": small_config(dynamics=["asymmetric", {"name": "regularized", "lambda0": "fit"}], width=[10, 20], **flow),
        "sigmoid": small_config(
            matrix={"source": "teacher", "samples": 30, "features": 3, "noise": 0.01},
            initialization={"kind": "rescaled", "scale": 0.3, "imbalance": [0.0, 2.0]},
            dynamics=["linear", "asymmetric"],
            **flow,
        ),
        "mode": small_config(matrix=one, initialization=spectral, width=1, dynamics=["asymmetric"], **flow),
        "descent": small_config(),
        "lazy": small_config(
            initialization={"kind": "hyperbolic", "scale": 0.1, "lambda0": [-1.0, 0.0], "tau": [0.1, 1.0]},
            dynamics=["asymmetric"],
            record=["kernel"],
            **flow,
        ),
        "wide": small_config(
            initialization={"kind": "wishart", "tau": 1.0},
            dynamics=["asymmetric", {"name": "end-to-end", "lambda0": 0.0, "tau": 1.0}],
            width=[10, 1000],
            record=["product"],
            **flow,
        ),
        "rows": small_config(trajectories=False, time={"horizon": 10.0, "samples": 40}),
        "steps": small_config(
            initialization={"kind": "gaussian", "scale": 0.1}, record=["product"], **{**flow, "solver": solvers}
        ),
    }
    config = {
        "experiments": {name: config["experiments"]["small"] for name, config in experiments.items()},
        "figures": {
            "a": {"kind": "comparison", "experiment": "fit", "columns": "width", "where": {"scale": 1.0}},
            "b": {"kind": "lambda0", "experiment": "fit", "where": {"scale": 1.0}},
            "c": {"kind": "loss", "experiment": "sigmoid", "rows": "imbalance"},
            "d": {"kind": "regimes", "experiment": "mode"},
            "e": {"kind": "modes", "experiment": "steps"},
            "f": {"kind": "descent-vs-flow", "experiment": "steps"},
            "g": {"kind": "rates", "experiment": ["steps", "mode", "fit"]},
            "h": {"kind": "reconstruction", "experiment": "descent", "columns": "scale"},
            "i": {"kind": "times", "experiment": "rows", "along": "scale"},
            "j": {"kind": "two-eigenvalues", "experiment": "fit", "where": {"scale": 1.0}},
            "k": {"kind": "saddle-to-saddle", "experiment": "fit", "where": {"width": 10}},
            "l": {"kind": "alignment", "experiment": "lazy", "lines": "initial_tau", "where": {"initial_lambda0": 0.0}},
            "m": {"kind": "lazy-to-rich", "experiment": "lazy"},
            "n": {"kind": "mixed", "experiment": "wide"},
        },
    }
    folder = tmp_path_factory.mktemp("every-stage")
    (folder / "sitecustomize.py").write_text(NOTE_MODULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        finished = snakemake_in(folder, "--configfile", write_yaml(config, folder / "my.yaml"))
    assert finished.returncode == 0, finished.stderr
    assert "s of numerics" in finished.stderr
    return folder, config


def test_every_stage_runs_from_one_config_to_tables_and_figures(every_stage):
    folder, config = every_stage
    assert {figure["kind"] for figure in config["figures"].values()} == set(figures.KINDS)
    for figure in config["figures"]:
        assert (folder / "results" / "figures" / f"{figure}.png").stat().st_size > 10_000
    tabulated, endings = ("fit", "mode", "steps", "descent", "lazy", "wide"), ("csv", "md", "tex", "html")
    summaries = {path.name for path in (folder / "results" / "summaries").iterdir()}
    assert summaries == {f"{name}.{ending}" for name in tabulated for ending in endings}
    assert set(read(folder, "tables")["experiment"]) == set(tabulated)
    # The rows of all are told apart by their columns.
    keys = [*parquet.TABLES.names[: parquet.TABLES.names.index("measured")]]
    assert not read(folder, "tables")[keys].map(str).duplicated().any()

    # The regularized runs took the lambda0 that was fitted to the general run from the same start.
    fits, runs = read(folder, "lambda0"), read(folder, "runs")
    keys = ["replicate", "width", "scale"]
    regularized = runs[runs["dynamics"] == "regularized"].merge(fits, on=keys, suffixes=("", "_fitted"))
    assert len(regularized) == len(fits) == 8
    assert (regularized["lambda0"] == regularized["lambda0_fitted"]).all()
    rates = read(folder, "rates")
    assert set(rates["quantity"]) == {"product", "mode", "gramian"}
    assert rates["measured"].notna().mean() > 0.3


def test_every_figure_is_fit_for_print_and_drawn_again_is_the_same_bytes(every_stage):
    folder, config = every_stage
    configuration.prepare(config, folder / "my.yaml")
    for name, figure in config["figures"].items():
        files = {stage: [folder / file for file in some] for stage, some in planning.files(config, name).items()}
        kind, options = figures.KINDS[figure["kind"]], figures.options_of(figure)
        style.apply(planning.looks(config, name), planning.symbols(config, name))
        columns = kind.columns(options, figure["where"])
        drawn = kind.draw(reading.read(files, columns, figure["where"]), **options)
        assert drawn.get_figwidth() in (style.COLUMN_WIDTH, style.TEXT_WIDTH, style.PAGE_WIDTH)
        assert all(text.get_fontsize() >= 7 for text in drawn.findobj(Text) if text.get_text())
        for ending in (".svg", ".pdf", ".png"):
            again = io.BytesIO()
            drawn.savefig(again, format=ending[1:], metadata=drawing.metadata(kind, ending))
            assert (folder / "results" / "figures" / f"{name}{ending}").read_bytes() == again.getvalue(), name + ending
        plt.close(drawn)

        # Nothing reaches the edge, where it would be cut off; fonts are embedded, and words say what is shown.
        image = mpimg.imread(folder / "results" / "figures" / f"{name}.png")
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 1.0).all(), name
        printed = (folder / "results" / "figures" / f"{name}.pdf").read_bytes()
        assert b"/FontFile2" in printed
        assert b"/Type3" not in printed
        assert "<title>" in (folder / "results" / "figures" / f"{name}.svg").read_text()


def test_a_job_loads_no_module_that_is_not_part_of_its_key(every_stage):
    folder, config = every_stage
    jobs = [json.loads(file.read_text()) for file in folder.glob("modules-*.json")]
    assert {job["script"] for job in jobs} >= {"simulate", "fit_rates", "fit_lambda0", "tabulate_rates", "draw_figure"}
    project = {file.stem for file in (PROJECT / "scripts").iterdir()}
    for job in jobs:
        named = [planning.module(config, job["figure"])] if "figure" in job else []
        loaded = {module for module in job["modules"] if module.split(".")[0] in project}
        assert loaded
        assert loaded <= sources.used(job["script"], *named, listed=True)


def test_jobs_ask_for_the_memory_that_they_take_and_at_most_three_times_that(every_stage):
    folder, _ = every_stage
    (log,) = (folder / ".snakemake" / "log").glob("*.log")
    asked = dict(re.findall(r"benchmark: (\S+)\n(?:    .*\n)*?    resources: .*?mem_mb=(\d+)", log.read_text()))
    shares = pd.Series({job: pd.read_csv(folder / job, sep="\t")["max_rss"].iloc[0] for job in asked}).astype(float)
    shares /= pd.Series(asked).astype(float)
    assert shares.max() <= 1
    # The peak of a job that is over before it is looked at again is missed: of each rule, one was seen.
    rules = shares.groupby(lambda job: job.split("/")[1]).max()
    assert {*rules.index} >= {"simulate", "fit_rates", "fit_lambda0", "tabulate_rates", "draw_figure"}
    assert rules.min() >= 1 / 3


def test_a_csv_and_the_shipped_table_run_by_their_names(snakemake, write_config, tmp_path):
    matrix = np.array([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    np.savetxt(tmp_path / "mine.csv", matrix, delimiter=",")
    config = small_config(matrix={"source": "file", "path": "mine.csv"})
    table = {"source": "table", "path": str(PROJECT / "data" / "digits.parquet"), "target": "digit"}
    config["experiments"]["digits"] = small_config(matrix=table)["experiments"]["small"]
    finished = snakemake("--configfile", write_config(config))
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


def scheduled(snakemake, *arguments, **options):
    """Names of the rules that a dry run would run."""
    lines = snakemake("-n", *arguments, **options).stdout.splitlines()
    return {line.split()[-1].rstrip(":") for line in lines if line.startswith("rule ")} - {"all", "figures"}


def test_an_edit_reruns_what_uses_it_and_nothing_else(snakemake, write_config, project_copy):
    path = write_config(small_config())
    options = {"project": project_copy}
    assert snakemake("--configfile", path, **options).returncode == 0
    assert scheduled(snakemake, "--configfile", path, **options) == set()
    rates, runs = {"fit_rates", "tabulate_rates"}, {"simulate", "fit_rates", "tabulate_rates", "draw_figure"}
    expected = {
        # The components that the config names, and their base classes.
        "linear_networks/matrices/gaussian.py": {"generate_matrices"} | runs,
        "linear_networks/matrices/source.py": {"generate_matrices"} | runs,
        "linear_networks/initializations/gaussian.py": runs,
        "linear_networks/dynamics/asymmetric.py": runs,
        "linear_networks/losses/squared.py": runs,
        "linear_networks/models/factored.py": runs,
        "linear_networks/solvers/descent.py": runs,
        "linear_networks/theory/one_layer.py": runs,
        "linear_networks/measure/decay.py": rates,
        "linear_networks_workflow/stages/tables.py": {"tabulate_rates"},
        "linear_networks_workflow/figures/reconstruction.py": {"draw_figure"},
        "linear_networks_workflow/figures/style.py": {"draw_figure"},
        "draw_figure.py": {"draw_figure"},
        # Those that it does not name, and what reads it.
        "linear_networks/matrices/teacher.py": set(),
        "linear_networks/initializations/spectral.py": set(),
        "linear_networks/dynamics/regularized.py": set(),
        "linear_networks/losses/regression.py": set(),
        "linear_networks/theory/proposition_5.py": set(),
        "linear_networks_workflow/figures/modes.py": set(),
        "linear_networks_workflow/config/messages.py": set(),
    }
    for file, rules in expected.items():
        source = project_copy / "scripts" / file
        before = source.read_text()
        source.write_text(before + "\nEDITED = True\n")
        assert scheduled(snakemake, "--configfile", path, **options) == rules, file
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
