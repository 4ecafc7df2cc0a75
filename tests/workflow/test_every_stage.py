"""One run of the workflow with every stage and every kind of figure."""

import io
import json
import re

import matplotlib.image as mpimg
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from conftest import PROJECT, small_config, snakemake_in, write_yaml
from matplotlib.text import Text

from linear_networks_workflow import config as configuration
from linear_networks_workflow import figures, sources
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.figures import drawing, planning, reading, style


def read(folder, stage):
    return pd.read_parquet(folder / "results" / stage)


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
