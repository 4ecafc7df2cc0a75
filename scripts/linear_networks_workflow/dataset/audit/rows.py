"""What holds of every row of the runs and their samples, and is checked without computing a run again."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from linear_networks.dynamics import DYNAMICS
from linear_networks.losses.squared import Squared
from linear_networks.matrices.source import Data
from linear_networks.outcomes import DIVERGED
from linear_networks.solvers.descent import sample_steps
from linear_networks_workflow import grid
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.grid import Run

# Column, where it is right, shape (rows,), and what is wrong with it elsewhere.
Check = tuple[str, np.ndarray, str]

# Relations between columns hold up to rounding, of numbers that are computed one from another.
ROUNDING = 1e-9

# Columns of the samples that are those of their run.
SHARED = ("experiment", "dynamics", "solver", "replicate", "rows", "columns", "width", "scale", "lambda0")

# Columns of the samples that are no less than 0, where they are not null.
SIZES = ("loss", "error", "drift", "distance", "gramian_distance", "local_rate", "laziness", "kernel_cosine")


def expected_run(run: Run, shape: tuple[int, int], lambda0: float | None) -> dict[str, Any]:
    """What the columns of a run hold that are known before it is computed.

    Parameters
    ----------
    run : Run
    shape : (int, int)
        Of its data matrix.
    lambda0 : float or None
        The fitted lambda0, for a run that takes it.
    """
    rows, columns = shape
    fits = grid.fits(run.point["dynamics"])
    return {
        **parquet.parameters(run.point),
        **({"lambda0": lambda0} if fits else {}),
        "run": run.id,
        "experiment": run.experiment,
        "dynamics": run.dynamics,
        "solver": run.point["solver"]["method"],
        "seed": run.seed,
        "replicate": run.replicate,
        "matrix": run.matrix,
        "rows": rows,
        "columns": columns,
    }


def check_samples(row: Mapping[str, Any], run: Run, samples: pd.DataFrame, matrix: Data) -> Iterator[Check]:
    """Checks of the samples of a run: they are those that were asked for, and their columns agree with each other."""
    for column in SHARED:
        values = samples[column]
        same = values.isna() if row[column] is None else values == row[column]
        yield column, same.to_numpy(dtype=bool), f"is not {row[column]!r}, that of its run"
    yield from _check_times(row, run, samples)
    yield from _check_values(samples)
    if run.point["loss"]["kind"] == Squared.name and DYNAMICS[run.dynamics].penalty is None:
        yield from _check_loss(row, samples, matrix.values)
    if samples["product"].notna().all():
        products, norm = np.stack(samples["product"]).reshape(-1, *matrix.values.shape), np.linalg.norm(matrix.values)
        distance, size = np.linalg.norm(products - matrix.values, axis=(1, 2)), np.linalg.norm(products, axis=(1, 2))
        close = np.isclose(distance, samples["error"] * norm, rtol=0.0, atol=ROUNDING * (size + norm))
        yield "product", close, "has another distance from Y than column error says"


def _check_times(row: Mapping[str, Any], run: Run, samples: pd.DataFrame) -> Iterator[Check]:
    times, solver = grid.sample_times(run.point["time"]), run.point["solver"]
    if "step_size" in solver:
        steps = sample_steps(times, solver["step_size"])
        times = steps * solver["step_size"]
        yield "step", np.equal(samples["step"].fillna(-1), _padded(steps, len(samples))), "is not a step asked for"
    found = samples["t"].to_numpy()
    yield "t", np.isclose(found, _padded(times, len(found)), rtol=1e-12, atol=0.0), "is not a time asked for"
    complete = len(found) == len(times) or row["outcome"] == DIVERGED
    yield (
        "t",
        np.full(len(found), complete),
        f"is one of {len(found)} times, {len(times)} were asked for: some are missing",
    )


def _padded(values: np.ndarray, size: int) -> np.ndarray:
    """The first `size` values, NaN past their end."""
    return np.pad(values[:size].astype(float), (0, max(0, size - len(values))), constant_values=np.nan)


def _check_values(samples: pd.DataFrame) -> Iterator[Check]:
    for column in ("loss", "error"):
        yield column, samples[column].notna().to_numpy(), "is missing"
    for column in SIZES:
        values = samples[column]
        yield column, (values.isna() | ((values >= 0.0) & (values < np.inf))).to_numpy(), "is no finite number >= 0"
    spectra = np.stack(samples["singular_values"])
    yield "singular_values", np.all(np.diff(spectra, axis=1) <= 0.0, axis=1), "does not descend"


def _check_loss(row: Mapping[str, Any], samples: pd.DataFrame, data: np.ndarray) -> Iterator[Check]:
    norm, spectra = np.linalg.norm(data), np.stack(samples["singular_values"])
    distance = samples["error"].to_numpy() * norm
    same = np.isclose(samples["loss"], 0.5 * distance**2, rtol=ROUNDING, atol=(1e-15 * norm) ** 2)
    yield "loss", same, "is not (error · ‖Y‖)² / 2"
    symmetric = DYNAMICS[row["dynamics"]].symmetric
    values = np.linalg.eigvalsh(data)[::-1] if symmetric else np.linalg.svdvals(data)
    # Mirsky's inequality: matrices are no closer to each other than their spectra.
    excess = np.linalg.norm(spectra - values, axis=1) - distance
    within = np.less_equal(excess, ROUNDING * (norm + np.linalg.norm(spectra, axis=1)))
    yield "singular_values", within, "is farther from Y's than column error allows"
