"""The best lambda0 of every run of a chunk, laid out as a table."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from linear_networks.arrays import Array
from linear_networks.initializations import INITIALIZATIONS
from linear_networks.matrices.source import Data
from linear_networks.measure import gaps
from linear_networks.solvers.solution import Progress
from linear_networks.theory import lambda0, two_eigenvalues
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.stages import chunks

ROUNDING = 64.0 * float(np.finfo(np.float64).eps)


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
    times, products = samples["t"], samples["product"].reshape(-1, *data.shape)
    factors = np.reshape(run["factors"], (sum(data.shape), -1))
    found = lambda0.fit(times, products, data, factors)
    return {
        **asdict(found.best),
        **{f"negative_{name}": value for name, value in asdict(found.negative).items()},
        **{f"positive_{name}": value for name, value in asdict(found.positive).items()},
        "radius": found.radius,
        **_unfitted(run, times, products, data, factors),
        "candidates": found.candidates,
        "objectives": found.objectives,
        "seconds": time.perf_counter() - began,
    }


def _unfitted(run: Mapping, times: Array, products: Array, data: Array, factors: Array) -> dict[str, Any]:
    """How far the flows of two eigenvalues of Q are that nothing is fitted to; none where R(0) has a smaller rank."""
    rows, columns = data.shape
    if factors.shape[1] < rows + columns:
        return {}
    two = {"mean": two_eigenvalues.closest(run["imbalance_eigenvalues"], rows, columns), "wide": _when_wide(run)}
    found: dict[str, Any] = {}
    for name, (held, tau) in ((name, pair) for name, pair in two.items() if pair):
        flow = two_eigenvalues.from_gramian(times, data[None], factors[None], [held], [tau])[0]
        # It is right to the rounding of P and S~, beside which X may be as small: that is no gap.
        rounding = ROUNDING * (np.sum(factors**2) + np.linalg.norm(data) + np.hypot(held, tau))
        apart = np.linalg.norm(flow - products, axis=(1, 2), keepdims=True) > rounding
        flow = np.where(apart, flow, products)
        found |= {f"{name}_lambda0": held, f"{name}_tau": tau}
        found[f"{name}_gap_max"] = float(gaps.relative(products, flow).max())
        found[f"{name}_gap_l2"] = gaps.mean_square(times, products, flow)
    return found


def _when_wide(run: Mapping) -> tuple[float, float] | None:
    kind = INITIALIZATIONS[run["initialization"]]
    own = {name: run[parameter.column or name] for name, parameter in kind.parameters.items() if not parameter.vector}
    return kind.when_wide(run["width"], **own)
