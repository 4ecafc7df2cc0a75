"""Rows of runs and trajectories, from what a batch of runs gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from linear_networks.arrays import Index, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.measure import tangent_kernel
from linear_networks.measure.crossings import time_to
from linear_networks.outcomes import DIVERGED
from linear_networks.solvers.solution import Observe, Solution
from linear_networks.solvers.solver import ROUNDING, Solver
from linear_networks.theory.limits import Limit
from linear_networks.theory.theory import Theory
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.parameters import PARAMETERS
from linear_networks_workflow.grid import Run

# Columns of samples that are those of their run.
SHARED = ("run", "experiment", "dynamics", "solver", "replicate", "rows", "columns", "width", "scale", "lambda0")

WHOLE = 1e-9  # of a number of steps is none


def keeping(state: np.ndarray, observe: Observe) -> tuple[np.ndarray, Observe]:
    """The latest state of every run, from the start on, and the function that observes and keeps it."""
    latest = state.copy()

    def keep(problem: Problem, states: np.ndarray, runs: Index) -> Mapping[str, np.ndarray]:
        latest[runs] = states  # in the order of time: of several states of a run the last stays
        return observe(problem, states, runs)

    return latest, keep


def ends(
    problem: Problem, theory: Theory, start: Start, end: np.ndarray, solution: Solution, solver: Solver
) -> dict[str, np.ndarray]:
    """What is known of the last states, shape (runs, entries); NaN where they diverged."""
    found, kept = {}, solution.outcome != DIVERGED
    if not kept.any():
        return {}
    problem, end = problem.select(kept), end[kept]
    imbalance = problem.imbalance(end)
    if imbalance is not None:
        found["imbalance_end"] = np.sqrt(squared_norm(imbalance))
    first, last = (problem.tangent_kernel(state) for state in (problem.start(start.factors[kept]), end))
    if first is not None and last is not None:
        found["laziness"] = tangent_kernel.laziness(last, first)
    rate = theory.rate_at(problem, end, solver.step)
    if rate is not None:
        found["rate_end"] = rate
        if start.modes is not None:
            sides = (start.modes.left, start.modes.right)
            left, right = (side[kept].mT @ part for side, part in zip(sides, problem.split(end), strict=True))
            # Of (u^2 - v^2)^2 = (u - v)^2 (u + v)^2 with several columns of u and v.
            size = np.linalg.norm(left - right, axis=-1) * np.linalg.norm(left + right, axis=-1)
            found["mode_imbalances_end"] = np.copysign(size, np.vecdot(left, left) - np.vecdot(right, right))
    return {name: _spread(values, kept) for name, values in found.items()}


def kernels(solution: Solution) -> dict[str, np.ndarray]:
    """Replace the kernels that were observed by how far they are from the first and the last, and say it of runs."""
    observed, kernel = solution.observed, solution.observed.pop("kernel", None)
    if kernel is None:
        return {}
    observed["laziness"] = tangent_kernel.laziness(kernel, kernel[:, :1])
    observed["kernel_cosine"] = tangent_kernel.cosine(kernel, kernel[:, -1:])
    aligned = tangent_kernel.alignment(solution.times, observed["loss"], observed["kernel_cosine"])
    return {"laziness": observed["laziness"][:, -1], "silent_alignment": aligned}


def progress(problem: Problem, limit: Limit, solution: Solution, solver: Solver) -> dict[str, np.ndarray]:
    """How far runs have come at their end, and when the loss had fallen to parts of what it is above that of the limit.

    Shape (runs,); NaN where that is not known, of penalties too, where a run diverged or has not come so far, and where
    the part is below the accuracy of the solver, as from starts at the limit.
    """
    loss = solution.observed["loss"]
    found = {f"{name}_end": solution.observed[name][:, -1] for name in ("loss", "error")}
    if problem.penalties:
        return found
    excess = loss - problem.loss.value(limit.product)[:, None]
    least = 0.5 * (solver.floor(1.0) * limit.size) ** 2 + ROUNDING * limit.loss
    for digits in parquet.DIGITS:
        levels = 10.0**-digits * excess[:, 0]
        levels[levels <= least] = np.nan
        found[f"time_to_{digits}_digits"] = time_to(solution.times, excess, levels)
        if solution.steps is not None:
            # A step is taken as a whole; what ends with one may be rounded to just after it.
            steps = time_to(solution.steps, excess, levels)
            found[f"steps_to_{digits}_digits"] = np.ceil((1.0 - WHOLE) * steps)
    return found


def _spread(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Values of the runs that are kept, among NaN for the others."""
    spread = np.full((len(kept), *values.shape[1:]), np.nan)
    spread[kept] = values
    return spread


