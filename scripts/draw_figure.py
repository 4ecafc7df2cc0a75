"""Draw one figure as SVG, PDF and PNG."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments import datasets, logs
from experiments.figures import style

# Without their dates, files repeat bit for bit.
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def draw(figure: Mapping[str, Any], matrices: Sequence[str], runs: Sequence[str], trajectories: Sequence[str]):
    """Figure of its kind from the files that it draws."""
    style.apply()
    options = {key: value for key, value in figure.items() if key not in ("kind", "experiment", "where")}
    kind = importlib.import_module(f"experiments.figures.{figure['kind']}")
    chosen = datasets.read(runs).to_pandas()
    for axis, value in figure["where"].items():
        chosen = chosen[chosen[axis].map(lambda found, value=value: np.array_equal(found, value))]
    samples = datasets.read(trajectories).to_pandas()
    samples = samples[samples["run"].isin(chosen["run"])]
    return kind.draw(samples, chosen, datasets.read(matrices).to_pandas(), **options)


if "snakemake" in globals():
    snakemake = globals()["snakemake"]
    with logs.to(snakemake.log[0]):
        inputs = snakemake.input
        figure = draw(snakemake.params.figure, inputs.matrices, inputs.runs, inputs.trajectories)
        for path in snakemake.output:
            with datasets.replacing(path) as temporary:
                figure.savefig(temporary, metadata=UNDATED.get(Path(path).suffix))
