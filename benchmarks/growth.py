"""How cost grows with the number of runs, the width and the size of the matrix: tables, and a figure for the docs.

Run by `make growth`, on an idle machine; it takes some minutes.
"""

import csv
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import yaml

from linear_networks.dynamics.problem import Problem
from linear_networks.losses.squared import Squared
from linear_networks.measure import observables
from linear_networks.models import gauge
from linear_networks.models.factored import Factored

PROJECT = Path(__file__).parents[1]
SWEEP = yaml.safe_load((PROJECT / "benchmarks" / "sweep.yaml").read_text())["experiments"]["sweep"]
BATCH = 64

T = TypeVar("T")


def by_runs() -> pd.DataFrame:
    """From config to trajectories, for more and more replicates of the sweep."""
    return pd.DataFrame([workflow(replicates) for replicates in (1, 5, 50, 500)])


def workflow(replicates: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "sweep.yaml")
        config.write_text(yaml.safe_dump({"experiments": {"sweep": {**SWEEP, "replicates": replicates}}}))
        command = [sys.executable, "-m", "snakemake", "trajectories", "--snakefile", str(PROJECT / "Snakefile")]
        command += ["--configfile", str(config), "--directory", folder]

        def run(*arguments: str) -> str:
            return subprocess.run([*command, *arguments], check=True, cwd=folder, capture_output=True, text=True).stderr

        planned, _ = timed(lambda: run("--dry-run"))
        wall, output = timed(run)
        again, _ = timed(run)
        jobs = [next(csv.DictReader(path.open(), delimiter="\t")) for path in Path(folder, "logs").rglob("*.tsv")]
        written = sum(path.stat().st_size for path in Path(folder, "results").rglob("*.parquet"))
        return {
            "runs": replicates * len(SWEEP["dynamics"]) * len(SWEEP["width"]) * len(SWEEP["initialization"]["scale"]),
            "jobs": len(jobs),
            "plan [s]": planned,
            "trajectories [s]": wall,
            "times the numerics": float(output.split(" times the first two")[0].split()[-1]),
            "again [s]": again,
            "largest process [MiB]": max(float(job["max_rss"]) for job in jobs),
            "written [MB]": written / 1e6,
        }


def two_layers(data: np.ndarray) -> Problem:
    return Problem(Squared(data), Factored())


def by_width() -> pd.DataFrame:
    """Descent of 5 x 10: drawing and reducing a start, and a step."""
    rows = []
    for width in (10, 50, 200, 1000, 10_000, 100_000):
        rng = np.random.default_rng(0)
        draw, factors = timed(lambda rng=rng, width=width: rng.standard_normal((4, 15, width)))
        reduction, (reduced, _) = timed(lambda factors=factors: gauge.reduce(0.1 * factors))
        problem = two_layers(rng.standard_normal((BATCH, 5, 10)))
        state = problem.start(np.resize(reduced, (BATCH, *reduced.shape[1:])))
        step = median(lambda problem=problem, state=state: problem.descend(state, 1e-3, 2000)) / 2000 / BATCH
        rows.append({"k": width, "start [µs]": 1e6 * (draw + reduction) / 4, "step [µs]": 1e6 * step})
    return pd.DataFrame(rows)


def by_size() -> pd.DataFrame:
    """Descent of m x m at a width of 2 m: a step and a sample of everything that is observed."""
    rows = []
    for size in (5, 10, 20, 30, 50, 100, 200, 500):
        rng, batch = np.random.default_rng(0), BATCH if size <= 50 else 2
        operations = 6.0 * size**2 * 2 * size
        problem = two_layers(rng.standard_normal((batch, size, size)))
        state = problem.start(0.1 * rng.standard_normal((batch, 2 * size, 2 * size)) / np.sqrt(size))
        steps = max(1, int(1e9 / operations / batch))
        step = median(lambda: problem.descend(state, 1e-4, steps)) / steps / batch  # noqa: B023
        observe = observables.observer(problem, state, np.full(batch, 2 * size))
        sample = median(lambda: observe(problem, state, np.arange(batch))) / batch  # noqa: B023
        rows.append(
            {
                "m = n": size,
                "step [µs]": 1e6 * step,
                "GFLOP/s": operations / step / 1e9,
                "sample [µs]": 1e6 * sample,
            }
        )
    return pd.DataFrame(rows)


def median(call: Callable[[], object], turns: int = 5) -> float:
    """Median seconds of a call, after one that warms up."""
    call()
    return float(np.median([timed(call)[0] for _ in range(turns)]))


def timed(call: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def draw(runs: pd.DataFrame, widths: pd.DataFrame, sizes: pd.DataFrame, path: Path) -> None:
    """The three tables as curves on logarithmic axes."""
    import matplotlib.pyplot as plt

    from linear_networks_workflow.figures import style

    style.apply({}, {})
    figure, axes = plt.subplots(1, 3, figsize=(6.75, 2.2), layout="constrained")
    panels = (
        (
            runs,
            "runs",
            {"trajectories [s]": "trajectories", "plan [s]": "plan", "again [s]": "nothing to do"},
            "seconds",
        ),
        (widths, "k", {"start [µs]": "start of a run", "step [µs]": "step"}, "microseconds"),
        (sizes, "m = n", {"sample [µs]": "sample", "step [µs]": "step"}, "microseconds"),
    )
    for axis, (table, x, curves, unit) in zip(axes, panels, strict=True):
        for (column, label), marker in zip(curves.items(), "os^", strict=False):
            axis.plot(table[x], table[column], marker=marker, label=label)
        axis.set(
            xscale="log", yscale="log", xlabel={"runs": "runs", "k": "width k", "m = n": "rows m = n"}[x], ylabel=unit
        )
        axis.legend()
    axes[0].set_ylim(1, 100)
    figure.savefig(path)


def main() -> None:
    sizes, widths, runs = by_size(), by_width(), by_runs()
    for table in (runs, widths, sizes):
        print(table.to_markdown(index=False, floatfmt=".3g"), end="\n\n")
    draw(runs, widths, sizes, PROJECT / "docs" / "growth.svg")


if __name__ == "__main__":
    main()