def described(runs: Sequence[Run], shape: tuple[int, ...], lambda0s: Sequence[Any]) -> dict[str, pa.Array]:
    """The columns of runs that are known before they are computed, of matrices of one shape."""
    rows, columns = shape
    # A point has many replicates, and its parameters are looked up once.
    points = {id(run.point): run.point for run in runs}
    places = {point: place for place, point in enumerate(points)}
    of_points = parquet.table(map(parquet.parameters, points.values()), parquet.RUNS)
    of_runs = of_points.take(pa.array([places[id(run.point)] for run in runs])).combine_chunks()
    known = {
        "run": [run.id for run in runs],
        "experiment": [run.experiment for run in runs],
        "dynamics": [run.dynamics for run in runs],
        "solver": [run.point["solver"]["method"] for run in runs],
        "seed": [run.seed for run in runs],
        "replicate": [run.replicate for run in runs],
        "matrix": [run.matrix for run in runs],
        "rows": [rows] * len(runs),
        "columns": [columns] * len(runs),
        "lambda0": [None if isinstance(one, list) else one for one in lambda0s],
    }
    parameters = {name: of_runs[name].combine_chunks() for name in PARAMETERS if name not in known}
    return parameters | {name: pa.array(some, parquet.RUNS.field(name).type) for name, some in known.items()}


def runs_table(described: Mapping[str, pa.Array], measured: Mapping[str, np.ndarray]) -> pa.Table:
    """One row per run."""
    found = {name: _nullable(values, parquet.RUNS.field(name).type) for name, values in measured.items()}
    return _table({**described, **found}, parquet.RUNS, len(described["run"]))


def _nullable(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Column of numbers or words, or of lists of numbers; null for what is no finite number, or has one in its list."""
    if values.dtype.kind != "f":
        return pa.array(values.tolist(), kind)
    finite = np.isfinite(values)
    if values.ndim == 1:
        return pa.array(values, mask=~finite).cast(kind)
    whole = finite.all(axis=1)
    offsets = np.concatenate([[0], np.cumsum(whole * values.shape[1])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[whole].ravel()), mask=pa.array(~whole))


def _table(columns: Mapping[str, pa.Array], schema: pa.Schema, size: int) -> pa.Table:
    """Table of a schema; columns that are not there are null."""
    return pa.table([columns.get(field.name, pa.nulls(size, field.type)) for field in schema], schema=schema)


def trajectories_table(described: Mapping[str, pa.Array], solution: Solution) -> pa.Table:
    """One row per run and sample that was observed.

    Raises
    ------
    KeyError
        If something was observed that has no column.
    """
    run, sample = np.nonzero(np.isfinite(solution.observed["error"]))
    columns: dict[str, pa.Array] = {"t": pa.array(solution.times[sample])}
    if solution.steps is not None:
        columns["step"] = pa.array(solution.steps[sample])
    for name, values in solution.observed.items():
        columns[name] = _column(values[run, sample])
    for name in SHARED:
        columns[name] = described[name].take(pa.array(run))
    unknown = columns.keys() - set(parquet.TRAJECTORIES.names)
    if unknown:
        raise KeyError(f"no column of trajectories for the observables {', '.join(sorted(unknown))}")
    return _table(columns, parquet.TRAJECTORIES, len(run))


def _column(values: np.ndarray) -> pa.Array:
    """Column of numbers, null where NaN, or of lists of numbers from the rows of a matrix."""
    if values.ndim == 1:
        return pa.array(values, from_pandas=True)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))
