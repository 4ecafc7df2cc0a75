"""Runs of one chunk: grouped into batches of one shape, computed by the library, laid out as tables."""

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from experiments import datasets, grid
from experiments.grid import Run
from gradflow import descent, gauge, initializations, observables
from gradflow.dynamics import DYNAMICS, Dynamics
from gradflow.solution import Solution

Matrices = Mapping[str, np.ndarray]


def simulate(
    runs: Sequence[Run],
    matrices: Matrices,
    record: Collection[str] = (),
    progress: Callable[[float], None] = lambda fraction: None,
) -> tuple[pa.Table, pa.Table]:
    """Compute runs.

    Parameters
    ----------
    runs : sequence of Run
    matrices : mapping to ndarray, shape (rows, columns)
        Data matrices by id.
    record : collection of str
        What else to keep: `product`, `factors`.
    progress : callable
        Called with the fraction done.

    Returns
    -------
    runs, trajectories : pyarrow.Table
        In the order of the runs, whatever batches they were computed in.
    """
    key = _batch_key(matrices)
    batches = [list(batch) for _, batch in groupby(sorted(runs, key=key), key)]
    tables = []
    for number, batch in enumerate(batches):
        share = partial(_share, progress, number, len(batches))
        tables.append(_simulate_batch(batch, matrices, record, share))
    order = {run.id: place for place, run in enumerate(runs)}
    parts, trajectories = (pa.concat_tables(part) for part in zip(*tables, strict=True))
    return _in_order(parts, order), _in_order(trajectories, order)


def _batch_key(matrices: Matrices) -> Callable[[Run], str]:
    """What the runs of one batch have in common: the dynamics, the shape of its state, the solver and the times."""

    def key(run: Run) -> str:
        rows, columns = matrices[run.matrix].shape
        width = min(run.point["width"], rows + columns)
        return json.dumps([run.dynamics, rows, columns, width, run.point["solver"], run.point["time"]], sort_keys=True)

    return key


def _share(progress: Callable[[float], None], number: int, count: int, done: float) -> None:
    """Progress of all batches from that of batch `number`."""
    progress((number + done) / count)


def _simulate_batch(
    runs: list[Run], matrices: Matrices, record: Collection[str], progress: Callable[[float], None]
) -> tuple[pa.Table, pa.Table]:
    began = time.perf_counter()
    data = np.stack([matrices[run.matrix] for run in runs])
    factors = np.stack([_start(run, *data.shape[1:]) for run in runs])
    dynamics = DYNAMICS[runs[0].dynamics](data)
    start = dynamics.start(factors)
    observe = observables.observer(dynamics, start, product="product" in record)

    solver = runs[0].point["solver"]
    _warn_of_instability(runs, dynamics, factors)
    steps = descent.sample_steps(grid.sample_times(runs[0].point["time"]), solver["step_size"])
    solution = descent.descend(dynamics, start, solver["step_size"], steps, observe, progress)
    seconds = (time.perf_counter() - began) / len(runs)

    described = [_description(run, data.shape) for run in runs]
    outcome = {
        "outcome": solution.outcome.tolist(),
        "steps": solution.work.tolist(),
        "seconds": [seconds] * len(runs),
        "factors": [factor.ravel() if "factors" in record else None for factor in factors],
        **_lists(initializations.invariants(factors, data.shape[1], np.array([run.point["width"] for run in runs]))),
    }
    table = datasets.table(
        (
            row
            | datasets.parameters(run.point)
            | {"seed": run.seed, "matrix": run.matrix}
            | dict(zip(outcome, values, strict=True))
            for row, run, *values in zip(described, runs, *outcome.values(), strict=True)
        ),
        datasets.RUNS,
    )
    return table, _trajectories(described, steps * solver["step_size"], steps, solution)


def _warn_of_instability(runs: list[Run], dynamics: Dynamics, factors: np.ndarray) -> None:
    rows = dynamics.data.shape[1]
    norms = (np.linalg.norm(part, 2, axis=(1, 2)) for part in (dynamics.data, factors[:, :rows], factors[:, rows:]))
    unstable = 0
    for run, *sizes in zip(runs, *norms, strict=True):
        unstable += run.point["solver"]["step_size"] * dynamics.curvature(*sizes) > 2.0
    if unstable:
        logging.warning(
            "%d of %d runs of %s have a step size past their stability limit", unstable, len(runs), runs[0].dynamics
        )


def _start(run: Run, rows: int, columns: int) -> np.ndarray:
    """Gauge-reduced factors R(0) of a run, shape (rows + columns, min(width, rows + columns))."""
    start = run.point["initialization"]
    factors = initializations.gaussian(run.stream, rows, columns, run.point["width"], start["scale"])
    return gauge.reduce(factors)[0]


def _description(run: Run, shape: tuple[int, ...]) -> dict[str, Any]:
    """The columns of a run that stand in both tables."""
    _, rows, columns = shape
    return {
        "run": run.id,
        "experiment": run.experiment,
        "dynamics": run.dynamics,
        "solver": run.point["solver"]["method"],
        "replicate": run.replicate,
        "rows": rows,
        "columns": columns,
        "width": run.point["width"],
        "scale": run.point["initialization"].get("scale"),
    }


def _trajectories(
    described: list[dict[str, Any]], times: np.ndarray, steps: np.ndarray | None, solution: Solution
) -> pa.Table:
    """One row per run and sample that was observed."""
    run, sample = np.nonzero(np.isfinite(solution.observed["error"]))
    columns: dict[str, pa.Array] = {"t": pa.array(times[sample])}
    if steps is not None:
        columns["step"] = pa.array(steps[sample])
    for name, values in solution.observed.items():
        columns[name] = _column(values[run, sample])
    for name in described[0]:
        kind = datasets.TRAJECTORIES.field(name).type
        columns[name] = pa.array([row[name] for row in described], type=kind).take(pa.array(run))
    return pa.table(
        [columns.get(field.name, pa.nulls(len(run), field.type)) for field in datasets.TRAJECTORIES],
        schema=datasets.TRAJECTORIES,
    )


def _column(values: np.ndarray) -> pa.Array:
    """Column of numbers, or of lists of numbers from the rows of a matrix."""
    if values.ndim == 1:
        return pa.array(values)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()))


def _in_order(table: pa.Table, order: Mapping[str, int]) -> pa.Table:
    places = np.array([order[run] for run in table["run"].to_pylist()], dtype=np.intp)
    return table.take(pa.array(np.argsort(places, kind="stable")))


def _lists(arrays: Mapping[str, np.ndarray]) -> dict[str, list]:
    return {name: values.tolist() for name, values in arrays.items()}
