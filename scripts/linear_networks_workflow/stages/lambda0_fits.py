"""The best lambda0 of every run of a chunk, laid out as a table."""

import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pyarrow as pa

from linear_networks.matrices.source import Data
from linear_networks.solvers.solution import Progress
from linear_networks.theory import lambda0
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import chunks


def fit(
    runs: pa.Table,
    trajectories: pa.Table,
    matrices: Mapping[str, Data],
    progress: Progress = lambda fraction: None,
) -> pa.Table:
    """One row per run of the asymmetric dynamics; its fit is null where the run diverged.

    Parameters
    ----------
    runs, trajectories : Table
        Rows of one chunk, with `factors` and `product`.
    matrices : mapping to Data
    progress : callable
        Called with the fraction done.
    """
    rows = []
    for run, samples in chunks.with_samples(runs, trajectories, progress):
        row = {name: run[name] for name in ("run", "experiment", "replicate", "rows", "columns", "width", "scale")}
        if run["outcome"] != "diverged" and samples is not None:
            row |= _fit(run, samples, matrices[run["matrix"]].values)
        rows.append(row)
    return parquet.table(rows, parquet.LAMBDA0)


def _fit(run: Mapping, samples: chunks.Samples, data: np.ndarray) -> dict:
    began = time.perf_counter()
    products = samples["product"].reshape(-1, *data.shape)
    factors = np.reshape(run["factors"], (sum(data.shape), -1))
    found = lambda0.fit(samples["t"], products, data, factors)
    return {
        **asdict(found.best),
        **{f"negative_{name}": value for name, value in asdict(found.negative).items()},
        **{f"positive_{name}": value for name, value in asdict(found.positive).items()},
        "radius": found.radius,
        "candidates": found.candidates,
        "objectives": found.objectives,
        "seconds": time.perf_counter() - began,
    }
