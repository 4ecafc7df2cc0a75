"""Rows of runs and trajectories, from what a batch of runs gave."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from linear_networks.arrays import Index, squared_norm
from linear_networks.dynamics.problem import Problem
from linear_networks.initializations.start import Start
from linear_networks.measure.crossings import time_to
from linear_networks.outcomes import DIVERGED
from linear_networks.solvers.solution import Observe, Solution
from linear_networks.solvers.solver import Solver
from linear_networks.theory.limits import Limit
from linear_networks.theory.theory import Theory
from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.grid import Run


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
    rate = theory.rate_at(problem, end, solver.step)
    if rate is not None:
        found["rate_end"] = rate
        if start.modes is not None:
            sides = (start.modes.left, start.modes.right)
            left, right = (side[kept].mT @ part for side, part in zip(sides, problem.split(end), strict=True))
            found["mode_imbalances_end"] = np.vecdot(left, left) - np.vecdot(right, right)
    return {name: _spread(values, kept) for name, values in found.items()}


def progress(problem: Problem, limit: Limit, solution: Solution) -> dict[str, np.ndarray]:
    """How far runs have come at their end, and when the loss had fallen to parts of what it is above that of the limit.

    Shape (runs,); NaN where that is not known, of penalties too, and where a run diverged or has not come so far.
    """
    loss = solution.observed["loss"]
    found = {f"{name}_end": solution.observed[name][:, -1] for name in ("loss", "error")}
    if problem.penalties:
        return found
    excess = loss - problem.loss.value(limit.product)[:, None]
    for digits in parquet.DIGITS:
        levels = 10.0**-digits * excess[:, 0]
        found[f"time_to_{digits}_digits"] = time_to(solution.times, excess, levels)
        if solution.steps is not None:
            # A step is taken as a whole.
            found[f"steps_to_{digits}_digits"] = np.ceil(time_to(solution.steps, excess, levels))
    return found


def _spread(values: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Values of the runs that are kept, among NaN for the others."""
    spread = np.full((len(kept), *values.shape[1:]), np.nan)
    spread[kept] = values
    return spread


def description(run: Run, shape: tuple[int, ...], lambda0: Any) -> dict[str, Any]:
    """The columns of a run that stand in both tables."""
    rows, columns = shape
    parameters = parquet.parameters(run.point)
    return {
        "run": run.id,
        "experiment": run.experiment,
        "dynamics": run.dynamics,
        "solver": run.point["solver"]["method"],
        "replicate": run.replicate,
        "rows": rows,
        "columns": columns,
        "width": parameters["width"],
        "scale": parameters["scale"],
        "lambda0": None if isinstance(lambda0, list) else lambda0,
    }


def runs_table(runs: Sequence[Run], described: list[dict[str, Any]], measured: Mapping[str, np.ndarray]) -> pa.Table:
    """One row per run."""
    return parquet.table(
        (
            parquet.parameters(run.point)
            | row
            | {"seed": run.seed, "matrix": run.matrix}
            | {name: _plain(values[place]) for name, values in measured.items()}
            for place, (row, run) in enumerate(zip(described, runs, strict=True))
        ),
        parquet.RUNS,
    )


def _plain(value: Any) -> Any:
    """A value of a row: null for what is no finite number."""
    return None if np.asarray(value).dtype.kind == "f" and not np.all(np.isfinite(value)) else value.tolist()


def trajectories_table(described: list[dict[str, Any]], solution: Solution) -> pa.Table:
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
    for name in described[0]:
        kind = parquet.TRAJECTORIES.field(name).type
        columns[name] = pa.array([row[name] for row in described], type=kind).take(pa.array(run))
    unknown = columns.keys() - set(parquet.TRAJECTORIES.names)
    if unknown:
        raise KeyError(f"no column of trajectories for the observables {', '.join(sorted(unknown))}")
    return pa.table(
        [columns.get(field.name, pa.nulls(len(run), field.type)) for field in parquet.TRAJECTORIES],
        schema=parquet.TRAJECTORIES,
    )


def _column(values: np.ndarray) -> pa.Array:
    """Column of numbers, null where NaN, or of lists of numbers from the rows of a matrix."""
    if values.ndim == 1:
        return pa.array(values, from_pandas=True)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))
